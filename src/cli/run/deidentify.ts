import { randomBytes } from "node:crypto";
import { chmodSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fail, ok, type Result, shellWord } from "../../base/index.ts";
import { type DeidentifySummary, deidentify, pseudonymsFrom } from "../../deidentification/index.ts";
import { fileProblem, writeFileAtomic } from "../../machine/index.ts";
import type { CommonFlags, Context } from "../context.ts";
import { counted, show } from "../output.ts";

/** Flags of `ichor deidentify`. */
export interface DeidentifyFlags extends CommonFlags {
  readonly key?: string;
  readonly retainUids: boolean;
  readonly dates: "removed" | "moved" | "kept";
  readonly cleanDescriptors: boolean;
  readonly burnedIn: "set-aside" | "keep";
  readonly ledger?: string;
  readonly resume: boolean;
}

/** `ichor deidentify`. */
export async function runDeidentify(this: Context, flags: DeidentifyFlags, from: string, to: string): Promise<void> {
  const key = flags.key === undefined ? forgottenKey(flags) : readKey(flags.key);
  if (key.kind === "problem") return show(this, key, { flags, text: () => "" });
  const summary = await deidentify({
    from,
    to,
    pseudonyms: pseudonymsFrom(key.value),
    uids: flags.retainUids ? "kept" : "replaced",
    dates: flags.dates,
    descriptors: flags.cleanDescriptors ? "cleaned" : "removed",
    burnedIn: flags.burnedIn === "keep" ? "kept" : "set aside",
    existing: flags.resume ? "kept" : "refused",
    ledger: flags.ledger ?? `${resolve(to)}.ledger.csv`,
    progress: this.progress,
    signal: this.signal,
  });
  const told = flags.key === undefined ? startingAfresh(summary, to) : summary;
  show(this, told, { flags, text: (value) => summaryText(value, to) });
}

/** Half a folder whose key is forgotten cannot be gone on with. */
function startingAfresh<T>(result: Result<T>, to: string): Result<T> {
  if (result.kind === "ok" || !["interrupted", "disk full"].includes(result.problem.kind)) return result;
  const next = `remove ${shellWord(to)} and run the same command again; with --key FILE it could go on`;
  return fail({ ...result.problem, next });
}

const keyBytes = 32;

/** The bytes of a key file; a new one, that only its owner may read, where there is none. */
function readKey(path: string): Result<Uint8Array> {
  try {
    const key = readFileSync(path);
    if (key.length >= keyBytes / 2) return ok(key);
    const expected = `at least ${keyBytes / 2} bytes that nobody can guess`;
    return fail({
      kind: "weak key",
      where: path,
      got: `${key.length} bytes`,
      expected,
      next: "name a missing file: a key is made",
    });
  } catch (error) {
    const problem = fileProblem(error, path);
    if (problem.kind !== "not found") return fail(problem);
  }
  const key = randomBytes(keyBytes);
  const written = writeFileAtomic(path, key);
  if (written.kind === "problem") return written;
  chmodSync(path, 0o600);
  return ok(key);
}

function forgottenKey({ resume }: DeidentifyFlags): Result<Uint8Array> {
  if (!resume) return ok(randomBytes(keyBytes));
  const expected = "the key that the files in the folder were named by";
  return fail({
    kind: "no key",
    where: "--resume",
    got: "no --key",
    expected,
    next: "name it with --key, or start anew",
  });
}

function summaryText(
  { ledger, ledgerFile, patients, studies, series, burnedIn }: DeidentifySummary,
  to: string,
): string {
  const reasons = Object.entries(ledger.reasons).map(([kind, count]) => `  ${kind}: ${count}\n`);
  return [
    `${counted(ledger.found, "file")}: ${ledger.used} written, ${ledger.setAside} set aside, ${ledger.failed} failed\n`,
    ...reasons,
    `${counted(patients, "patient")}, ${counted(studies, "study")}, ${counted(series, "series")} in ${to}\n`,
    burnedIn > 0 ? "Some pictures may have words burned into them: look at them.\n" : "",
    `Ledger, with the old names, for you alone: ${ledgerFile}\n`,
    "Faces can be made of the pixels of a head; de-identified is not anonymous.\n",
  ].join("");
}
