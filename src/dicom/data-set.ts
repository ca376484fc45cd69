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

/** Where the pixels lie in the file, PS3.5 A.4. */
export interface PixelDataPlace {
  /** Of the first byte of the value, from the start of the file. */
  readonly offset: number;
  /** In bytes as the header says; `encapsulated` is the undefined length of compressed pixels, which lie in fragments. */
  readonly length: number | "encapsulated";
}

/** The elements of a file up to its pixel data, or of an item of a sequence. */
export interface DataSet {
  /** The file, and the item within it, for messages. */
  readonly where: string;
  /** The header's bytes, that elements point into. Owned by the data set. */
  readonly bytes: Uint8Array;
  readonly elements: ReadonlyMap<number, Element>;
  /** UID as the meta header says; where it says nothing, the native syntax that the bytes look like. */
  readonly transferSyntax: string;
  readonly vr: "explicit" | "implicit";
  readonly pixelData: PixelDataPlace | undefined;
  /** Of the whole file (or array), in bytes. */
  readonly sizeBytes: number;
}
