import { readSync } from "node:fs";

/** Reads from a place on until the array is full or the file ends; answers the bytes read. */
export function readFully(descriptor: number, target: Uint8Array, offset: number): number {
  let got = 0;
  while (got < target.length) {
    const read = readSync(descriptor, target, got, target.length - got, offset + got);
    if (read === 0) break;
    got += read;
  }
  return got;
}
