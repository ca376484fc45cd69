// The detector of the CNN as `ichor predict` runs it, for bench:infer: its file, opened, on a batch of slices.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportDetector, initialise, models } from "../src/models/index.ts";
import { detectorInfo } from "../test/detector-info.ts";
import {
  type CnnSettings,
  keepMemory,
  median,
  openIchor,
  openPythonRuntime,
  openTorchCnn,
  type Peer,
  type Run,
  race,
  ratioOf,
  round3,
} from "./peers.ts";

interface Answer {
  readonly ms: readonly number[];
}

/** Times the detector beside the same network in PyTorch, and beside Python's onnxruntime where it is installed. */
export async function timeDetector({ rounds, steps }: { readonly rounds: number; readonly steps: number }) {
  const settings: CnnSettings = { batch: 16, size: 128, neighbours: 3, width: 16 };
  const folder = mkdtempSync(join(tmpdir(), "ichor-detector-"));
  const file = join(folder, "model.onnx");
  const network = models.cnn.build(settings, "slices");
  const preprocessing = { values: "hu", size: settings.size, fieldOfViewMm: 256 } as const;
  const info = detectorInfo({ preprocessing, neighbours: settings.neighbours });
  writeFileSync(file, exportDetector(network, initialise(network, 1), info));
  const shape = [settings.batch, settings.neighbours, settings.size, settings.size];
  const [ichor, torch, torchKept, python] = [
    openIchor(),
    openTorchCnn(settings),
    openTorchCnn(settings, keepMemory),
    openPythonRuntime(file),
  ];
  const theirs = (format: string, peer: Peer) => (count: number) =>
    peer.ask<Answer>({ what: "infer", format, steps: count });
  const runs: Readonly<Record<string, Run<Answer>>> = {
    ichor: (count: number) => ichor.ask<Answer>({ what: "detect", model: file, shape, steps: count }),
    torch: theirs("contiguous", torch),
    torchChannelsLast: theirs("channels_last", torch),
    torchChannelsLastKept: theirs("channels_last", torchKept),
    ...(python === undefined ? {} : { python: (count: number) => python.ask<Answer>({ steps: count, shape }) }),
  };
  const { ms } = await race(runs, { rounds, steps });
  for (const peer of [ichor, torch, torchKept, python]) peer?.close();
  rmSync(folder, { recursive: true });
  const ours = ms["ichor"] ?? [];
  const against = (name: string) => ratioOf(ms[name] ?? [], ours);
  return {
    name: "detector of the CNN, 128²",
    ms: round3(median(ours)),
    imagesASecond: Math.round((settings.batch * 1000) / median(ours)),
    torchMs: round3(median(ms["torch"] ?? [])),
    torchChannelsLastMs: round3(median(ms["torchChannelsLast"] ?? [])),
    torchChannelsLastKeptMs: round3(median(ms["torchChannelsLastKept"] ?? [])),
    speedup: against("torch"),
    speedupChannelsLast: against("torchChannelsLast"),
    speedupChannelsLastKept: against("torchChannelsLastKept"),
    pythonRuntime: python === undefined ? "python3's onnxruntime is not installed" : against("python"),
  };
}
