// Training steps of five networks beside Debian's PyTorch, interleaved in rounds; medians, ratios within a round.
// npm run bench:train [-- --json FILE] [-- --rounds N] [-- --steps N], N steps at least in a turn
import { gemmCeiling } from "./gemm.ts";
import { batch, buildNetwork, flopsOfStep, networks } from "./networks.ts";
import {
  benchOptions,
  geometricMean,
  keepMemory,
  machine,
  median,
  openIchor,
  openTorch,
  type Peer,
  race,
  ratioOf,
  round3,
  tell,
  threads,
} from "./peers.ts";

const { json, rounds, steps } = benchOptions({ rounds: 5, steps: 5 });

/** A turn lasts at least so long: what else a machine does comes in bursts. */
const turnMs = 1500;

interface Answer {
  readonly ms: readonly number[];
  readonly compileMs?: number;
  readonly form?: string;
  readonly peakMb: number;
}

const ratios = ["ratio", "ratioChannelsLast", "ratioKept", "ratioChannelsLastKept"] as const;
const ceiling = await gemmCeiling(threads);
const report: (Readonly<Record<(typeof ratios)[number], number>> & { readonly name: string })[] = [];
for (const [index, spec] of networks.entries()) {
  // Fresh processes for each network, so that the memory of one does not serve another.
  const [ichor, ichorReturning, torch, torchKept] = [openIchor(), openIchor({}), openTorch(), openTorch(keepMemory)];
  const ours = (peer: Peer) => (count: number) => peer.ask<Answer>({ network: index, what: "train", steps: count });
  const theirs = (format: string, peer: Peer) => (count: number) =>
    peer.ask<Answer>({ network: spec, batch, format, what: "train", steps: count });
  const { ms: warming } = await ours(ichor)(3);
  const { ms, last } = await race(
    {
      ichor: ours(ichor),
      ichorReturning: ours(ichorReturning),
      torch: theirs("contiguous", torch),
      torchChannelsLast: theirs("channels_last", torch),
      torchKept: theirs("contiguous", torchKept),
      torchChannelsLastKept: theirs("channels_last", torchKept),
    },
    { rounds, steps: Math.max(steps, Math.ceil(turnMs / median(warming))) },
  );
  for (const peer of [ichor, ichorReturning, torch, torchKept]) peer.close();
  const gflops = flopsOfStep(buildNetwork(spec)) / median(ms.ichor) / 1e6;
  const row = {
    name: spec.name,
    form: last.ichor.form,
    ms: round3(median(ms.ichor)),
    msReturning: round3(median(ms.ichorReturning)),
    torchMs: round3(median(ms.torch)),
    torchChannelsLastMs: round3(median(ms.torchChannelsLast)),
    torchKeptMs: round3(median(ms.torchKept)),
    torchChannelsLastKeptMs: round3(median(ms.torchChannelsLastKept)),
    ratio: ratioOf(ms.ichor, ms.torch),
    ratioChannelsLast: ratioOf(ms.ichor, ms.torchChannelsLast),
    ratioKept: ratioOf(ms.ichor, ms.torchKept),
    ratioChannelsLastKept: ratioOf(ms.ichor, ms.torchChannelsLastKept),
    compileMs: last.ichor.compileMs,
    peakMb: last.ichor.peakMb,
    torchPeakMb: last.torch.peakMb,
    gflops: round3(gflops),
    shareOfGemm: round3(gflops / ceiling),
  };
  report.push(row);
  tell(row, undefined);
}
const summary = {
  what: `training steps of ${batch} images, ms; "kept": PyTorch with glibc told to keep freed memory, as the ichor command tells its own; "returning": Ichor without`,
  machine: machine(),
  threads,
  rounds,
  steps,
  gemmGflops: round3(ceiling),
  geometricMean: Object.fromEntries(ratios.map((key) => [key, round3(geometricMean(report.map((row) => row[key])))])),
};
tell(summary, json, { networks: report });
process.exit(0);
