import { basename, dirname, join, resolve, sep } from "node:path";
import { type LedgerEntry, ok, type Result } from "../base/index.ts";
import { type FoundFile, type NotAFile, printableName, statFile, walkFiles } from "../storage/index.ts";
import { dicomdirName, readDicomdir } from "./dicomdir.ts";

type Found = FoundFile | NotAFile;

/**
 * Every file under the inputs as `walkFiles` gives them, the directories of media (DICOMDIR) told apart: each is a line of
 * the ledger, and so is what it names and is not there. A DICOMDIR that is an input itself stands for the files that it
 * names. A directory leads nowhere but down from its own folder.
 */
export async function* walkMedia(inputs: readonly string[], signal?: AbortSignal): AsyncGenerator<Found, void, void> {
  const given = new Set(inputs.map((input) => resolve(input)));
  for await (const found of walkFiles(inputs, signal)) {
    if (found.kind === "not a file" || !isDicomdir(found.path)) yield found;
    else yield* walkDicomdir(found, isInputItself(found.path, given) ? "give its files" : "tell what is missing");
  }
}

/** Whether a path names the directory of a medium. */
export function isDicomdir(path: string): boolean {
  return basename(path).toUpperCase() === dicomdirName;
}

/** Whether a file is an input and in no other input, which would give its files anyway. */
function isInputItself(path: string, given: ReadonlySet<string>): boolean {
  if (!given.has(path)) return false;
  for (let above = dirname(path); ; above = dirname(above)) {
    if (given.has(above)) return false;
    if (above === dirname(above)) return true;
  }
}

function* walkDicomdir(file: FoundFile, what: "give its files" | "tell what is missing"): Generator<Found, void, void> {
  const directory = readDicomdir(file.path);
  if (directory.kind === "problem") {
    const { kind, got, expected } = directory.problem;
    return yield row(file.shown, kind === "not DICOM" ? "set aside" : "failed", [
      kind,
      `got ${got}, expected ${expected}`,
    ]);
  }
  const { files, refused } = directory.value;
  yield row(file.shown, "set aside", [dicomdirName, `the directory of a medium, of ${files.length} files`]);
  for (const names of refused)
    yield row(file.shown, "failed", [
      "outside",
      `names "${printableName(names)}", which does not lie below its folder`,
    ]);
  for (const names of files) {
    const looked = findNamed(file, names);
    if (looked.kind === "problem") {
      const { kind, got } = looked.problem;
      yield row(below(file.shown, names.map(printableName)), "failed", [kind, `the system says ${got}`]);
      continue;
    }
    const found = looked.value;
    if (found === undefined)
      yield row(below(file.shown, names.map(printableName)), "failed", [
        "missing",
        `named by ${file.shown}, and not there`,
      ]);
    else if (what === "give its files") yield found;
  }
}

/** A file as the directory names it, or in small letters, as some systems show a CD. */
function findNamed(directory: FoundFile, names: readonly string[]): Result<FoundFile | undefined> {
  for (const spelled of [names, names.map((name) => name.toLowerCase())]) {
    const path = join(dirname(directory.path), ...spelled);
    const stats = statFile(path);
    if (stats.kind === "problem") return stats;
    if (stats.value !== undefined)
      return ok({ kind: "file", path, shown: below(directory.shown, spelled), ...stats.value });
  }
  return ok(undefined);
}

function below(directory: string, names: readonly string[]): string {
  const folder = directory.slice(0, directory.length - basename(directory).length);
  return `${folder.split(sep).join("/")}${names.join("/")}`;
}

function row(path: string, status: LedgerEntry["status"], [kind, detail]: readonly [string, string]): NotAFile {
  return { kind: "not a file", entry: { path, status, kind, detail } };
}
