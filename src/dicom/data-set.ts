/** Where one element of a data set lies. Its value is decoded only when asked for (values.ts). */
export interface Element {
  /** Group and element in one number: (0028,1053) is 0x00281053. */
  readonly tag: number;
  /** Two letters of PS3.5 6.2; in implicit VR those of the dictionary, `UN` where it does not know the tag. */
  readonly vr: string;
  /** Of the value, in bytes from the start of `DataSet.bytes`. */
  readonly offset: number;
  /** Of the value, in bytes; for an undefined length that of all its items, without the closing delimiter. */
  readonly length: number;
}

/** Where the pixels lie, PS3.5 A.4. */
export interface PixelDataPlace {
  /** Of the first byte of the value, from the start of the file, or of `memory` where that is given. */
  readonly offset: number;
  /** In bytes as the header says; `encapsulated` is the undefined length of compressed pixels, which lie in fragments. */
  readonly length: number | "encapsulated";
  /** What `offset` counts in where it is not the file: the elements of a deflated data set, inflated, to their end. */
  readonly memory: Uint8Array | undefined;
}

/** How elements are laid out, PS3.5 7.1 and 7.3: whether their VR is written, and the order of the bytes of a number. */
export interface Layout {
  readonly vr: "explicit" | "implicit";
  readonly byteOrder: "little" | "big";
}

/** The elements of a file up to its pixel data, or of an item of a sequence. */
export interface DataSet extends Layout {
  /** The file, and the item within it, for messages. */
  readonly where: string;
  /** The header's bytes, that elements point into. Owned by the data set, and shared with its items. */
  readonly bytes: Uint8Array;
  readonly elements: ReadonlyMap<number, Element>;
  /** UID as the meta header says; where it says nothing, the native syntax that the bytes look like. */
  readonly transferSyntax: string;
  /** In an item `undefined`, whose pixels (of an icon) are an element like any other. */
  readonly pixelData: PixelDataPlace | undefined;
  /** Of the whole file (or array), in bytes. */
  readonly sizeBytes: number;
  /** The data set that an item belongs to: its character set and sign hold in the item too (PS3.5 7.5.3). */
  readonly parent: DataSet | undefined;
}
