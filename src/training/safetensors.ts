import { z } from "zod";
import { fail, ok, type Result, type Shaped, shaped, sizeOf } from "../base/index.ts";

/** What a safetensors file holds: float32 arrays by name, and text by key. */
export interface Tensors {
  readonly arrays: Readonly<Record<string, Shaped<Float32Array>>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The length of the header stands in front of it as u64; the arrays then start at a multiple of it. */
const lengthBytes = 8;

/** No header of ours comes near; a larger one is no file of ours and is not parsed. */
const headerLimit = 1 << 24;

const entrySchema = z.object({
  dtype: z.literal("F32"),
  shape: z.array(z.int().nonnegative()),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});

/**
 * The bytes of a safetensors file (huggingface/safetensors, format of version 0.4): u64 header length, JSON header
 * padded with spaces to 8 bytes, then the arrays one after the other, little endian. Equal contents give equal bytes.
 */
export function encodeSafetensors({ arrays, metadata }: Tensors): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let end = 0;
  for (const [name, { data, shape }] of Object.entries(arrays)) {
    header[name] = { dtype: "F32", shape, data_offsets: [end, end + data.byteLength] };
    end += data.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const start = lengthBytes + Math.ceil(json.length / lengthBytes) * lengthBytes;
  const bytes = new Uint8Array(start + end);
  bytes.fill(0x20, lengthBytes, start);
  bytes.set(json, lengthBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - lengthBytes), true);
  let at = start;
  for (const { data } of Object.values(arrays)) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

/** Reads a safetensors file of float32 arrays, copied out. Problems: "not safetensors" for anything else. */
export function decodeSafetensors(bytes: Uint8Array, where: string): Result<Tensors> {
  const refuse = (got: string) =>
    fail({
      kind: "not safetensors",
      where,
      got,
      expected: "a safetensors file of float32 arrays",
      next: "restore the file that training wrote, or train into a new run folder",
    });
  if (bytes.length < lengthBytes) return refuse(`${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = Number(view.getBigUint64(0, true));
  const start = lengthBytes + headerBytes;
  if (headerBytes > headerLimit || start > bytes.length) return refuse(`a header of ${headerBytes} bytes`);
  const header = parseHeader(new TextDecoder().decode(bytes.subarray(lengthBytes, start)));
  if (header === undefined) return refuse("a header that is no JSON object");
  const { __metadata__: text = {}, ...entries } = header;
  const metadata = z.record(z.string(), z.string()).safeParse(text);
  if (!metadata.success) return refuse("metadata that are not text");
  const arrays: Record<string, Shaped<Float32Array>> = {};
  for (const [name, value] of Object.entries(entries)) {
    const entry = entrySchema.safeParse(value);
    if (!entry.success) return refuse(`an entry ${name} that is no float32 array`);
    const {
      shape,
      data_offsets: [from, to],
    } = entry.data;
    const sized = to - from === sizeOf(shape) * Float32Array.BYTES_PER_ELEMENT;
    if (!sized || start + to > bytes.length) return refuse(`${name} [${shape}] at bytes ${from} to ${to}`);
    const copy = new Uint8Array(to - from); // aligned, whatever the alignment in the file
    copy.set(bytes.subarray(start + from, start + to));
    arrays[name] = shaped(new Float32Array(copy.buffer), shape);
  }
  return ok({ arrays, metadata: metadata.data });
}

function parseHeader(json: string): Record<string, unknown> | undefined {
  try {
    const parsed = z.record(z.string(), z.unknown()).safeParse(JSON.parse(json));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined; // no JSON: the caller says what it wanted
  }
}
