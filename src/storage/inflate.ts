import { type Code, makeCode, readCodeLengths, tooManyCodes } from "./huffman.ts";

/** Where compressed bytes come from: reads into `target` from a place on, answers the bytes read. */
export interface ByteSource {
  read(target: Uint8Array, offset: number): number;
}

/** What a decoder stands at: bytes follow, the stream's end was met, or it cannot go on. */
export type InflateStatus = "running" | "end" | "truncated" | "damaged";

/** All that a decoder needs to go on from a place in the stream, some 33 KB. */
export interface Resume {
  /** Of the next compressed byte, from the start of the source. */
  readonly inputOffset: number;
  readonly hold: number;
  readonly bits: number;
  readonly window: Uint8Array;
  readonly block: "none" | "stored" | Uint8Array;
  readonly literalCodes: number;
  readonly storedLeft: number;
  readonly last: boolean;
}

/** A raw DEFLATE stream (RFC 1951) that is decoded piece by piece. */
export interface Inflater {
  status: InflateStatus;
  /** The next bytes, valid until the next call; empty once the status is no longer "running". */
  next(): Uint8Array;
  /** State between two pieces, to go on from later. */
  resume(): Resume;
  /** Of the first byte behind the stream, once it has ended. */
  endOffset(): number;
}

const windowBytes = 32_768; // RFC 1951 2: distances go no farther back
const pieceBytes = 131_072;
const inputBytes = 65_536;
const longestMatch = 258;

interface State {
  readonly source: ByteSource;
  readonly input: Uint8Array;
  inputOffset: number; // of input[0] in the source
  inputAt: number;
  inputEnd: number;
  /** Bytes of zero that stand for what the source does not hold. */
  past: number;
  /** Bits not yet used, the next one lowest, and how many. */
  hold: number;
  bits: number;
  readonly out: Uint8Array;
  outAt: number;
  block: "none" | "stored" | "codes";
  lengths: Uint8Array;
  literalCodes: number;
  literals: Code;
  distances: Code;
  storedLeft: number;
  last: boolean;
  status: InflateStatus;
}

/**
 * Opens a decoder at a stream's start, or where another one stood. In TypeScript since Node's zlib can neither be fed
 * synchronously piece by piece nor be set to the middle of a stream; both are what random access in an archive needs.
 */
export function openInflater(source: ByteSource, from: number | Resume): Inflater {
  const state = initialState(source, from);
  return {
    get status() {
      return state.status;
    },
    next: () => nextPiece(state),
    resume: () => ({
      inputOffset: state.inputOffset + state.inputAt,
      hold: state.hold,
      bits: Math.max(0, state.bits - state.past * 8),
      window: state.out.slice(Math.max(0, state.outAt - windowBytes), state.outAt),
      block: state.block === "codes" ? state.lengths : state.block,
      literalCodes: state.literalCodes,
      storedLeft: state.storedLeft,
      last: state.last,
    }),
    endOffset: () => state.inputOffset + state.inputAt - (Math.max(0, state.bits - state.past * 8) >>> 3),
  };
}

function initialState(source: ByteSource, from: number | Resume): State {
  const resume = typeof from === "number" ? undefined : from;
  const lengths = resume?.block instanceof Uint8Array ? resume.block : undefined;
  const state: State = {
    ...{ source, input: new Uint8Array(inputBytes), inputAt: 0, inputEnd: 0, past: 0 },
    inputOffset: typeof from === "number" ? from : from.inputOffset,
    ...{ hold: resume?.hold ?? 0, bits: resume?.bits ?? 0 },
    ...{ out: new Uint8Array(windowBytes + pieceBytes), outAt: resume?.window.length ?? 0 },
    block: resume === undefined ? "none" : lengths === undefined ? (resume.block as "none" | "stored") : "codes",
    ...{ lengths: lengths ?? new Uint8Array(0), literalCodes: resume?.literalCodes ?? 0 },
    ...{ literals: noCode, distances: noCode },
    ...{ storedLeft: resume?.storedLeft ?? 0, last: resume?.last ?? false, status: "running" },
  };
  if (resume !== undefined) state.out.set(resume.window);
  if (lengths !== undefined) setCodes(state, lengths, state.literalCodes);
  return state;
}

const noCode: Code = { table: new Uint16Array(1), bits: 0 };

function nextPiece(state: State): Uint8Array {
  if (state.outAt > windowBytes) {
    state.out.copyWithin(0, state.outAt - windowBytes, state.outAt);
    state.outAt = windowBytes;
  }
  const start = state.outAt;
  const limit = state.out.length - longestMatch;
  while (state.status === "running" && state.outAt < limit) {
    if (state.block === "codes") decodeSymbols(state, limit);
    else if (state.block === "stored") copyStored(state);
    else if (state.last) state.status = "end";
    else startBlock(state);
  }
  // bits that the source does not hold were used: whatever they seemed to say
  if (state.past * 8 > state.bits) state.status = "truncated";
  return state.out.subarray(start, state.outAt);
}

function startBlock(state: State): void {
  fill(state);
  state.last = (state.hold & 1) === 1;
  const kind = (state.hold >>> 1) & 3;
  drop(state, 3);
  if (kind === 0) startStored(state);
  else if (kind === 1) setCodes(state, fixedLengths, 288);
  else if (kind === 2) startDynamic(state);
  else state.status = "damaged";
}

function startStored(state: State): void {
  drop(state, state.bits & 7);
  const length = take(state, 16);
  const complement = take(state, 16);
  if ((length ^ complement) !== 0xffff) state.status = state.past > 0 ? "truncated" : "damaged";
  state.block = "stored";
  state.storedLeft = length;
}

function copyStored(state: State): void {
  while (state.storedLeft > 0 && state.outAt < state.out.length) {
    if (state.bits >= 8) {
      state.out[state.outAt++] = take(state, 8);
      state.storedLeft--;
      continue;
    }
    if (state.inputAt === state.inputEnd && !refill(state)) {
      state.status = "truncated";
      return;
    }
    const room = Math.min(state.storedLeft, state.out.length - state.outAt, state.inputEnd - state.inputAt);
    state.out.set(state.input.subarray(state.inputAt, state.inputAt + room), state.outAt);
    state.inputAt += room;
    state.outAt += room;
    state.storedLeft -= room;
  }
  if (state.storedLeft === 0) state.block = "none";
}

function startDynamic(state: State): void {
  const literalCodes = take(state, 5) + 257;
  const distanceCodes = take(state, 5) + 1;
  const lengthCodes = take(state, 4) + 4;
  const lengths = tooManyCodes(literalCodes, distanceCodes)
    ? undefined
    : readCodeLengths((count) => take(state, count), { total: literalCodes + distanceCodes, lengthCodes });
  // the end of the block must have a code
  if (lengths === undefined || lengths[256] === 0) state.status = "damaged";
  else setCodes(state, lengths, literalCodes);
}

/** Code lengths of literals and lengths, then of distances; sets the status where they are no code. */
function setCodes(state: State, lengths: Uint8Array, literalCodes: number): void {
  const literals = makeCode(lengths.subarray(0, literalCodes));
  const distances = makeCode(lengths.subarray(literalCodes));
  if (literals === undefined || distances === undefined) {
    state.status = "damaged";
    return;
  }
  Object.assign(state, { block: "codes", lengths, literalCodes, literals, distances });
}

/** RFC 1951 3.2.6. */
const fixedLengths = new Uint8Array(288 + 32).fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280, 288);
fixedLengths.fill(5, 288);

/** RFC 1951 3.2.5: the least length, or distance, of each code, and how many more bits it has. */
const lengthBase = Uint16Array.of(
  ...[
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
  ],
);
const lengthBits = Uint8Array.of(
  ...[0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0],
);
const distanceBase = Uint16Array.of(
  ...[1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097],
  ...[6145, 8193, 12289, 16385, 24577],
);
const distanceBits = Uint8Array.of(
  ...[0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13],
);

/** Decodes until the block ends, the piece is full, the input runs dry (then `fill` says so) or makes no sense. */
function decodeSymbols(state: State, limit: number): void {
  const { out, literals, distances } = state;
  const literalTable = literals.table;
  const literalMask = literalTable.length - 1;
  const distanceTable = distances.table;
  const distanceMask = distanceTable.length - 1;
  let at = state.outAt;
  while (at < limit) {
    if (state.bits < 15 && !fill(state)) break;
    const entry = literalTable[state.hold & literalMask]!;
    const used = entry & 15;
    if (used === 0) {
      state.status = "damaged";
      break;
    }
    state.hold >>>= used;
    state.bits -= used;
    const symbol = entry >>> 4;
    if (symbol < 256) {
      out[at++] = symbol;
      continue;
    }
    if (symbol === 256) {
      state.block = "none";
      break;
    }
    const code = symbol - 257;
    if (code >= lengthBase.length) {
      state.status = "damaged";
      break;
    }
    const length = lengthBase[code]! + take(state, lengthBits[code]!);
    if (state.bits < 15) fill(state);
    const far = distanceTable[state.hold & distanceMask]!;
    drop(state, far & 15);
    const distanceCode = far >>> 4;
    const distance = distanceBase[distanceCode]! + take(state, distanceBits[distanceCode] ?? 0);
    if ((far & 15) === 0 || distanceCode >= distanceBase.length || distance > at) {
      state.status = "damaged";
      break;
    }
    for (const end = at + length; at < end; at++) out[at] = out[at - distance]!;
  }
  state.outAt = at;
}

/**
 * At least 17 bits in the hold, at most 24 so that it stays a small integer; zeros where the source has ended. False
 * where such zeros have been used as bits.
 */
function fill(state: State): boolean {
  while (state.bits <= 16) {
    if (state.inputAt === state.inputEnd && !refill(state)) {
      if (state.past * 8 > state.bits) {
        state.status = "truncated";
        return false;
      }
      state.past++;
    } else state.hold |= state.input[state.inputAt++]! << state.bits;
    state.bits += 8;
  }
  return true;
}

function refill(state: State): boolean {
  if (state.past > 0) return false;
  state.inputOffset += state.inputEnd;
  state.inputAt = 0;
  state.inputEnd = state.source.read(state.input, state.inputOffset);
  return state.inputEnd > 0;
}

function take(state: State, count: number): number {
  if (state.bits < count) fill(state);
  const value = state.hold & ((1 << count) - 1);
  drop(state, count);
  return value;
}

function drop(state: State, count: number): void {
  state.hold >>>= count;
  state.bits -= count;
}
