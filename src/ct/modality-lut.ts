import { type DataSet, items, numbers, text } from "../dicom/index.ts";

/** A table from stored values to what they measure, PS3.3 C.11.1.1.1. */
export interface ModalityLut {
  /** The stored value of the first entry; lesser ones have its value too, greater ones than the last's that of the last. */
  readonly first: number;
  /** [entries]: unsigned, as the standard has them, so that a table in HU knows no air. */
  readonly values: Uint16Array;
  /** ModalityLUTType: HU, US (not specified), or another quantity. */
  readonly type: string | undefined;
}

/** Whether a header gives its values by a table. */
export function hasModalityLut(dataSet: DataSet): boolean {
  return items(dataSet, "ModalityLUTSequence").length > 0;
}

/**
 * Reads the table of a header; answers what is wrong with it. `sign` is that of the pixels, which the first mapped value
 * follows (PS3.5 A.1). Entries of 8 bits may lie two in a word, the lower byte first.
 */
export function readModalityLut(dataSet: DataSet, sign: "signed" | "unsigned"): ModalityLut | string {
  const [item] = items(dataSet, "ModalityLUTSequence");
  const descriptor = item === undefined ? undefined : numbers(item, "LUTDescriptor");
  const words = item === undefined ? undefined : numbers(item, "LUTData");
  if (item === undefined || descriptor?.length !== 3) return "LUTDescriptor is not three numbers";
  const entries = descriptor[0]! & 0xffff || 0x10000; // 0 stands for 65,536
  const first = sign === "signed" ? (descriptor[1]! << 16) >> 16 : descriptor[1]! & 0xffff;
  const bits = descriptor[2]! & 0xffff;
  if (bits < 8 || bits > 16) return `LUTDescriptor says ${bits} bits an entry; expected 8 to 16`;
  const count = words?.length ?? 0;
  const packed = bits === 8 && count === Math.ceil(entries / 2);
  if (words === undefined || (count !== entries && !packed)) return `${count} words of LUTData for ${entries} entries`;
  const values = Uint16Array.from({ length: entries }, (_, entry) =>
    packed ? (words[entry >> 1]! >> (8 * (entry & 1))) & 0xff : words[entry]!,
  );
  return { first, values, type: text(item, "ModalityLUTType") };
}

/** Puts stored values through a table; cut to int16. */
export function applyModalityLut(stored: ArrayLike<number>, { first, values }: ModalityLut): Int16Array {
  const result = new Int16Array(stored.length);
  const last = values.length - 1;
  for (let index = 0; index < result.length; index++) {
    const entry = Math.min(last, Math.max(0, stored[index]! - first));
    result[index] = Math.min(32767, values[entry]!);
  }
  return result;
}
