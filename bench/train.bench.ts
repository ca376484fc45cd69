// Training steps of five networks beside Debian's PyTorch, interleaved in rounds; medians, ratios within a round.
// npm run bench:train [-- --json FILE] [-- --rounds N] [-- --steps N]
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { gemmCeiling } from "./gemm.ts";
import { batch, buildNetwork, flopsOfStep, networks } from "./networks.ts";
import {
  geometricMean,
  keepMemory,
  machine,
  median,
  openIchor,
  openTorch,
  type Peer,
  pause,
  round3,
  threads,
} from "./peers.ts";

const { values } = parseArgs({
  options: {
    json: { type: "string" },
    rounds: { type: "string", default: "5" },
    steps: { type: "string", default: "5" },
  },
});
const [rounds, steps] = [Number(values.rounds), Number(values.steps)];

interface Answer {
  readonly ms: readonly number[];
  readonly compileMs: number;
  readonly form: string;
  readonly peakMb: number;
}

const ceiling = await gemmCeiling(threads);
type Ratio = "ratio" | "ratioChannelsLast" | "ratioKept" | "ratioChannelsLastKept";
const report: (Readonly<Record<Ratio, number>> & { readonly name: string })[] = [];
for (const [index, spec] of networks.entries()) {
  // Fresh processes for each network, so that the memory of one does not serve another.
  const ichor = openIchor();
  const torch = openTorch();
  const torchKept = openTorch(keepMemory);
  const ask = (format: string, peer: Peer) => (count: number) =>
    peer.ask<Answer>({ network: spec, batch, format, what: "train", steps: count });
  const runs = {
    ichor: (count: number) => ichor.ask<Answer>({ network: index, what: "train", steps: count }),
    torch: ask("contiguous", torch),
    torchChannelsLast: ask("channels_last", torch),
    torchKept: ask("contiguous", torchKept),
    torchChannelsLastKept: ask("channels_last", torchKept),
  };
  await torch.ask({ what: "version" });
  await torchKept.ask({ what: "version" });
  type Runner = keyof typeof runs;
  const names = Object.keys(runs) as Runner[];
  const ms = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Runner, number[]>;
  const last: Partial<Record<Runner, Answer>> = {};
  for (const name of names) await runs[name](2);
  for (let round = 0; round < rounds; round++) {
    for (const name of names) {
      await pause();
      const answer = await runs[name](steps);
      last[name] = answer;
      ms[name].push(median(answer.ms));
    }
  }
  for (const peer of [ichor, torch, torchKept]) peer.close();
  const ratio = (peer: Runner) => round3(median(ms.ichor.map((mine, round) => mine / ms[peer][round]!)));
  const gflops = flopsOfStep(buildNetwork(spec)) / median(ms.ichor) / 1e6;
  const row = {
    name: spec.name,
    form: last.ichor?.form,
    ms: round3(median(ms.ichor)),
    torchMs: round3(median(ms.torch)),
    torchChannelsLastMs: round3(median(ms.torchChannelsLast)),
    torchKeptMs: round3(median(ms.torchKept)),
    torchChannelsLastKeptMs: round3(median(ms.torchChannelsLastKept)),
    ratio: ratio("torch"),
    ratioChannelsLast: ratio("torchChannelsLast"),
    ratioKept: ratio("torchKept"),
    ratioChannelsLastKept: ratio("torchChannelsLastKept"),
    compileMs: last.ichor?.compileMs,
    peakMb: last.ichor?.peakMb,
    torchPeakMb: last.torch?.peakMb,
    gflops: round3(gflops),
    shareOfGemm: round3(gflops / ceiling),
  };
  report.push(row);
  console.log(JSON.stringify(row));
}
const mean = (key: Ratio) => round3(geometricMean(report.map((row) => row[key])));
const summary = {
  what: `training steps of ${batch} images, ms; "kept": PyTorch with glibc told to keep freed memory, as ichor is`,
  machine: machine(),
  threads,
  rounds,
  steps,
  gemmGflops: round3(ceiling),
  geometricMean: {
    ratio: mean("ratio"),
    ratioChannelsLast: mean("ratioChannelsLast"),
    ratioKept: mean("ratioKept"),
    ratioChannelsLastKept: mean("ratioChannelsLastKept"),
  },
};
console.log(JSON.stringify(summary));
if (values.json !== undefined)
  writeFileSync(values.json, `${JSON.stringify({ ...summary, networks: report }, null, 2)}\n`);
process.exit(0);
