import { inflateRawSync } from "node:zlib";
import { fail, ok, type Result } from "../base/index.ts";

/** Deflated data sets longer than this are not read into memory. */
export const mostDeflatedBytes = 64 * 2 ** 20;

/** Of what a deflated data set inflates to: 500 slices of 512 × 512 at 16 bits. A bomb is refused when it passes this. */
const mostInflatedBytes = 256 * 2 ** 20;

/**
 * Inflates a data set of the deflated syntax (PS3.5 A.5: raw deflate, RFC 1951; an odd length is padded by a zero behind
 * its end). Problems: "too large" above 256 MiB, "truncated", "damaged".
 */
export function inflate(deflated: Uint8Array, where: string): Result<Uint8Array> {
  try {
    return ok(inflateRawSync(deflated, { maxOutputLength: mostInflatedBytes }));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    const next = "copy the file again from its source";
    if (code === "ERR_BUFFER_TOO_LARGE") {
      const got = `${deflated.length} bytes that inflate to more than ${mostInflatedBytes}`;
      return fail({ kind: "too large", where, got, expected: `at most ${mostInflatedBytes} bytes`, next });
    }
    const kind = code === "Z_BUF_ERROR" ? "truncated" : "damaged";
    const got = `deflated bytes that zlib refuses with ${code || String(error)}`;
    return fail({ kind, where: `${where}: deflated data set`, got, expected: "raw deflate (PS3.5 A.5)", next });
  }
}
