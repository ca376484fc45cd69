// Simulated slices, indexed and cached, for benchmarks of the data path.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { must, silent } from "../src/base/index.ts";
import type { SliceCache, SliceTable } from "../src/dataset/index.ts";
import { defaultConfig } from "../src/training/index.ts";
import { openData } from "../src/training/run-data.ts";

const main = new URL("../src/cli/main.ts", import.meta.url).pathname;
const slicesAStudy = 40;

/** At least `slices` simulated slices of size×size in a cache under `folder`. */
export async function cachedSlices(
  folder: string,
  { slices, size }: { readonly slices: number; readonly size: number },
): Promise<{ readonly cache: SliceCache; readonly table: SliceTable }> {
  const [data, index] = [join(folder, "data"), join(folder, "index")];
  const studies = String(Math.ceil(slices / slicesAStudy));
  const sizes = ["--matrix", String(size), "--slices", String(slicesAStudy), "--test-studies", "0"];
  for (const args of [
    ["phantom", "--out", data, "--studies", studies, ...sizes],
    ["index", data, "--out", index],
  ]) {
    const run = spawnSync(process.execPath, ["--import", "tsx", main, ...args], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    if (run.status !== 0) throw new Error(`ichor ${args.join(" ")} ended with ${run.status}`);
  }
  const { preprocessing } = defaultConfig("cnn");
  const work = { threads: 2, progress: silent, signal: new AbortController().signal };
  const config = { preprocessing: { ...preprocessing, size } };
  return must(await openData({ data: index, trainedOn: index, run: join(folder, "run"), config, work }));
}
