import { fail, ok, type Problem, type Result } from "../base/index.ts";
import { writeFileAtomic } from "../machine/index.ts";
import { type ByteFile, withFile } from "../storage/index.ts";
import type { DataSet } from "./data-set.ts";
import { walkItems } from "./encapsulated.ts";
import { explicitLittleEndian, implicitLittleEndian, transferSyntaxes } from "./transfer-syntaxes.ts";
import { type WritableElement, writeDataSet } from "./write-data-set.ts";

/** How a file is written again. */
export interface Rewriting {
  /** All elements but the pixel data and the meta header, which is made anew. */
  readonly elements: readonly WritableElement[];
  /** Changes pixels as they are stored; pieces begin at multiples of 4 bytes. */
  readonly pixels?: (piece: Uint8Array) => void;
}

const pieceBytes = 4 * 2 ** 20;

/**
 * Writes a DICOM file again with other elements and its own pixel data, byte by byte, in its own transfer syntax; a
 * deflated one uncompressed. What lies behind the pixel data is left out. Memory does not grow with the pixels. Problems:
 * what the system says of either file, "truncated", "damaged pixel data", "transfer syntax" (implicit VR where the
 * syntax is explicit).
 */
export function rewriteFile(
  paths: { readonly from: string; readonly to: string },
  header: DataSet,
  rewriting: Rewriting,
): Result<void> {
  const explicit = header.transferSyntax !== implicitLittleEndian;
  if (explicit !== (header.vr === "explicit")) {
    return fail({
      kind: "transfer syntax",
      where: paths.from,
      got: `${header.vr} VR`,
      expected: explicit ? "explicit VR, as the syntax of the file says" : "implicit VR",
      next: "write the file anew, e.g. with dcmconv",
    });
  }
  return withFile(paths.from, (file) => {
    const end = pixelEnd(file, header);
    if (end.kind === "problem") return end;
    try {
      return writeFileAtomic(paths.to, pieces(file, header, { ...rewriting, end: end.value }));
    } catch (error) {
      if (error instanceof CutOff) return fail(truncated(header.where, error.got));
      throw error;
    }
  });
}

/** Thrown within the writing of a file where the one that is read ends early, as it has been cut off meanwhile. */
class CutOff extends Error {
  readonly got: number;

  constructor(got: number) {
    super(`ends at ${got} bytes`);
    this.got = got;
  }
}

function* pieces(
  file: ByteFile,
  header: DataSet,
  { elements, pixels, end }: Rewriting & { readonly end: number },
): Generator<Uint8Array> {
  const deflated = transferSyntaxes[header.transferSyntax]?.encoding === "deflated";
  yield writeDataSet(elements, { transferSyntax: deflated ? explicitLittleEndian : header.transferSyntax });
  const place = header.pixelData;
  if (place === undefined) return;
  for (let at = place.offset - (header.vr === "explicit" ? 12 : 8); at < end; ) {
    const next = at < place.offset ? place.offset : Math.min(end, at + pieceBytes); // the element's head is a piece
    const piece = new Uint8Array(next - at);
    const got = place.memory === undefined ? file.read(piece, at) : piece.length;
    if (got < piece.length) throw new CutOff(at + got);
    if (place.memory !== undefined) piece.set(place.memory.subarray(at, next));
    if (at >= place.offset) pixels?.(piece);
    yield piece;
    at = next;
  }
}

/** Whether the pixel data of a file are there to their end. Problems: "truncated", "damaged pixel data", the system's. */
export function checkPixels(path: string, header: DataSet): Result<void> {
  return withFile(path, (file) => {
    const end = pixelEnd(file, header);
    return end.kind === "problem" ? end : ok(undefined);
  });
}

/** Where the pixel data end: behind the last byte, or behind the delimiter of their fragments (PS3.5 A.4). */
function pixelEnd(file: ByteFile, { where, pixelData }: DataSet): Result<number> {
  if (pixelData === undefined) return ok(0);
  const { offset, length, memory } = pixelData;
  const size = memory?.length ?? file.sizeBytes;
  if (length !== "encapsulated" && offset + length <= size) return ok(offset + length);
  if (length === "encapsulated") {
    const walked = walkItems(file, { from: offset, where });
    if (walked.kind === "problem") return walked;
    if (walked.value.end !== undefined) return ok(walked.value.end);
  }
  return fail(truncated(where, file.sizeBytes));
}

function truncated(where: string, sizeBytes: number): Problem {
  const next = "copy the file again from its source";
  return {
    kind: "truncated",
    where,
    got: `a file of ${sizeBytes} bytes`,
    expected: "pixel data to their end (PS3.5 A.4)",
    next,
  };
}
