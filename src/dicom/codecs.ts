import { fail, ok, type Problem, type Result } from "../base/index.ts";
import { bareCodestream, type Codestream, readCodestream } from "./codecs/codestream.ts";
import { charls, libjpegTurbo, openjph } from "./codecs/cornerstone.ts";
import { dcmjs } from "./codecs/dcmjs.ts";
import { bigEndian, native } from "./codecs/native.ts";
import { type Cells, damagedPixels, type PixelCodec } from "./codecs/port.ts";
import { rle } from "./codecs/rle.ts";
import type { PixelLayout } from "./pixel-layout.ts";
import {
  explicitBigEndian,
  explicitLittleEndian,
  implicitLittleEndian,
  nameTransferSyntax,
} from "./transfer-syntaxes.ts";

/** How the pixels of a transfer syntax lie, and what decodes them. */
export interface CodecRow {
  readonly summary: string;
  /** Part of the standard, or the specification that it cites. */
  readonly source: string;
  readonly lossy: "lossy" | "lossless";
  /** Whether the pixels lie in fragments, and what streams they hold. */
  readonly frames: "native" | "rle" | "jpeg" | "jpeg-ls" | "jpeg 2000";
  /** The first that is there and takes the stream decodes it; every one gives the same pixels (lossy: see docs/conformance.md). */
  readonly codecs: readonly PixelCodec[];
}

const row = (
  summary: string,
  source: string,
  rest: Pick<CodecRow, "frames" | "codecs"> & Partial<Pick<CodecRow, "lossy">>,
): CodecRow => ({ summary, source, lossy: "lossless", ...rest });
// libjpeg-turbo is built without SIMD and was measured no faster than the exact codec: it is there where that is not.
const lossyJpeg = { lossy: "lossy", frames: "jpeg", codecs: [dcmjs, libjpegTurbo] } as const;
const losslessJpeg = { frames: "jpeg", codecs: [dcmjs] } as const;
const highThroughput = { frames: "jpeg 2000", codecs: [openjph, dcmjs] } as const;

/** Codecs by the UID of the transfer syntax. A syntax without a row is refused by its name. */
export const codecs: Readonly<Record<string, CodecRow>> = {
  [implicitLittleEndian]: row("pixels as they are, little endian", "PS3.5 A.1", { frames: "native", codecs: [native] }),
  [explicitLittleEndian]: row("pixels as they are, little endian", "PS3.5 A.2", { frames: "native", codecs: [native] }),
  "1.2.840.10008.1.2.1.99": row("pixels as they are, in a deflated data set", "PS3.5 A.5", {
    frames: "native",
    codecs: [native],
  }),
  [explicitBigEndian]: row("pixels as they are, big endian", "PS3.5 A.3", { frames: "native", codecs: [bigEndian] }),
  "1.2.840.10008.1.2.4.50": row("JPEG of 8 bits", "ITU-T T.81 process 1", lossyJpeg),
  "1.2.840.10008.1.2.4.51": row("JPEG of 8 or 12 bits", "ITU-T T.81 processes 2 and 4", lossyJpeg),
  "1.2.840.10008.1.2.4.53": row("JPEG by spectral selection, retired", "ITU-T T.81 processes 6 and 8", lossyJpeg),
  "1.2.840.10008.1.2.4.55": row("JPEG, progressive, retired", "ITU-T T.81 processes 10 and 12", lossyJpeg),
  "1.2.840.10008.1.2.4.57": row("JPEG lossless, any predictor", "ITU-T T.81 process 14", losslessJpeg),
  "1.2.840.10008.1.2.4.70": row("JPEG lossless, first predictor", "ITU-T T.81 process 14", losslessJpeg),
  "1.2.840.10008.1.2.4.80": row("JPEG-LS", "ITU-T T.87", { frames: "jpeg-ls", codecs: [charls, dcmjs] }),
  "1.2.840.10008.1.2.4.81": row("JPEG-LS, near-lossless", "ITU-T T.87", {
    lossy: "lossy",
    frames: "jpeg-ls",
    codecs: [charls, dcmjs],
  }),
  "1.2.840.10008.1.2.4.90": row("JPEG 2000, reversible", "ITU-T T.800", { frames: "jpeg 2000", codecs: [dcmjs] }),
  "1.2.840.10008.1.2.4.91": row("JPEG 2000", "ITU-T T.800", { lossy: "lossy", frames: "jpeg 2000", codecs: [dcmjs] }),
  "1.2.840.10008.1.2.4.201": row("HTJ2K, reversible", "ITU-T T.814", highThroughput),
  "1.2.840.10008.1.2.4.202": row("HTJ2K, reversible, by resolution", "ITU-T T.814", highThroughput),
  "1.2.840.10008.1.2.4.203": row("HTJ2K", "ITU-T T.814", { ...highThroughput, lossy: "lossy" }),
  "1.2.840.10008.1.2.5": row("run lengths of 8, 16 or 32 bits", "PS3.5 G", { frames: "rle", codecs: [rle] }),
};

/**
 * Loads what decodes these transfer syntaxes in this thread; all of them if none are named. Await it before pixels are
 * read: decoding is synchronous, and WebAssembly is compiled only here. Idempotent, and nothing for native pixels. A codec
 * that does not load is passed over; where none is left, `decodeFrame` answers the problem "codec".
 */
export async function loadCodecs(transferSyntaxes: readonly string[] = Object.keys(codecs)): Promise<void> {
  const wanted = new Set(transferSyntaxes.flatMap((uid) => codecs[uid]?.codecs ?? []));
  await Promise.all(Array.from(wanted, (codec) => codec.load()));
}

/** Cells of a frame and what its stream says of them. */
export interface DecodedCells extends Cells {
  readonly stream: Codestream | undefined;
  readonly lossy: CodecRow["lossy"];
}

/** How to decode. */
export interface Decoding {
  /** Of the transfer syntax. */
  readonly uid: string;
  readonly layout: PixelLayout;
  /** Name of the codec to use in place of the first, to compare them. */
  readonly codec: string | undefined;
}

/**
 * Decodes one frame, its fragments joined. What the stream says of itself is checked against the header before anything
 * is allocated for it. Problems: "transfer syntax", "truncated", "damaged pixel data", "codec".
 */
export function decodeFrame(stored: Uint8Array, { uid, layout, codec: named }: Decoding): Result<DecodedCells> {
  const syntax = codecs[uid];
  if (syntax === undefined) return fail(unsupported(layout.where, uid));
  const isStream = syntax.frames !== "native" && syntax.frames !== "rle";
  const bytes = isStream ? bareCodestream(stored) : stored;
  const stream = isStream ? readCodestream(bytes) : undefined;
  const wrong = isStream ? checkStream(stream, { bytes, layout, syntax }) : undefined;
  if (wrong !== undefined) return fail(wrong);
  const able = syntax.codecs.filter(({ name, takes }) => (named ?? name) === name && takes(stream));
  const codec = able.find((candidate) => candidate.availability().kind === "ready");
  if (codec === undefined) return fail(noCodec(uid, { layout, stream, able }));
  const cells = codec.decode({ bytes, layout, stream });
  if (cells.kind === "problem") return cells;
  const { bytes: decoded, bytesPerCell } = cells.value;
  const expected = layout.rows * layout.columns * bytesPerCell;
  if (decoded.length === expected) return ok({ ...cells.value, stream, lossy: syntax.lossy });
  const got = `${decoded.length} decoded bytes`;
  return fail(damagedPixels(layout.where, { got, expected: `${expected} bytes (rows × columns, PS3.3 C.7.6.3)` }));
}

const families: Readonly<Record<Codestream["kind"], CodecRow["frames"]>> = {
  jpeg: "jpeg",
  "jpeg-ls": "jpeg-ls",
  "jpeg 2000": "jpeg 2000",
  "high-throughput jpeg 2000": "jpeg 2000",
};

/** Why a stream cannot be the frame that the header describes. */
function checkStream(
  stream: Codestream | undefined,
  { bytes, layout, syntax }: { readonly bytes: Uint8Array; readonly layout: PixelLayout; readonly syntax: CodecRow },
): Problem | undefined {
  const { rows, columns, where } = layout;
  if (stream === undefined || families[stream.kind] !== syntax.frames) {
    const got = stream?.kind ?? `${bytes.length} bytes that begin otherwise`;
    return damagedPixels(where, { got, expected: `a stream of ${syntax.summary} (${syntax.source})` });
  }
  if (stream.rows !== rows || stream.columns !== columns || stream.components !== 1) {
    const got = `a stream of ${stream.rows} × ${stream.columns} × ${stream.components}`;
    return damagedPixels(where, { got, expected: `${rows} × ${columns} × 1, as the header says` });
  }
  if (stream.precision > layout.bitsAllocated || stream.precision < 1) {
    const got = `a stream of ${stream.precision} bits`;
    return damagedPixels(where, { got, expected: `at most BitsAllocated, ${layout.bitsAllocated}` });
  }
  if (stream.end === "whole") return undefined;
  return {
    kind: "truncated",
    where,
    got: `${bytes.length} bytes of compressed pixel data without their end`,
    expected: `the marker that ends the stream (${syntax.source})`,
    next: "copy the file again from its source",
  };
}

function noCodec(
  uid: string,
  o: { readonly layout: PixelLayout; readonly stream: Codestream | undefined; readonly able: readonly PixelCodec[] },
): Problem {
  const { where } = o.layout;
  if (o.able.length === 0) {
    const got = `${nameTransferSyntax(uid)} of ${o.stream?.precision} bits ${o.stream?.process ?? ""}`.trim();
    const expected = "a process and a precision that a codec decodes right (docs/conformance.md)";
    return { kind: "transfer syntax", where, got, expected, next: "convert the file, e.g. with gdcmconv --raw" };
  }
  const states = o.able.map((codec) => {
    const state = codec.availability();
    return `${codec.from} ${state.kind}${state.kind === "missing" ? ` (${state.detail})` : ""}`;
  });
  const next = "await loadCodecs() before pixels are read; where a package is missing, npm ci";
  return { kind: "codec", where, got: states.join(", "), expected: `a codec for ${nameTransferSyntax(uid)}`, next };
}

/** The problem of a transfer syntax without a codec, by its name. */
export function unsupported(where: string, uid: string): Problem {
  return {
    kind: "transfer syntax",
    where,
    got: nameTransferSyntax(uid),
    expected: `one of: ${Object.keys(codecs).map(nameTransferSyntax).join(", ")}`,
    next: "convert the file, e.g. with gdcmconv --raw",
  };
}
