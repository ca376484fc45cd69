import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Problem } from "../../base/index.ts";
import { executors } from "../../runtime/index.ts";

/** A provider of this machine: usable, or the reason why it is not. */
export interface ProviderReport {
  readonly name: string;
  readonly what: string;
  readonly missing?: Problem;
  /** Float16: taken, worked out in float32 (which gains nothing), or missing. */
  readonly half?: "float16" | "in float32" | "missing";
}

interface Message {
  readonly provider: string;
  readonly begun?: boolean;
  readonly problem?: Problem;
  readonly half?: NonNullable<ProviderReport["half"]>;
}

type Answers = Map<string, Pick<Message, "problem" | "half">>;

/** Tries every row of `executors` in a process beside this one. */
export async function probeProviders(): Promise<readonly ProviderReport[]> {
  const answers: Answers = new Map();
  const names = Object.keys(executors);
  for (;;) {
    const left = names.filter((name) => !answers.has(name));
    const [first] = left;
    if (first === undefined) break;
    const crashed = (await probeSome(left, answers)) ?? first; // at least one is answered a round, so it ends
    if (!answers.has(crashed)) answers.set(crashed, { problem: crash(crashed) });
  }
  return Object.entries(executors).map(([name, { what }]) => {
    const { problem, half } = answers.get(name) ?? {};
    return {
      name,
      what,
      ...(problem === undefined ? {} : { missing: problem }),
      ...(half === undefined ? {} : { half }),
    };
  });
}

/** Answers the provider that was under way when the process ended. */
function probeSome(names: readonly string[], answers: Answers): Promise<string | undefined> {
  const worker = new URL(`./probe-worker${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url);
  return new Promise((done) => {
    let current: string | undefined;
    const child = fork(fileURLToPath(worker), names, { stdio: ["ignore", "ignore", "ignore", "ipc"] });
    child.on("message", ({ provider, begun, ...answer }: Message) => {
      current = begun ? provider : undefined;
      if (!begun) answers.set(provider, answer);
    });
    child.on("error", () => done(current));
    child.on("exit", () => done(current));
  });
}

const crash = (provider: string): Problem => ({
  kind: "provider missing",
  where: `provider ${provider}`,
  got: "its driver ended the process",
  expected: "a driver that opens",
  next: "update the driver, or leave the provider out",
});
