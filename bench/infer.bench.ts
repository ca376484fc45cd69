// Forward passes of the benchmark networks and of the detector beside Debian's PyTorch (eager, eval, inference_mode), interleaved in rounds.
// npm run bench:infer [-- --json FILE] [-- --rounds N] [-- --steps N]
import { timeDetector } from "./detector.ts";
import { batch, networks } from "./networks.ts";
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

const { json, rounds, steps } = benchOptions({ rounds: 7, steps: 7 });

interface Answer {
  readonly ms: readonly number[];
}

const speedups = ["speedup", "speedupChannelsLast", "speedupChannelsLastKept"] as const;
const report: (Readonly<Record<(typeof speedups)[number], number>> & { readonly name: string })[] = [];
for (const [index, spec] of networks.entries()) {
  const [ichor, torch, torchKept] = [openIchor(), openTorch(), openTorch(keepMemory)];
  const theirs = (format: string, peer: Peer) => (count: number) =>
    peer.ask<Answer>({ network: spec, batch, format, what: "infer", steps: count });
  const { ms } = await race(
    {
      ichor: (count: number) => ichor.ask<Answer>({ network: index, what: "infer", steps: count }),
      torch: theirs("contiguous", torch),
      torchChannelsLast: theirs("channels_last", torch),
      torchChannelsLastKept: theirs("channels_last", torchKept),
    },
    { rounds, steps },
  );
  for (const peer of [ichor, torch, torchKept]) peer.close();
  const row = {
    name: spec.name,
    ms: round3(median(ms.ichor)),
    imagesASecond: Math.round((batch * 1000) / median(ms.ichor)),
    torchMs: round3(median(ms.torch)),
    torchChannelsLastMs: round3(median(ms.torchChannelsLast)),
    torchChannelsLastKeptMs: round3(median(ms.torchChannelsLastKept)),
    speedup: ratioOf(ms.torch, ms.ichor),
    speedupChannelsLast: ratioOf(ms.torchChannelsLast, ms.ichor),
    speedupChannelsLastKept: ratioOf(ms.torchChannelsLastKept, ms.ichor),
  };
  report.push(row);
  tell(row, undefined);
}
const detector = await timeDetector({ rounds, steps });
tell(detector, undefined);
const summary = {
  what: `forward passes of ${batch} images, ms; speedup is PyTorch's time over Ichor's`,
  machine: machine(),
  threads,
  rounds,
  geometricMean: Object.fromEntries(speedups.map((key) => [key, round3(geometricMean(report.map((row) => row[key])))])),
};
tell(summary, json, { networks: report, detector });
process.exit(0);
