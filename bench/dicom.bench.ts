// Headers, HU and the cache of files like the competition's, beside Debian's pydicom and beside what the disk can do.
// npm run bench:dicom [-- --json FILE] [-- --rounds N] [-- --files N] [-- --memory]
// Linux; needs python3-pydicom and 10 GB under the temporary folder.
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeSlices } from "./dicom-files.ts";
import { peakOf } from "./peak.ts";
import { keepMemory, machine, median, openPeer, openServer, pause, ratioOf, round3, tell } from "./peers.ts";

const { values } = parseArgs({
  options: {
    json: { type: "string" },
    rounds: { type: "string", default: "7" },
    files: { type: "string", default: "16384" },
    memory: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const folder = mkdtempSync(join(tmpdir(), "ichor-dicom-bench-"));
const data = join(folder, "data");
const paths = writeSlices(data, Number(values.files));
/** pydicom takes ten times as long, so it is given fewer. */
const few = paths.slice(0, 256);
const ichor = openServer("dicom-server.mjs", keepMemory);
const pydicom = openPeer("pydicom_peer.py");

interface Answer {
  readonly ms: number;
  readonly cpuMs: number;
  readonly built?: number;
  readonly count?: number;
  readonly failed?: number;
}

/** A piece of work as it is asked for; microseconds of processor time a file, or of the clock. */
interface Piece {
  readonly ask: () => Promise<Answer>;
  readonly files: number;
  readonly by: "ms" | "cpuMs";
}
const mine = (work: string, files = paths, threads?: number): Piece => ({
  ask: () => ichor.ask<Answer>({ work, paths: files, threads }),
  files: files.length,
  by: threads === undefined ? "cpuMs" : "ms",
});
const theirs = (work: string, files = few): Piece => ({
  ask: () => pydicom.ask<Answer>({ work, paths: files }),
  files: files.length,
  by: "cpuMs",
});

/** Takes turns in rounds after one to warm up: microseconds a file of every round. */
async function takeTurns<Name extends string>(
  pieces: Readonly<Record<Name, Piece>>,
  before: () => Promise<unknown> = pause,
): Promise<Readonly<Record<Name, readonly number[]>>> {
  const names = Object.keys(pieces) as Name[];
  const us = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = -1; round < rounds; round++) {
    for (const name of names) {
      await before();
      const { ask, files, by } = pieces[name];
      const answer = await ask();
      if (round >= 0) us[name].push((answer[by] / files) * 1e3);
    }
  }
  return us;
}

const index = join(folder, "index");
await ichor.ask({ work: "index", root: data, out: index, threads: 2 });
let caches = 0;
const newCache: Piece = {
  ask: async () => {
    const answer = await ichor.ask<Answer>({
      work: "cache",
      index,
      dir: join(folder, `cache-${caches++}`),
      threads: 2,
    });
    if (answer.count !== paths.length || answer.failed !== 0) throw new Error(`a cache of ${JSON.stringify(answer)}`);
    return answer;
  },
  files: paths.length,
  by: "ms",
};

const warm = await takeTurns({
  header: mine("header"),
  "pydicom header": theirs("header"),
  hu: mine("hu"),
  "lent hu": mine("lent hu"),
  "pydicom hu, float64": theirs("hu float64"),
  "pydicom hu, int16": theirs("hu int16"),
  "one worker": mine("lent hu", paths, 1),
  "two workers": mine("lent hu", paths, 2),
  cache: newCache,
});
const again = await ichor.ask<Answer>({ work: "cache", index, dir: join(folder, "cache-0"), threads: 2 });
const evict = () => pydicom.ask({ work: "evict", paths });
// Threads that have just begun would be timed while their code is still being compiled.
for (let pass = 0; pass < 4; pass++) {
  await evict();
  await ichor.ask({ work: "headers", paths });
}
const cold = {
  ...(await takeTurns(
    { headers: { ...mine("headers"), by: "ms" }, "raw pages, 12 threads": mine("raw page", paths, 12) },
    evict,
  )),
  ...(await takeTurns({ cache: newCache, "raw files, 2 threads": mine("raw file", paths, 2) }, evict)),
};
ichor.close();
pydicom.close();
rmSync(folder, { recursive: true });

const medians = (us: Readonly<Record<string, readonly number[]>>) =>
  Object.fromEntries(Object.entries(us).map(([name, all]) => [name, round3(median(all))]));
const report = {
  what: "microseconds a slice of 512×512: processor time of one core; workers, cache and cold by the clock",
  machine: machine(),
  load: loadavg().map(round3),
  files: paths.length,
  indexRatio: ratioOf(warm["pydicom header"], warm.header),
  huRatio: ratioOf(warm["pydicom hu, float64"], warm.hu),
  huRatioLent: ratioOf(warm["pydicom hu, float64"], warm["lent hu"]),
  huRatioInt16: ratioOf(warm["pydicom hu, int16"], warm.hu),
  huRatioInt16Lent: ratioOf(warm["pydicom hu, int16"], warm["lent hu"]),
  twoWorkers: ratioOf(warm["one worker"], warm["two workers"]),
  cacheSlicesPerSecond: Math.round(1e6 / median(warm.cache)),
  cacheAgain: { ms: round3(again.ms), built: again.built },
  coldIndexRatio: ratioOf(cold.headers, cold["raw pages, 12 threads"]),
  coldCacheRatio: ratioOf(cold.cache, cold["raw files, 2 threads"]),
  warm: medians(warm),
  cold: medians(cold),
  ...(values.memory ? { indexPeakMb: await indexPeaks() } : {}),
};
tell(report, values.json, { rounds: { warm, cold } });

/** Peak memory of `ichor index` on small slices, MB, by their number. */
async function indexPeaks(): Promise<Readonly<Record<string, object>>> {
  const peaks: Record<string, object> = {};
  for (const count of [70_000, 700_000]) {
    const many = mkdtempSync(join(tmpdir(), "ichor-many-"));
    writeSlices(join(many, "data"), count, 8);
    peaks[count] = await peakOf(["index", join(many, "data"), "--out", join(many, "index")]);
    rmSync(many, { recursive: true });
  }
  return peaks;
}
