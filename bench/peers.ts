// Child processes that are timed one after the other in rounds, and the statistics of their answers.
import { spawn } from "node:child_process";
import { cpus } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export const threads = 2;

/** A process that answers a JSON line to each JSON line. */
export interface Peer {
  ask<T>(request: object): Promise<T>;
  close(): void;
}

/**
 * glibc gives large freed arrays back to the kernel, and asking for them again costs a page fault for every 4 kB; with
 * these it keeps them. `ichor` starts with them (see bin in package.json), so its process does here; PyTorch runs with
 * and without.
 */
export const keepMemory = {
  MALLOC_MMAP_THRESHOLD_: "1073741824",
  MALLOC_TRIM_THRESHOLD_: "4294967296",
  MALLOC_TOP_PAD_: "67108864",
};

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

export const openIchor = (): Peer =>
  open(process.execPath, ["--import", "tsx", path("engine-server.ts")], {
    ...keepMemory,
    BENCH_THREADS: String(threads),
  });

export const openTorch = (env: Readonly<Record<string, string>> = {}): Peer =>
  open("/usr/bin/python3", [path("torch_networks.py")], { ...env, OMP_NUM_THREADS: String(threads) });

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
