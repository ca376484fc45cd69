import { accessSync, constants, existsSync, readdirSync, realpathSync, statSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import {
  fail,
  type LedgerEntry,
  type LedgerSummary,
  ledgerHeader,
  ledgerLine,
  ok,
  type Problem,
  type Progress,
  type Result,
  summariseLedger,
} from "../base/index.ts";
import { checkPixels, readHeader } from "../dicom/index.ts";
import { fileResult, makeFolder, writeFileAtomic } from "../machine/index.ts";
import { type FoundFile, walkFiles } from "../storage/index.ts";
import { burnedIn, deidentifyFile, type FileOptions, newNames } from "./deidentify-file.ts";

/** What to de-identify and how. */
export interface DeidentifyOptions extends FileOptions {
  /** A folder, archive or file. */
  readonly from: string;
  /** Folder for the files; empty or missing, or with `existing` "kept" one that an earlier call filled with the same key. */
  readonly to: string;
  readonly existing: "refused" | "kept";
  /** Files that may show words in their pixels: left out, or written with a remark in the ledger. */
  readonly burnedIn: "set aside" | "kept";
  /** Where the ledger goes, which names the files as they were: not among the new ones. */
  readonly ledger: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** What came of it. */
export interface DeidentifySummary {
  readonly ledger: LedgerSummary;
  readonly ledgerFile: string;
  readonly patients: number;
  readonly studies: number;
  readonly series: number;
  /** Files with a remark on burned-in annotation. */
  readonly burnedIn: number;
}

/**
 * Writes every DICOM file of a folder without its patient's identity, as `patient/study/series/instance.dcm` under new
 * names, and a ledger of what became of each file. Problems: "not found", "folder not empty", "inside the input", a full
 * or read-only disk, "interrupted".
 */
export async function deidentify(options: DeidentifyOptions): Promise<Result<DeidentifySummary>> {
  const checked = checkFolders(options);
  if (checked.kind === "problem") return checked;
  const files = await findAll(options);
  if (options.signal.aborted) return fail(interrupted(options.to));
  const task = options.progress.start("De-identifying", files.length);
  const made: Made = { patients: new Set(), studies: new Set(), series: new Set(), files: new Map() };
  const entries: LedgerEntry[] = [];
  try {
    for (const file of files) {
      const entry = file.kind === "not a file" ? ok(file.entry) : oneFile(file, options, made);
      if (entry.kind === "problem") return entry;
      entries.push(entry.value);
      task.advance(1);
      if (entries.length % 32 === 0) await new Promise((resolve) => setImmediate(resolve)); // lets Ctrl-C through
      if (options.signal.aborted) return fail(interrupted(options.to));
    }
  } finally {
    task.done();
  }
  const written = writeFileAtomic(options.ledger, ledgerHeader + entries.map(ledgerLine).join(""));
  if (written.kind === "problem") return written;
  return ok({
    ledger: summariseLedger(entries),
    ledgerFile: options.ledger,
    patients: made.patients.size,
    studies: made.studies.size,
    series: made.series.size,
    burnedIn: entries.filter(({ kind }) => kind === burnedInKind).length,
  });
}

const burnedInKind = "burned-in annotation";

/** What one call has made: new names, and of each new file the one it was made of. */
interface Made {
  readonly patients: Set<string>;
  readonly studies: Set<string>;
  readonly series: Set<string>;
  readonly files: Map<string, string>;
}

type Found = FoundFile | { readonly kind: "not a file"; readonly entry: LedgerEntry };

async function findAll({ from, signal }: DeidentifyOptions): Promise<readonly Found[]> {
  const files: Found[] = [];
  for await (const found of walkFiles([from], signal)) files.push(found);
  return files;
}

/** The line of a file; a problem only where nothing more can be written. */
function oneFile({ path, shown }: FoundFile, options: DeidentifyOptions, made: Made): Result<LedgerEntry> {
  const header = readHeader(path);
  if (header.kind === "problem") {
    const status = header.problem.kind === "not DICOM" ? "set aside" : "failed";
    return ok({ path: shown, status, kind: header.problem.kind, detail: `${header.problem.got}` });
  }
  if (header.value.elements.has(0x00041220)) {
    return ok({ path: shown, status: "set aside", kind: "DICOMDIR", detail: "names files under their old names" });
  }
  const words = burnedIn(header.value);
  if (words !== undefined && options.burnedIn === "set aside") {
    return ok({ path: shown, status: "set aside", kind: burnedInKind, detail: words });
  }
  const { patient, study, series, sop } = newNames(header.value, options);
  const to = join(options.to, patient, study, series, `${sop}.dcm`);
  const first = made.files.get(to);
  if (first !== undefined) {
    return ok({ path: shown, status: "set aside", kind: "duplicate", detail: `the same instance as ${first}` });
  }
  // What an earlier call wrote was made of a file that is whole: of one that is not, it was not made.
  const written = existsSync(to)
    ? checkPixels(path, header.value)
    : deidentifyFile({ from: path, to }, header.value, options);
  if (written.kind === "problem") {
    const { problem } = written;
    if (problem.where === to) return fail(goingOn(problem)); // the disk is full: so it will be for the next one
    return ok({ path: shown, status: "failed", kind: problem.kind, detail: problem.got });
  }
  made.files.set(to, shown);
  made.patients.add(patient);
  made.studies.add(study);
  made.series.add(series);
  const remark = words === undefined ? { kind: "", detail: "" } : { kind: burnedInKind, detail: `written: ${words}` };
  return ok({ path: shown, status: "used", ...remark });
}

/** The same command would be refused, as the folder is no longer empty. */
const goingOn = (problem: Problem): Problem =>
  problem.kind === "disk full" ? { ...problem, next: `${problem.next}, with --resume` } : problem;

/** Also whether there will be a place for the ledger, before hours of work that would be in none. */
function checkFolders({ from, to, existing, ledger }: DeidentifyOptions): Result<void> {
  const found = fileResult(from, () => statSync(from));
  if (found.kind === "problem") return found;
  const place = fileResult(ledger, () => {
    makeFolder(dirname(ledger));
    accessSync(`${dirname(ledger)}/.`, constants.W_OK); // the dot refuses what is no folder
  });
  if (place.kind === "problem") return place;
  return checkOutput({ from, to, existing });
}

function checkOutput({ from, to, existing }: Pick<DeidentifyOptions, "from" | "to" | "existing">): Result<void> {
  const made = fileResult(to, () => {
    makeFolder(to);
    return { inside: isInside(realpathSync(to), realpathSync(resolve(from))), names: readdirSync(to) };
  });
  if (made.kind === "problem") return made;
  if (made.value.inside) {
    const next = "choose a folder elsewhere";
    const expected = "a folder outside the input, so that no file is read that was just written";
    return fail({ kind: "inside the input", where: to, got: `a folder in ${from}`, expected, next });
  }
  if (made.value.names.length > 0 && existing === "refused") {
    return fail({
      kind: "folder not empty",
      where: to,
      got: `${made.value.names.length} entries`,
      expected: "an empty or missing folder",
      next: "choose another folder, or go on with the same key and --resume",
    });
  }
  return ok(undefined);
}

function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way === "" || !(way === ".." || way.startsWith(`..${sep}`));
}

function interrupted(where: string) {
  const next = "go on with the same key and --resume";
  return { kind: "interrupted", where, got: "an interrupt", expected: "the work to its end", next };
}
