import { readFileSync } from "node:fs";
import { arch, cpus, platform, totalmem } from "node:os";
import { z } from "zod";
import type { RunStart } from "./run-folder.ts";

const packageSchema = z.object({
  version: z.string(),
  dependencies: z.object({ "onnxruntime-node": z.string() }),
});

/** With what and on what a run is started now. The machine's name and its user are nobody's business. */
export function describeStart({ threads, form }: Pick<RunStart, "threads" | "form">): RunStart {
  const own = new URL("../../package.json", import.meta.url); // from src/training and from dist/training alike
  const { version, dependencies } = packageSchema.parse(JSON.parse(readFileSync(own, "utf8")));
  const processors = cpus();
  return {
    at: new Date().toISOString(),
    threads,
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
