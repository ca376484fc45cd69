import { explicitLittleEndian } from "./transfer-syntaxes.ts";
import { type WritableElements, writeDicom } from "./write.ts";

/** How the fragments of a file are laid out. */
export interface Encapsulation {
  readonly syntax: string;
  /** Each with its bytes as they are, padded or not. */
  readonly fragments: readonly Uint8Array[];
  /** Offsets in the basic offset table; none if left out. */
  readonly offsets?: readonly number[];
  /** What follows the last fragment; the sequence delimiter if left out. */
  readonly after?: Uint8Array;
}

/** The end of a sequence of items, PS3.5 7.5.2. */
const delimiter = Uint8Array.of(0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0);

/** A file whose pixels lie in fragments, written byte by byte: the writer of the room writes native pixels only. */
export function encapsulatedFile(elements: WritableElements, encapsulation: Encapsulation): Uint8Array {
  return encapsulate(writeDicom({ ...elements, PixelData: undefined }), encapsulation);
}

/** The same behind the bytes of a file in explicit little endian, up to its pixel data. */
export function encapsulate(native: Uint8Array, encapsulation: Encapsulation): Uint8Array {
  const { syntax, fragments, offsets = [], after = delimiter } = encapsulation;
  const head = withSyntax(native, syntax);
  const table = Buffer.alloc(4 * offsets.length);
  for (const [index, offset] of offsets.entries()) table.writeUInt32LE(offset, 4 * index);
  const pixelData = Uint8Array.of(0xe0, 0x7f, 0x10, 0, 0x4f, 0x42, 0, 0, 0xff, 0xff, 0xff, 0xff); // OB, undefined length
  return Buffer.concat([head, pixelData, ...[table, ...fragments].map(item), after]);
}

/** A file with its transfer syntax named otherwise, and the length of the meta group as it then is. */
function withSyntax(file: Uint8Array, syntax: string): Uint8Array {
  const bytes = Buffer.from(file);
  const old = `${explicitLittleEndian}\0`;
  const uid = syntax.padEnd(syntax.length + (syntax.length % 2), "\0");
  const at = bytes.indexOf(old);
  const length = Buffer.alloc(2);
  length.writeUInt16LE(uid.length);
  const group = 140; // value of (0002,0000), behind the preamble, "DICM" and the element's head
  bytes.writeUInt32LE(bytes.readUInt32LE(group) + uid.length - old.length, group);
  return Buffer.concat([bytes.subarray(0, at - 2), length, Buffer.from(uid), bytes.subarray(at + old.length)]);
}

/** An item, its length as it is (odd lengths are left odd). */
function item(bytes: Uint8Array): Uint8Array {
  const head = Buffer.from([0xfe, 0xff, 0, 0xe0, 0, 0, 0, 0]);
  head.writeUInt32LE(bytes.length, 4);
  return Buffer.concat([head, bytes]);
}
