import { fail, ok, type Result } from "../base/index.ts";
import { withFile } from "../storage/index.ts";
import { native } from "./codecs/native.ts";
import { damagedPixels } from "./codecs/port.ts";
import { codecs, type DecodedCells, decodeFrame, unsupported } from "./codecs.ts";
import type { DataSet, PixelDataPlace } from "./data-set.ts";
import { indexFrames, joinFragments } from "./encapsulated.ts";
import { frameBytes, type PixelLayout, pixelLayout } from "./pixel-layout.ts";
import { numbers } from "./values.ts";

/** Stored values of one frame, [row, column] row-major, masked or sign-extended to BitsStored. */
export interface StoredFrame {
  readonly values: Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array;
  readonly rows: number;
  readonly columns: number;
}

/** Frames of the file as its header says; 1 where it says nothing that makes sense. */
export function countFrames(header: DataSet): number {
  const frames = numbers(header, "NumberOfFrames")?.[0] ?? 1;
  return Number.isInteger(frames) && frames >= 1 ? frames : 1;
}

/**
 * Reads one frame (0-based) of a file whose header is known, of any transfer syntax of `codecs`: BitsStored bits below
 * HighBit, sign-extended or masked, whatever the bits above them hold (PS3.5 8.1.1). Only the frame's bytes are read.
 * Compressed pixels want `await loadCodecs([header.transferSyntax])` before. Problems: "no pixel data", "frame", "transfer
 * syntax", "truncated", "damaged pixel data", "pixel layout", "codec".
 */
export function readFrame(path: string, header: DataSet, frame = 0): Result<StoredFrame> {
  return readFrameBy(path, header, { frame, codec: undefined });
}

/** As `readFrame`, by the codec of a name, to compare them; the problem "transfer syntax" where it does not take the stream. */
export function readFrameBy(
  path: string,
  header: DataSet,
  { frame, codec }: { readonly frame: number; readonly codec: string | undefined },
): Result<StoredFrame> {
  const checked = pixelLayout(path, header);
  if (checked.kind === "problem") return checked;
  const layout = checked.value;
  const stored = storedBytes(path, header, { frame, layout });
  if (stored.kind === "problem") return stored;
  const cells = decodeFrame(stored.value, { uid: header.transferSyntax, layout, codec });
  if (cells.kind === "problem") return cells;
  return ok({ values: storedValues(cells.value, layout), rows: layout.rows, columns: layout.columns });
}

/**
 * Reads the cells of a native little-endian frame (0-based) into memory that the caller has, which is as long as the
 * frame. `undefined` where the frame lies otherwise or is not whole: `readFrame` then decodes it or says why not.
 */
export function readCells(
  path: string,
  header: DataSet,
  { frame, target }: { readonly frame: number; readonly target: Uint8Array },
): Uint8Array | undefined {
  const { pixelData: place, transferSyntax } = header;
  if (place === undefined || place.length === "encapsulated" || place.memory !== undefined) return undefined;
  if (codecs[transferSyntax]?.codecs[0] !== native || frame >= countFrames(header)) return undefined;
  if ((frame + 1) * target.length > place.length) return undefined;
  const got = withFile(path, (file) => ok(file.read(target, place.offset + frame * target.length)));
  return got.kind === "ok" && got.value === target.length ? target : undefined;
}

/** Whether the fragments of compressed pixels are whole and those of the file's frames, by their heads alone; no problem for others. */
export function checkFragments(path: string, header: DataSet): Result<void> {
  if (header.pixelData?.length !== "encapsulated") return ok(undefined);
  const found = withFile(path, (file) => indexFrames(file, header, countFrames(header)));
  return found.kind === "problem" ? found : ok(undefined);
}

interface Wanted {
  readonly frame: number;
  readonly layout: PixelLayout;
}

/** The bytes of one frame as they lie in the file, fragments joined. */
function storedBytes(path: string, header: DataSet, { frame, layout }: Wanted): Result<Uint8Array> {
  const [row, place, frames] = [codecs[header.transferSyntax], header.pixelData, countFrames(header)];
  const next = "nothing to do if this is no image";
  if (place === undefined) {
    return fail({ kind: "no pixel data", where: path, got: "no (7FE0,0010)", expected: "pixel data", next });
  }
  if (row === undefined) return fail(unsupported(path, header.transferSyntax));
  if (frame >= frames) {
    return fail({ kind: "frame", where: path, got: `frame ${frame + 1}`, expected: `one of ${frames}`, next });
  }
  const isNative = row.frames === "native";
  if (isNative !== (place.length !== "encapsulated")) {
    const got = isNative ? "pixels in fragments" : "pixels of a defined length";
    return fail(damagedPixels(path, { got, expected: `${row.summary} (${row.source})` }));
  }
  if (isNative) return nativeBytes(path, place, { frame, layout });
  return withFile(path, (file) => {
    const index = indexFrames(file, header, frames);
    if (index.kind === "problem") return index;
    const fragments = index.value[frame] ?? [];
    const length = fragments.reduce((sum, fragment) => sum + fragment.length, 0);
    const most = 4 * frameBytes(layout) + 2 ** 20; // no codec needs as much, with headers of every kind
    if (length <= most) return ok(joinFragments(file, fragments));
    return fail(
      damagedPixels(path, { got: `${length} bytes of fragments`, expected: `at most ${most} for one frame` }),
    );
  });
}

function nativeBytes(path: string, place: PixelDataPlace, { frame, layout }: Wanted): Result<Uint8Array> {
  const size = frameBytes(layout);
  const all = place.length === "encapsulated" ? 0 : place.length;
  const length = Math.max(0, Math.min(size, all - frame * size));
  const offset = place.offset + frame * size;
  if (place.memory !== undefined) return ok(new Uint8Array(place.memory.subarray(offset, offset + length)));
  return withFile(path, (file) => {
    const bytes = Buffer.allocUnsafeSlow(Math.min(length, Math.max(0, file.sizeBytes - offset))); // its own memory
    return ok(bytes.subarray(0, file.read(bytes, offset)));
  });
}

/**
 * Cells as values: whole cells as they lie, others shifted to the top and back, which masks or extends the sign. What a
 * codec says of sign and depth does not count, with three exceptions. A JPEG 2000 stream of unsigned samples in a file of
 * signed ones is two's complement of the stream's depth (as pydicom reads it). Samples that leave no room for HighBit lie
 * at the bottom. Lossy samples of more bits than BitsStored may overshoot its range: masked, the brightest pixel would
 * become the darkest, so they are cut to the range.
 */
function storedValues(cells: DecodedCells, layout: PixelLayout): StoredFrame["values"] {
  const { stream, lossy } = cells;
  const signed = layout.sign === "signed";
  const precision = stream?.precision ?? layout.bitsAllocated;
  const values = cellsAs(widened(cells, layout.bitsAllocated), layout);
  if (lossy === "lossy" && precision > layout.bitsStored) return cutToRange(values, precision, layout);
  const twosComplement = signed && stream?.sign === "unsigned" && stream.kind.endsWith("jpeg 2000");
  const bitsStored = twosComplement ? Math.min(precision, layout.bitsStored) : layout.bitsStored;
  const highBit = twosComplement || precision <= layout.highBit ? bitsStored - 1 : layout.highBit;
  if (bitsStored === layout.bitsAllocated) return values;
  // 12 bits below HighBit 11, signed: 0xF801 << 20 >> 20 = 0x801 extended = −2047
  const left = 31 - highBit;
  const right = 32 - bitsStored;
  for (let index = 0; index < values.length; index++) {
    const top = values[index]! << left;
    values[index] = signed ? top >> right : top >>> right;
  }
  return values;
}

/** Values of a precision, in place, as the nearest that BitsStored bits hold. */
function cutToRange(
  values: StoredFrame["values"],
  precision: number,
  { bitsStored, sign }: PixelLayout,
): StoredFrame["values"] {
  const shift = 32 - precision;
  const low = sign === "signed" ? -(2 ** (bitsStored - 1)) : 0;
  const high = low + 2 ** bitsStored - 1;
  for (let index = 0; index < values.length; index++) {
    const whole = values[index]! << shift;
    values[index] = Math.min(high, Math.max(low, sign === "signed" ? whole >> shift : whole >>> shift));
  }
  return values;
}

function cellsAs(bytes: Uint8Array, { bitsAllocated, sign }: PixelLayout): StoredFrame["values"] {
  const signed = sign === "signed";
  const kinds = {
    8: signed ? Int8Array : Uint8Array,
    16: signed ? Int16Array : Uint16Array,
    32: signed ? Int32Array : Uint32Array,
  };
  const Kind = kinds[bitsAllocated];
  return new Kind(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength / Kind.BYTES_PER_ELEMENT);
}

/** Cells of BitsAllocated, where a codec answers those of its stream (8 bits in a file of 16, or the other way round). */
function widened({ bytes: cells, bytesPerCell, stream }: DecodedCells, bitsAllocated: 8 | 16 | 32): Uint8Array {
  const wanted = bitsAllocated / 8;
  if (bytesPerCell === wanted) return cells.byteOffset % 4 === 0 ? cells : new Uint8Array(cells); // typed arrays want their alignment
  const count = cells.length / bytesPerCell;
  const other = new Uint8Array(count * wanted);
  const kept = Math.min(wanted, bytesPerCell);
  for (let index = 0; index < count; index++) {
    const from = index * bytesPerCell;
    const isNegative = stream?.sign === "signed" && cells[from + bytesPerCell - 1]! >= 0x80;
    if (isNegative) other.fill(0xff, index * wanted, (index + 1) * wanted);
    for (let byte = 0; byte < kept; byte++) other[index * wanted + byte] = cells[from + byte]!;
  }
  return other;
}
