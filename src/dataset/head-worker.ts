import { handOver } from "../machine/index.ts";
import { type Heads, readHeads } from "../storage/index.ts";

/** Reads the first bytes of some files (absolute paths), in a worker thread, which does nothing else: it waits for a disk. */
export default function readHeadsAhead(paths: readonly string[]): Heads {
  const heads = readHeads(paths);
  return handOver(heads, [heads.sizesBytes.buffer, heads.mtimesMs.buffer, heads.bytes.buffer]);
}
