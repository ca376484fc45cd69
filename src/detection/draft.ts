import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fail, ok, type Problem, type Result } from "../base/index.ts";
import { fileProblem, fileResult } from "../machine/index.ts";

/** The files of a detection, in the order in which they take their names: the findings come last. */
export const outputNames = ["predictions.csv", "ledger.csv", "findings.json"] as const;

/** One of the files of a detection. */
export type OutputName = (typeof outputNames)[number];

/** Characters that are gathered before they go to the disk. */
const bufferLength = 1 << 16;

/** The three files while they are written, under temporary names. */
export interface Draft {
  /** Appends; a file that cannot be written keeps its first problem until `problem` or `publish` is asked. */
  write(name: OutputName, text: string): void;
  problem(): Problem | undefined;
  /** Flushes all files to the disk, then gives them their names. */
  publish(): Result<void>;
  /** Leaves the folder as it was found. */
  discard(): void;
}

/**
 * Opens the files in the output folder. The folder must be empty or hold nothing but an earlier detection's files, which
 * are replaced when the new ones are complete: a run folder has a predictions.csv and an index has a ledger.csv of its
 * own, and neither may be overwritten. Problems: "output folder in use", and what the system says of the folder.
 */
export function openDraft(folder: string): Result<Draft> {
  const made = makeFolder(folder);
  if (made.kind === "problem") return made;
  const names = fileResult(folder, () => readdirSync(folder).sort());
  if (names.kind === "problem") return names;
  const foreign = names.value.filter((name) => !isOurs(name));
  if (foreign.length > 0) return fail(folderInUse(folder, foreign));
  const files = new Map<OutputName, OpenFile>();
  const discard = () => discardFiles([...files.values()], { folder, made: made.value });
  const opened = fileResult(folder, () => {
    for (const name of names.value) if (isLeftover(name)) rmSync(join(folder, name), { force: true });
    for (const name of outputNames) files.set(name, openFile(join(folder, name)));
  });
  if (opened.kind === "problem") {
    discard();
    return opened;
  }
  const problems: Problem[] = [];
  return ok({
    write(name, text) {
      const file = files.get(name);
      if (file === undefined || problems.length > 0) return;
      file.waiting += text;
      if (file.waiting.length >= bufferLength) keepProblem(problems, flush(file));
    },
    problem: () => problems[0],
    publish: () => publish([...files.values()], { problems, discard }),
    discard,
  });
}

/** Makes a folder; gives the first one that had to be made on the way. */
function makeFolder(folder: string): Result<string | undefined> {
  const there = fileResult(folder, () => statSync(folder, { throwIfNoEntry: false }));
  if (there.kind === "problem") return there;
  if (there.value !== undefined && !there.value.isDirectory()) {
    const expected = "a folder, or a name that is free";
    return fail({ kind: "not a folder", where: folder, got: "a file", expected, next: "name another output folder" });
  }
  const made = fileResult(folder, () => mkdirSync(folder, { recursive: true }));
  if (made.kind === "ok" || made.problem.got !== "ENOENT") return made;
  // On a read-only disk Node's recursive mkdir says ENOENT; the plain one passes on what the system says.
  const plain = fileResult(folder, () => mkdirSync(folder));
  return plain.kind === "ok" ? ok(folder) : plain;
}

interface OpenFile {
  readonly path: string;
  readonly temporary: string;
  readonly descriptor: number;
  waiting: string;
}

function openFile(path: string): OpenFile {
  const temporary = `${path}.${process.pid}.tmp`;
  return { path, temporary, descriptor: openSync(temporary, "w"), waiting: "" };
}

function flush(file: OpenFile): Result<void> {
  return fileResult(file.path, () => {
    const bytes = Buffer.from(file.waiting);
    file.waiting = "";
    for (let written = 0; written < bytes.length; ) written += writeSync(file.descriptor, bytes, written);
  });
}

function publish(
  files: readonly OpenFile[],
  { problems, discard }: { readonly problems: Problem[]; readonly discard: () => void },
): Result<void> {
  for (const file of files) {
    if (problems.length > 0) break;
    keepProblem(problems, flush(file));
    keepProblem(
      problems,
      fileResult(file.path, () => fsyncSync(file.descriptor)),
    );
  }
  if (problems.length === 0) {
    const renamed = fileResult(dirname(files[0]?.path ?? "."), () => {
      for (const { path, temporary } of files) renameSync(temporary, path);
    });
    keepProblem(problems, renamed);
  }
  const problem = problems[0];
  if (problem !== undefined) discard();
  else for (const { descriptor } of files) closeSync(descriptor);
  return problem === undefined ? ok(undefined) : fail(problem);
}

/** Closes and removes the temporary files, and the folders that were made for them: from `folder` up to `made`. */
function discardFiles(
  files: readonly OpenFile[],
  { folder, made }: { readonly folder: string; readonly made: string | undefined },
): void {
  for (const { descriptor, temporary } of files) {
    quietly(() => closeSync(descriptor));
    quietly(() => rmSync(temporary, { force: true }));
  }
  if (made === undefined) return;
  const top = resolve(made);
  for (let empty = resolve(folder); empty.startsWith(top); empty = dirname(empty)) {
    if (!quietly(() => rmdirSync(empty))) return;
  }
}

/** Cleaning up after a problem must not hide the problem. Whether the work was done is the answer. */
function quietly(work: () => void): boolean {
  try {
    work();
    return true;
  } catch (error) {
    fileProblem(error, ""); // throws on what is no error of the system
    return false;
  }
}

function keepProblem(problems: Problem[], result: Result<void>): void {
  if (result.kind === "problem") problems.push(result.problem);
}

function isOurs(name: string): boolean {
  return outputNames.some((own) => own === name) || isLeftover(name);
}

/** A temporary file that a killed detection could not remove, e.g. `findings.json.4711.tmp`. */
function isLeftover(name: string): boolean {
  return outputNames.some((own) => name.startsWith(`${own}.`) && /^\.\d+\.tmp$/.test(name.slice(own.length)));
}

function folderInUse(folder: string, foreign: readonly string[]): Problem {
  const others = foreign.length > 1 ? ` and ${foreign.length - 1} more` : "";
  return {
    kind: "output folder in use",
    where: folder,
    got: `${foreign[0]}${others}`,
    expected: `an empty folder, or one with nothing but ${outputNames.join(", ")} of an earlier detection`,
    next: "name another output folder",
  };
}
