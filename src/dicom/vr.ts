/** The VRs whose explicit form has a length of 16 bits; all others, known or not, have 32 (PS3.5 7.1.2). */
const shortVrs = new Set(
  "AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split(" ").map((vr) => vrCode(vr)),
);

/** The two letters of a VR in one number, as they are read from a file in little endian: "US" → 0x5355. */
export function vrCode(vr: string): number {
  return vr.charCodeAt(0) | (vr.charCodeAt(1) << 8);
}

/** Whether a VR (by its two letters) is written with a length of 16 bits. */
export function hasShortLength(vr: string): boolean {
  return shortVrs.has(vrCode(vr));
}

/** Whether a VR (by its code) is written with a length of 16 bits. */
export function isShortCode(code: number): boolean {
  return shortVrs.has(code);
}

/** Whether a code is two capital letters, as every VR is; false tells implicit VR from explicit. */
export function isVrCode(code: number): boolean {
  const first = code & 0xff;
  const second = code >>> 8;
  return first >= 0x41 && first <= 0x5a && second >= 0x41 && second <= 0x5a;
}

const names = new Map<number, string>();

/** The two letters of a VR from its code; the strings are shared. */
export function vrName(code: number): string {
  let name = names.get(code);
  if (name === undefined) {
    name = String.fromCharCode(code & 0xff, code >>> 8);
    names.set(code, name); // at most 26² of them
  }
  return name;
}

/** Bytes of one number of a binary VR, which a byte order turns round; 1 for single bytes, 0 for text. PS3.5 7.3. */
export function wordBytes(vr: string): 0 | 1 | 2 | 4 | 8 {
  return sizes[vr] ?? 0;
}

const sizes: Readonly<Record<string, 1 | 2 | 4 | 8>> = {
  ...{ OB: 1, UN: 1 },
  ...{ US: 2, SS: 2, OW: 2, AT: 2 }, // a tag is two numbers
  ...{ UL: 4, SL: 4, FL: 4, OL: 4, OF: 4 },
  ...{ FD: 8, OD: 8, UV: 8, SV: 8, OV: 8 },
};
