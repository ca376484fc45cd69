// Python as a second witness: Debian's interpreter, which is the one that has the packages of test/oracles.
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const python = "/usr/bin/python3";

/** What a line of Python prints; undefined where it fails, or there is no Python. */
export function pythonSays(line: string): string | undefined {
  const run = spawnSync(python, ["-c", line], { encoding: "utf8" });
  return run.status === 0 ? run.stdout.trim() : undefined;
}

/** Why tests that need modules of a Debian package are skipped, or false. */
export function without(debianPackage: string, ...modules: readonly string[]): string | false {
  if (pythonSays(`import ${modules.join(", ")}`) !== undefined) return false;
  return `${debianPackage} is not installed (Debian: apt-get install ${debianPackage})`;
}

/** What a script of test/oracles prints, given words and, as a line of JSON, an input. Where it fails, what it says is thrown. */
export function askOracle(script: string, words: readonly string[] = [], input?: unknown): string {
  const path = join(import.meta.dirname, "oracles", script);
  const given = input === undefined ? {} : { input: `${JSON.stringify(input)}\n` };
  const run = spawnSync(python, ["-W", "ignore", path, ...words], { encoding: "utf8", maxBuffer: 2 ** 28, ...given });
  if (run.status !== 0) throw new Error(run.stderr);
  return run.stdout;
}
