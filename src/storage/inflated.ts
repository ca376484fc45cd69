import { crc32 } from "node:zlib";
import { gzipDataAt, gzipTrailer, startsGzip } from "./gzip.ts";
import { type ByteSource, type Inflater, type InflateStatus, openInflater, type Resume } from "./inflate.ts";

/** Bytes of a compressed stream that can be read at any place. */
export interface Inflated extends ByteSource {
  /** How far the stream went: "running" until its end, or what is wrong with it, has been met. */
  status(): InflateStatus;
}

/** One DEFLATE stream that starts at a place of the source, or the members of a gzip file (RFC 1952), one behind another. */
export type Wrapping = { readonly kind: "raw"; readonly at: number } | { readonly kind: "gzip" };

/** Inflated bytes between two places to go on from; doubled whenever there are too many places. */
const firstSpacing = 2 ** 20;
const mostPlaces = 1024; // of 33 KB, 34 MB in all

interface Place {
  /** In the inflated bytes, as all offsets below. */
  readonly offset: number;
  readonly resume: Resume;
  readonly memberStart: number;
  readonly crc: number;
}

interface State {
  readonly source: ByteSource;
  readonly wrapping: Wrapping;
  inflater: Inflater | undefined;
  /** What was decoded last. */
  piece: { readonly start: number; readonly bytes: Uint8Array };
  memberStart: number;
  /** Of the member so far. */
  crc: number;
  status: InflateStatus;
  places: Place[];
  spacing: number;
}

/**
 * Opens a compressed stream to be read at any place, in bounded memory. Going forward costs one pass (some 130 MB/s
 * measured, half of zlib); to go back, decoding starts again at the nearest place kept: 1 MB away at most in a stream of up to
 * 1 GB, a thousandth of a longer one.
 */
export function openInflated(source: ByteSource, wrapping: Wrapping): Inflated {
  const state: State = {
    ...{ source, wrapping, inflater: undefined, piece: { start: 0, bytes: new Uint8Array(0) } },
    ...{ memberStart: 0, crc: 0, status: "running", places: [], spacing: firstSpacing },
  };
  return { status: () => state.status, read: (target, offset) => readAt(state, target, offset) };
}

function readAt(state: State, target: Uint8Array, offset: number): number {
  seek(state, offset);
  let got = 0;
  while (got < target.length) {
    const from = offset + got - state.piece.start;
    if (from >= state.piece.bytes.length) {
      if (state.status !== "running") break;
      decodeNext(state);
      continue;
    }
    const part = state.piece.bytes.subarray(from, from + target.length - got);
    target.set(part, got);
    got += part.length;
  }
  return got;
}

/** Goes to the nearest place kept where that is shorter than going on from here. */
function seek(state: State, offset: number): void {
  const { piece, places } = state;
  const place = places.findLast((known) => known.offset <= offset);
  if (offset >= piece.start && (place === undefined || place.offset <= endOf(state))) return;
  startAt(state, place);
}

/** Goes to a place kept, or to the beginning. */
function startAt(state: State, place: Place | undefined): void {
  state.piece = { start: place?.offset ?? 0, bytes: new Uint8Array(0) };
  state.inflater = place === undefined ? undefined : openInflater(state.source, place.resume);
  state.memberStart = place?.memberStart ?? 0;
  state.crc = place?.crc ?? 0;
  state.status = "running";
}

function endOf({ piece }: State): number {
  return piece.start + piece.bytes.length;
}

/** Where the source cannot be read, a piece is lost half-way: the next read starts afresh. */
function decodeNext(state: State): void {
  try {
    decodePiece(state);
  } catch (error) {
    startAt(state, undefined);
    throw error;
  }
}

function decodePiece(state: State): void {
  if (state.inflater === undefined) startMember(state, 0);
  if (state.inflater === undefined) return;
  const bytes = state.inflater.next();
  state.piece = { start: endOf(state), bytes };
  if (state.wrapping.kind === "gzip") state.crc = crc32(bytes, state.crc);
  if (state.inflater.status === "end") endMember(state, state.inflater.endOffset());
  else if (state.inflater.status === "running") keepPlace(state, state.inflater);
  else state.status = state.inflater.status;
}

function startMember(state: State, at: number): void {
  const { source, wrapping } = state;
  const dataAt = wrapping.kind === "raw" ? wrapping.at : gzipDataAt(source, at);
  state.inflater = dataAt === undefined ? undefined : openInflater(source, dataAt);
  state.memberStart = endOf(state);
  state.crc = 0;
  if (dataAt === undefined) state.status = "damaged";
}

/** Checks what a member came to, and goes on with the next one; what else follows pads the file (RFC 1952 2.2). */
function endMember(state: State, at: number): void {
  const { source, wrapping } = state;
  state.status = "end";
  if (wrapping.kind === "raw") return;
  const trailer = gzipTrailer(source, at);
  const sizeBytes = endOf(state) - state.memberStart;
  if (trailer === undefined) state.status = "truncated";
  else if (trailer.crc !== state.crc || trailer.sizeBytes !== sizeBytes % 2 ** 32) state.status = "damaged";
  else if (startsGzip(source, at + 8)) {
    state.status = "running";
    startMember(state, at + 8);
  }
}

function keepPlace(state: State, inflater: Inflater): void {
  const offset = endOf(state);
  const { memberStart, crc, places } = state;
  if (offset < (places.at(-1)?.offset ?? 0) + state.spacing) return;
  places.push({ offset, resume: inflater.resume(), memberStart, crc });
  if (places.length < mostPlaces) return;
  state.spacing *= 2;
  state.places = places.filter((_, index) => index % 2 === 1);
}
