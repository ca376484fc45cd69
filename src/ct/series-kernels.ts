/** How sharply a kernel reconstructs: soft for the brain, sharp for bone and lung, whose noise hides blood. */
export type Sharpness = "soft" | "medium" | "sharp" | "unknown";

/** Kernels of one maker that are sharp alike. `sharpness` may depend on the number that the name holds. */
interface KernelRow {
  readonly maker: string;
  readonly kernels: string;
  /** Of the kernel's first value in capitals; its first group, where there is one, is the number. */
  readonly pattern: RegExp;
  readonly sharpness: Sharpness | ((number: number) => Sharpness);
}

/** Siemens numbers its kernels by sharpness: H30s and Hr40 show brain, H60s and Hr64 bone. */
const siemens = (number: number): Sharpness => (number >= 60 ? "sharp" : number >= 49 ? "medium" : "soft");

/**
 * Toshiba and Canon number theirs by use, in tens: bodies 0 and 1, heads 2 and 4 (with and without correction of beam
 * hardening) and 6, bones and the inner ear 3, lungs 5, fine structures 8.
 */
const toshiba = (number: number): Sharpness => {
  const use = Math.floor(number / 10);
  if (use === 3 || use === 5 || use === 8) return "sharp";
  return use <= 2 || use === 4 || use === 6 ? "soft" : "unknown";
};

/**
 * ConvolutionKernel (0018,1210) is free text of each maker (PS3.3 C.8.2.1), so the words of the makers stand here, a row
 * each. The first row that fits counts. What stands in none is "unknown", which is no reason to leave a series out.
 */
export const kernelRows: readonly KernelRow[] = [
  {
    maker: "Siemens",
    kernels: "H, J (iterative), B, I, T, U, and Hr, Hc, Hv, Hf, Br, Bf, Bv, Bl, Qr, Ur, with two digits",
    pattern: /^(?:[HJBITU]|H[RCVF]|B[RFVL]|QR|UR)(\d\d)[A-Z]?\b/,
    sharpness: siemens,
  },
  { maker: "GE", kernels: "SOFT, STANDARD, STND", pattern: /^(?:HD )?(?:SOFT|STANDARD|STND)\b/, sharpness: "soft" },
  { maker: "GE", kernels: "DETAIL, CHEST", pattern: /^(?:HD )?(?:DETAIL|CHEST)\b/, sharpness: "medium" },
  {
    maker: "GE",
    kernels: "BONE, BONEPLUS, EDGE, LUNG, ULTRA",
    pattern: /^(?:HD )?(?:BONE ?PLUS|BONE|EDGE|LUNG|ULTRA)\b/,
    sharpness: "sharp",
  },
  { maker: "Philips", kernels: "A, B, EA, EB, UA, UB", pattern: /^[EU]?[AB]$/, sharpness: "soft" },
  { maker: "Philips", kernels: "C, EC, UC", pattern: /^[EU]?C$/, sharpness: "medium" },
  { maker: "Philips", kernels: "D, E, L, YA … YF", pattern: /^(?:[DEL]|Y[A-F])$/, sharpness: "sharp" },
  { maker: "Toshiba, Canon", kernels: "FC with two digits", pattern: /^FC(\d\d)\b/, sharpness: toshiba },
  { maker: "any", kernels: "names with bone, lung or edge", pattern: /BONE|LUNG|EDGE|KNOCHEN/, sharpness: "sharp" },
  { maker: "any", kernels: "names with sharp", pattern: /SHARP/, sharpness: "medium" },
  { maker: "any", kernels: "names with brain, soft or smooth", pattern: /BRAIN|SOFT|SMOOTH/, sharpness: "soft" },
];

/** The sharpness of a kernel by the maker's name for it; of several values the first is the kernel. */
export function kernelSharpness(kernel: string | undefined): Sharpness {
  const { sharpness, found } = kernelRow(kernel) ?? { sharpness: "unknown" as const };
  return typeof sharpness === "string" ? sharpness : sharpness(Number(found?.[1]));
}

/** A kernel in the ledger's words: what of its name stands in the table, else its length, as it is free text. */
export function kernelWords(kernel: string | undefined): string {
  if (kernel === undefined) return "none named";
  const { name, found } = kernelRow(kernel) ?? {};
  if (name === undefined || found === undefined) return `a name of ${kernel.length} characters`;
  return name.slice(found.index, found.index + found[0].length);
}

function kernelRow(kernel: string | undefined) {
  const name = kernel?.split("\\")[0]?.trim() ?? "";
  for (const { pattern, sharpness } of kernelRows) {
    // letter by letter, so that places stay
    const found = pattern.exec(name.replace(/[a-z]/g, (letter) => letter.toUpperCase()));
    if (found !== null) return { name, found, sharpness };
  }
  return undefined;
}
