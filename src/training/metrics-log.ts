import { closeSync, existsSync, fstatSync, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { z } from "zod";
import { fail, ok, type Result } from "../base/index.ts";
import { fileResult } from "../machine/index.ts";

/** A line of `metrics.jsonl`. Losses are the weighted log loss; `trainLoss` has the network's penalty in it. */
export const metricsLineSchema = z.object({
  kind: z.enum(["step", "epoch"]),
  /** From 1. */
  epoch: z.int(),
  /** Steps taken since the start. */
  step: z.int(),
  learningRate: z.number(),
  /** Of this step's batch, or the mean of the epoch. */
  trainLoss: z.number(),
  validationLoss: z.number().optional(),
  validationAucAny: z.number().optional(),
  /** The best epoch so far; on lines of epochs. */
  bestEpoch: z.int().optional(),
  /** Spent in training so far, over all starts. */
  seconds: z.number(),
});

/** One logged step or epoch. */
export type MetricsLine = z.infer<typeof metricsLineSchema>;

/** `metrics.jsonl`, open for writing. */
export interface MetricsLog {
  append(line: MetricsLine): Result<void>;
  /** Flushes to the disk; answers the length in bytes that a checkpoint may rely on. */
  sync(): Result<number>;
  close(): void;
}

/**
 * Opens the log and cuts what a killed training wrote after its last checkpoint. Problems: the file is shorter than
 * the checkpoint says ("changed metrics"), file problems.
 */
export function openMetricsLog(path: string, keepBytes: number): Result<MetricsLog> {
  const opened = fileResult(path, () => {
    const file = openSync(path, existsSync(path) ? "r+" : "w+");
    const { size } = fstatSync(file);
    if (size > keepBytes) ftruncateSync(file, keepBytes);
    return { file, size };
  });
  if (opened.kind === "problem") return opened;
  const { file, size } = opened.value;
  if (size < keepBytes) {
    closeSync(file);
    return fail({
      kind: "changed metrics",
      where: path,
      got: `${size} bytes`,
      expected: `at least the ${keepBytes} bytes that the checkpoint knows of`,
      next: "restore the metrics.jsonl that training wrote, or train into a new run folder",
    });
  }
  let end = keepBytes;
  return ok({
    append: (line) =>
      fileResult(path, () => {
        const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
        for (let written = 0; written < bytes.length; ) {
          written += writeSync(file, bytes, written, bytes.length - written, end + written);
        }
        end += bytes.length;
      }),
    sync: () =>
      fileResult(path, () => {
        fsyncSync(file);
        return end;
      }),
    close: () => closeSync(file),
  });
}

/** Reads the lines of a run's `metrics.jsonl`; a last line that is still being written is left out. */
export function readMetricsLog(path: string): Result<readonly MetricsLine[]> {
  const text = fileResult(path, () => readFileSync(path, "utf8"));
  if (text.kind === "problem") return text;
  const lines: MetricsLine[] = [];
  for (const [index, line] of text.value.split("\n").slice(0, -1).entries()) {
    const parsed = metricsLineSchema.safeParse(parseJson(line));
    if (!parsed.success) {
      return fail({
        kind: "not a metrics line",
        where: `${path}: line ${index + 1}`,
        got: line.slice(0, 80),
        expected: "a JSON object as training writes it",
        next: "restore the metrics.jsonl that training wrote",
      });
    }
    lines.push(parsed.data);
  }
  return ok(lines);
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // the schema then says what it wanted
  }
}
