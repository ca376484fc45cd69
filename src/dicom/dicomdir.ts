import { fail, ok, type Problem, type Result } from "../base/index.ts";
import type { DataSet } from "./data-set.ts";
import { dictionary } from "./dictionary.ts";
import { readHeader } from "./header.ts";
import { items } from "./sequences.ts";
import { numbers, text } from "./values.ts";

/** What the file that lists a medium's files is called (PS3.10 8.6). */
export const dicomdirName = "DICOMDIR";

/** As many records as `items` gives; a directory that has so many may have more. */
const mostRecords = 65_536;

/** A directory of files (PS3.3 F). */
export interface Dicomdir {
  /** Paths below the directory's folder, as lists of names; each once, in the order of their records. */
  readonly files: readonly (readonly string[])[];
  /** References that lead out of the folder or name nothing: they are not followed. */
  readonly refused: readonly string[];
}

/**
 * Reads the files that a DICOMDIR names. Records are taken as they stand one behind another, not by the offsets that
 * link them (PS3.3 F.3.2.2): so links in a circle, or to nowhere, as careless copies have them, lose no file and end.
 * Problems: those of `readHeader`, "damaged" where records make no sense, "not a DICOMDIR".
 */
export function readDicomdir(path: string): Result<Dicomdir> {
  const header = readHeader(path);
  if (header.kind === "problem") return header;
  const dataSet = header.value;
  const sequence = dataSet.elements.get(dictionary.DirectoryRecordSequence[0]);
  if (sequence === undefined) return fail(problem(path, "not a DICOMDIR", "no directory records"));
  const records = items(dataSet, "DirectoryRecordSequence");
  if (records.length === mostRecords) return fail(problem(path, "damaged", `${mostRecords} records or more`));
  const end = records.reduce((last, record) => Math.max(last, endOf(record)), sequence.offset);
  // behind the last element only delimiters may stand, of an item and of the sequence
  if (sequence.offset + sequence.length - end > 16)
    return fail(problem(path, "damaged", `record ${records.length + 1} makes no sense`));
  const references = new Set<string>();
  for (const record of records) {
    const isUsed = numbers(record, "RecordInUseFlag")?.[0] !== 0; // 0 is a record that was deleted
    const reference = text(record, "ReferencedFileID");
    if (isUsed && reference !== undefined) references.add(reference);
  }
  const named = [...references].map((reference) => reference.split("\\").map((name) => name.trim()));
  return ok({
    files: named.filter((names) => names.every(isPlainName)),
    refused: named.filter((names) => !names.every(isPlainName)).map((names) => names.join("/")),
  });
}

function endOf(record: DataSet): number {
  return [...record.elements.values()].reduce((last, { offset, length }) => Math.max(last, offset + length), 0);
}

/** Whether a name leads down one folder: no step up, no separator, no control (PS3.10 8.5 has capitals, digits and _). */
function isPlainName(name: string): boolean {
  return name !== "" && name !== "." && name !== ".." && !/[/\p{Cc}]/u.test(name);
}

function problem(where: string, kind: string, got: string): Problem {
  return { kind, where, got, expected: "records that name files (PS3.3 F.3)", next: "name the folder instead" };
}
