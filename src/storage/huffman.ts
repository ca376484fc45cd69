/** A prefix code as a table: the next bits, as many as the longest code has, give (symbol << 4) | bits of its code. */
export interface Code {
  readonly table: Uint16Array;
  readonly bits: number;
}

const longestCode = 15; // RFC 1951 3.2.7

/**
 * The canonical code of some code lengths (RFC 1951 3.2.2); undefined where there are more codes than the lengths leave
 * room for, or fewer. A lone code of one bit may leave room (RFC 1951 3.2.7: one distance), and so may none at all; what
 * no code begins with has 0 in the table.
 */
export function makeCode(lengths: Uint8Array, lone: "lone code" | "whole code" = "lone code"): Code | undefined {
  const counts = new Uint16Array(longestCode + 1);
  for (const length of lengths) counts[length]!++;
  let bits = longestCode;
  while (bits > 1 && counts[bits] === 0) bits--;
  const next = new Uint32Array(longestCode + 2);
  counts[0] = 0;
  for (let length = 1; length <= bits; length++) {
    next[length + 1] = (next[length]! + counts[length]!) << 1;
    if (next[length]! + counts[length]! > 1 << length) return undefined;
  }
  const mayLeaveRoom = bits === 1 && (lone === "lone code" || counts[1] === 0);
  if (next[bits]! + counts[bits]! < 1 << bits && !mayLeaveRoom) return undefined;
  const table = new Uint16Array(1 << bits);
  for (const [symbol, length] of lengths.entries()) {
    if (length === 0) continue;
    const code = reverse(next[length]!++, length); // codes come highest bit first, all else lowest first
    for (let at = code; at < table.length; at += 1 << length) table[at] = (symbol << 4) | length;
  }
  return { table, bits };
}

function reverse(code: number, length: number): number {
  let reversed = 0;
  for (let bit = 0; bit < length; bit++) reversed |= ((code >>> bit) & 1) << (length - 1 - bit);
  return reversed;
}

/** Whether a block claims more codes than the alphabets have (RFC 1951 3.2.7). */
export function tooManyCodes(literalCodes: number, distanceCodes: number): boolean {
  return literalCodes > 286 || distanceCodes > 30;
}

/** The order in which the lengths of the code lengths' own code stand, RFC 1951 3.2.7. */
const lengthOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** Reads the code lengths of a dynamic block (RFC 1951 3.2.7); undefined where they make no sense. */
export function readCodeLengths(
  take: (bits: number) => number,
  { total, lengthCodes }: { readonly total: number; readonly lengthCodes: number },
): Uint8Array | undefined {
  const own = new Uint8Array(19);
  for (let index = 0; index < lengthCodes; index++) own[lengthOrder[index]!] = take(3);
  const code = makeCode(own, "whole code");
  if (code === undefined) return undefined;
  const lengths = new Uint8Array(total);
  for (let at = 0; at < total; ) {
    const symbol = takeSymbol(take, code);
    if (symbol === undefined) return undefined;
    if (symbol < 16) {
      lengths[at++] = symbol;
      continue;
    }
    if (symbol === 16 && at === 0) return undefined;
    const value = symbol === 16 ? lengths[at - 1]! : 0;
    const repeats = symbol === 16 ? 3 + take(2) : symbol === 17 ? 3 + take(3) : 11 + take(7);
    if (at + repeats > total) return undefined;
    lengths.fill(value, at, at + repeats);
    at += repeats;
  }
  return lengths;
}

/** One symbol, bit by bit: these codes are few and short. */
function takeSymbol(take: (bits: number) => number, { table, bits }: Code): number | undefined {
  let seen = 0;
  for (let length = 1; length <= bits; length++) {
    seen |= take(1) << (length - 1);
    const entry = table[seen]!;
    if ((entry & 15) === length) return entry >>> 4;
  }
  return undefined;
}
