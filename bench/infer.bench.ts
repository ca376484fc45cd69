// Forward passes of the benchmark networks beside Debian's PyTorch (eager, eval, inference_mode), interleaved in rounds.
// npm run bench:infer [-- --json FILE] [-- --rounds N] [-- --steps N]
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { batch, networks } from "./networks.ts";
import { geometricMean, keepMemory, machine, median, openIchor, openTorch, pause, round3, threads } from "./peers.ts";

const { values } = parseArgs({
  options: {
    json: { type: "string" },
    rounds: { type: "string", default: "7" },
    steps: { type: "string", default: "7" },
  },
});
const [rounds, steps] = [Number(values.rounds), Number(values.steps)];

interface Answer {
  readonly ms: readonly number[];
}

type Ratio = "speedup" | "speedupChannelsLast" | "speedupChannelsLastKept";
const report: (Readonly<Record<Ratio, number>> & { readonly name: string })[] = [];
for (const [index, spec] of networks.entries()) {
  const [ichor, torch, torchKept] = [openIchor(), openTorch(), openTorch(keepMemory)];
  const request = (format: string) => ({ network: spec, batch, format, what: "infer" });
  const runs = {
    ichor: (count: number) => ichor.ask<Answer>({ network: index, what: "infer", steps: count }),
    torch: (count: number) => torch.ask<Answer>({ ...request("contiguous"), steps: count }),
    torchChannelsLast: (count: number) => torch.ask<Answer>({ ...request("channels_last"), steps: count }),
    torchChannelsLastKept: (count: number) => torchKept.ask<Answer>({ ...request("channels_last"), steps: count }),
  };
  type Runner = keyof typeof runs;
  const names = Object.keys(runs) as Runner[];
  const ms = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Runner, number[]>;
  for (const name of names) await runs[name](3);
  for (let round = 0; round < rounds; round++) {
    for (const name of names) {
      await pause();
      ms[name].push(median((await runs[name](steps)).ms));
    }
  }
  for (const peer of [ichor, torch, torchKept]) peer.close();
  const speedup = (peer: Runner) => round3(median(ms.ichor.map((mine, round) => ms[peer][round]! / mine)));
  const row = {
    name: spec.name,
    ms: round3(median(ms.ichor)),
    imagesASecond: Math.round((batch * 1000) / median(ms.ichor)),
    torchMs: round3(median(ms.torch)),
    torchChannelsLastMs: round3(median(ms.torchChannelsLast)),
    torchChannelsLastKeptMs: round3(median(ms.torchChannelsLastKept)),
    speedup: speedup("torch"),
    speedupChannelsLast: speedup("torchChannelsLast"),
    speedupChannelsLastKept: speedup("torchChannelsLastKept"),
  };
  report.push(row);
  console.log(JSON.stringify(row));
}
const mean = (key: Ratio) => round3(geometricMean(report.map((row) => row[key])));
const summary = {
  what: `forward passes of ${batch} images, ms; speedup is PyTorch's time over Ichor's`,
  machine: machine(),
  threads,
  rounds,
  geometricMean: {
    speedup: mean("speedup"),
    speedupChannelsLast: mean("speedupChannelsLast"),
    speedupChannelsLastKept: mean("speedupChannelsLastKept"),
  },
};
console.log(JSON.stringify(summary));
if (values.json !== undefined)
  writeFileSync(values.json, `${JSON.stringify({ ...summary, networks: report }, null, 2)}\n`);
process.exit(0);
