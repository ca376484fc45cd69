import { fail, ok, type Result } from "../base/index.ts";
import { type ByteFile, withFile } from "../storage/index.ts";
import type { DataSet } from "./data-set.ts";
import { parse } from "./parse.ts";
import { endsEarly } from "./walk-elements.ts";

/** One page holds nearly every header; measured, 1 to 8 KB are equally fast. */
const firstBytes = 4096;

/** Reused by every call: reading is synchronous, and the answer keeps a copy of the few bytes that it needs. */
const firstPage = new Uint8Array(firstBytes);

/** No header is longer; a file that claims so is refused instead of read into memory. Also of a deflated file as it lies. */
const mostBytes = 64 * 2 ** 20;

/**
 * Reads the elements of a file up to its pixel data: 4 KB first, then doubling as far as the header goes.
 * Synchronous, which beats every asynchronous form where many headers are read in workers (measured).
 * Problems: those of `readDataSet`, and what the system says of the file.
 */
export function readHeader(path: string): Result<DataSet> {
  return withFile(path, (file) => readFrom(file, path));
}

function readFrom(file: ByteFile, path: string): Result<DataSet> {
  const { sizeBytes } = file;
  for (let wanted = firstBytes; ; ) {
    const first = wanted === firstBytes;
    const asked = Math.min(wanted, sizeBytes);
    const bytes =
      (first ? file.start : undefined) ?? readInto(first ? firstPage.subarray(0, asked) : new Uint8Array(asked), file);
    const parsed = parse(bytes, { where: path, sizeBytes });
    if (parsed.kind === "done") return ok(first ? owned(parsed.dataSet) : parsed.dataSet);
    if (parsed.kind === "problem") return fail(parsed.problem);
    if (bytes.length < asked || bytes.length === sizeBytes)
      return fail(endsEarly(path, { got: bytes.length, needed: parsed.neededBytes }));
    wanted = Math.max(Math.min(2 * wanted, mostBytes), parsed.neededBytes);
    if (parsed.neededBytes > mostBytes) {
      const got = `a header of ${parsed.neededBytes} bytes`;
      return fail({
        kind: "damaged",
        where: path,
        got,
        expected: `at most ${mostBytes} bytes`,
        next: "look at the file with dcmdump",
      });
    }
  }
}

/** The beginning of a file as far as it fills the target, or the file goes. */
function readInto(target: Uint8Array, file: ByteFile): Uint8Array {
  const got = file.read(target, 0);
  return got === target.length ? target : target.subarray(0, got);
}

/** With bytes of its own, of the pool of Node's buffers: memory for itself takes several times as long to get. */
function owned(dataSet: DataSet): DataSet {
  const { length } = dataSet.bytes;
  const { buffer, byteOffset } = Buffer.allocUnsafe(length);
  const bytes = new Uint8Array(buffer, byteOffset, length);
  bytes.set(dataSet.bytes);
  return { ...dataSet, bytes };
}
