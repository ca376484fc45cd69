import { readFileSync } from "node:fs";
import { arch, cpus, platform, totalmem } from "node:os";
import { z } from "zod";
import type { RunStart } from "./run-folder.ts";

const packageSchema = z.object({
  version: z.string(),
  dependencies: z.object({ "onnxruntime-node": z.string() }),
});

/** With what and on what a run is started now. The machine's name and its user are nobody's business. */
export function describeStart({
  threads,
  provider = "cpu",
  form,
}: Pick<RunStart, "threads" | "provider" | "form">): RunStart {
  const own = new URL("../../package.json", import.meta.url); // from src/training and from dist/training alike
  const { version, dependencies } = packageSchema.parse(JSON.parse(readFileSync(own, "utf8")));
  const processors = cpus();
  return {
    at: new Date().toISOString(),
    threads,
    provider,
    form,
    // onnxruntime-node is pinned exactly, so the version asked for is the version that runs
    versions: { ichor: version, node: process.versions.node, onnxruntime: dependencies["onnxruntime-node"] },
    machine: {
      platform: `${platform()} ${arch()}`,
      processor: processors[0]?.model ?? "unknown",
      cores: processors.length,
      memoryGb: Math.round(totalmem() / 2 ** 30),
    },
  };
}

/**
 * What differs between the starts of a run and may change the last bits of its numbers: the bytes of a resumed training
 * are those of an uninterrupted one on one machine with one number of threads only.
 */
export function notesOnStarts(starts: readonly RunStart[]): string[] {
  const aspects: Readonly<Record<string, (start: RunStart) => string | number>> = {
    threads: ({ threads }) => threads,
    provider: ({ provider = "cpu" }) => provider,
    "form of the step": ({ form }) => form,
    processor: ({ machine }) => machine.processor,
    Ichor: ({ versions }) => versions.ichor,
    "ONNX Runtime": ({ versions }) => versions.onnxruntime,
  };
  return Object.entries(aspects).flatMap(([name, of]) => {
    const seen = [...new Set(starts.map(of))];
    return seen.length > 1 ? [`resumed with other ${name} (${seen.join(", then ")}): last bits may differ`] : [];
  });
}
