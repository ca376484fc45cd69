// Child processes that are timed one after the other in rounds, and the statistics of their answers.
import { spawn, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type ParseArgsConfig, parseArgs } from "node:util";

export const threads = 2;

/** A process that answers a JSON line to each JSON line. */
export interface Peer {
  ask<T>(request: object): Promise<T>;
  close(): void;
}

/**
 * glibc gives large freed arrays back to the kernel, and asking for them again costs a page fault for every 4 kB; with
 * these it keeps them, and asks for pages of 2 MB. `ichor` starts with them (first line of src/cli/main.ts), so its process
 * does here; PyTorch runs with and without.
 */
export const keepMemory = {
  MALLOC_MMAP_THRESHOLD_: "1073741824",
  MALLOC_TRIM_THRESHOLD_: "4294967296",
  MALLOC_TOP_PAD_: "67108864",
  GLIBC_TUNABLES: "glibc.malloc.hugetlb=1",
};

/** Runs this very benchmark with them, in a process of its own, where it was started without. */
export function keepingMemory(): void {
  if (Object.entries(keepMemory).every(([name, value]) => process.env[name] === value)) return;
  const options = { env: { ...process.env, ...keepMemory }, stdio: "inherit" } as const;
  const run = spawnSync(process.execPath, [...process.execArgv, ...process.argv.slice(1)], options);
  process.exit(run.status ?? 1);
}

function open(command: string, args: readonly string[], env: Readonly<Record<string, string>>): Peer {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask(request) {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      const { value, done } = await lines.next();
      if (done === true) throw new Error(`${command} ${args.join(" ")} has ended`);
      return JSON.parse(value);
    },
    close: () => child.stdin.end(),
  };
}

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

export const openIchor = (env: Readonly<Record<string, string>> = keepMemory): Peer =>
  open(process.execPath, ["--import", "tsx", path("engine-server.ts")], { ...env, BENCH_THREADS: String(threads) });

/** A script of Debian's Python, beside this file or by its way from here. */
const openPython = (script: string, args: readonly string[], env: Readonly<Record<string, string>>): Peer =>
  open("/usr/bin/python3", [path(script), ...args], { ...env, OMP_NUM_THREADS: String(threads) });

export const openTorch = (env: Readonly<Record<string, string>> = {}): Peer => openPython("torch_networks.py", [], env);

/** The CNN of `src/models/cnn.ts` in PyTorch. */
export const openTorchCnn = (settings: CnnSettings, env: Readonly<Record<string, string>> = {}): Peer =>
  openPython("../test/oracles/torch_cnn.py", ["bench", JSON.stringify({ ...settings, threads })], env);

/** What the CNN is built from, and the slices of a batch. */
export interface CnnSettings {
  readonly batch: number;
  readonly size: number;
  readonly neighbours: 1 | 3 | 5;
  readonly width: number;
}

/** Python's onnxruntime on a model file; undefined where that package is not installed (Debian 12 has none). */
export function openPythonRuntime(model: string): Peer | undefined {
  const there = spawnSync("/usr/bin/python3", ["-c", "import onnxruntime"]).status === 0;
  return there ? openPython("onnxruntime_peer.py", [model, String(threads)], {}) : undefined;
}

/** A script of this folder by Debian's Python. */
export const openPeer = (script: string): Peer => open("/usr/bin/python3", [path(script)], {});

/** A plain module of this folder in Node. */
export const openServer = (script: string, env: Readonly<Record<string, string>>): Peer =>
  open(process.execPath, [path(script)], env);

/** A turn of some steps: the time of each, and what else the process tells. */
export type Run<Answer> = (steps: number) => Promise<Answer & { readonly ms: readonly number[] }>;

/**
 * Runs take turns in rounds, after two steps each to warm up: each run's median of every round, and its last answer.
 */
export async function race<Answer, Name extends string>(
  runs: Readonly<Record<Name, Run<Answer>>>,
  { rounds, steps }: { readonly rounds: number; readonly steps: number },
): Promise<{ readonly ms: Readonly<Record<Name, readonly number[]>>; readonly last: Readonly<Record<Name, Answer>> }> {
  const names = Object.keys(runs) as Name[];
  const ms = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  const last = {} as Record<Name, Answer>;
  for (const name of names) await runs[name](2);
  for (let round = 0; round < rounds; round++) {
    for (const name of names) {
      await pause();
      const answer = await runs[name](steps);
      last[name] = answer;
      ms[name].push(median(answer.ms));
    }
  }
  return { ms, last };
}

/** The median of the ratios of two runs within a round. */
export const ratioOf = (mine: readonly number[], others: readonly number[]): number =>
  round3(median(mine.map((time, round) => time / others[round]!)));

/** The command line of a benchmark: numbers by name, with what they are unless given, and where a report goes. */
export function benchOptions<Name extends string>(defaults: Readonly<Record<Name, number>>) {
  const options: NonNullable<ParseArgsConfig["options"]> = { json: { type: "string" } };
  for (const [name, number] of Object.entries(defaults)) options[name] = { type: "string", default: String(number) };
  const { json, ...given } = parseArgs({ options }).values;
  const numbers = Object.fromEntries(Object.entries(given).map(([name, text]) => [name, Number(text)]));
  return { ...(numbers as Record<Name, number>), json: json as string | undefined };
}

/** Prints a report, and writes it where --json says. */
export function tell(report: object, json: string | undefined, more: object = {}): void {
  console.log(JSON.stringify(report));
  if (json !== undefined) writeFileSync(json, `${JSON.stringify({ ...report, ...more }, null, 2)}\n`);
}

export const median = (numbers: readonly number[]): number => {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
};

export const geometricMean = (numbers: readonly number[]): number =>
  Math.exp(numbers.reduce((sum, number) => sum + Math.log(number), 0) / numbers.length);

/** Lets the other's spinning threads go to sleep. */
export const pause = () => new Promise((resolve) => setTimeout(resolve, 150));

export const machine = () => `${cpus().length} × ${cpus()[0]?.model ?? "unknown processor"}`;

export const round3 = (number: number) => Math.round(number * 1000) / 1000;
