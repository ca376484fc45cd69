import { isAbsolute, relative, resolve, sep } from "node:path";
import { fail, ok, type Problem, type Progress, type Result } from "../base/index.ts";
import type { SeriesSlice, SliceHeader } from "../ct/index.ts";
import { walkMedia } from "../dicom/index.ts";
import readHeaders, { type HeaderAnswer } from "./header-worker.ts";
import { inOrder, pieces } from "./in-order.ts";
import type { Ledger } from "./ledger.ts";
import { openWork } from "./work.ts";

/** What a detection remembers of one slice between the two passes: little, as there is one for each slice of the input. */
export interface SliceRow extends SeriesSlice, Pick<SliceHeader, "sop"> {
  /** Path as the user would type it, relative to the working folder. */
  readonly shown: string;
  /** 0-based place in a file of several frames; `undefined` where the file is the slice. */
  readonly frame: number | undefined;
}

/** The slices of one series, in the order in which they were found. */
export interface SeriesRows {
  readonly uid: string;
  readonly slices: SliceRow[];
}

/** The series of one study. */
export interface StudyRows {
  readonly uid: string;
  readonly series: readonly SeriesRows[];
}

/** What the survey needs. */
export interface SurveyOptions {
  readonly inputs: readonly string[];
  /** Output folder: it holds nothing but our own files, so what lies in it is no input. */
  readonly out: string;
  /** What the detector may be used on. */
  readonly modality: string;
  readonly ledger: Ledger;
  readonly threads: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Files a task: some 10 ms of work, against 0.1 ms for its way to a worker thread and back. */
const filesPerTask = 64;

/**
 * First pass: finds the files, reads their headers and groups the slices by study and series, both in the order of
 * their first file. Files that are no slices go to the ledger, and so do all files of a slice but the largest, of equal
 * ones the first: a copy that was cut off is smaller. A file of several frames is a slice for each. Problem: "interrupted".
 */
export async function surveySlices(options: SurveyOptions): Promise<Result<readonly StudyRows[]>> {
  const { ledger, threads, signal } = options;
  const files = await findFiles(options);
  if (signal.aborted) return fail(interrupted("reading headers"));
  const tasks = [...pieces(files, filesPerTask)];
  const work = openWork({ name: "./header-worker", task: readHeaders }, { threads, tasks: tasks.length });
  const bar = options.progress.start("Reading headers", files.length);
  const collection = openCollection(ledger, options.modality);
  try {
    const answers = inOrder(tasks, (paths) => work.run(paths.map((shown) => resolve(shown))), threads + 2);
    let at = 0;
    for await (const headers of answers) {
      if (signal.aborted) return fail(interrupted("reading headers"));
      for (const slices of headers) {
        const shown = files[at++]!;
        if (slices.length > 1) ledger.expectFrames(shown, slices.length);
        for (const slice of slices) collection.add(shown, slice);
      }
      bar.advance(headers.length);
    }
  } finally {
    bar.done();
    await work.close();
  }
  return ok(collection.studies());
}

async function findFiles({ inputs, out, ledger, signal }: SurveyOptions): Promise<readonly string[]> {
  const files: string[] = [];
  const folder = resolve(out);
  for await (const found of walkMedia(inputs, signal)) {
    if (found.kind === "not a file") ledger.record(found.entry);
    else if (!isInside(folder, found.path)) files.push(found.shown);
  }
  return files;
}

interface Collection {
  add(shown: string, answer: HeaderAnswer): void;
  studies(): readonly StudyRows[];
}

/** Where the row of a slice stands, and how large its file is. */
interface Kept {
  readonly slices: readonly SliceRow[];
  readonly at: number;
  readonly sizeBytes: number;
}

function openCollection(ledger: Ledger, modality: string): Collection {
  const studies = new Map<string, { readonly uid: string; readonly series: Map<string, SliceRow[]> }>();
  const kept = new Map<string, Kept>(); // of each slice, by its id
  const setAside = (path: string, kind: string, detail: string) =>
    ledger.record({ path, status: "set aside", kind, detail });
  return {
    add(shown, answer) {
      if (answer.kind !== "slice") {
        const { kind: status, reason: kind, detail } = answer;
        return ledger.record({ path: shown, status, kind, detail });
      }
      const { patient, study, series, sliceId, modality: seen } = answer.header;
      if (seen !== modality)
        return setAside(shown, "outside scope", `modality ${seen}, the detector is made for ${modality}`);
      // as in the index: careless anonymisation gives studies of different patients one UID
      const key = JSON.stringify([patient, study]);
      const other = kept.get(sliceId);
      const otherRow = other?.slices[other.at];
      if (other !== undefined && otherRow !== undefined) {
        const slices = studies.get(key)?.series.get(series);
        if (other.slices !== slices || answer.sizeBytes <= other.sizeBytes) {
          return setAside(shown, "duplicate slice", `the same slice as ${otherRow.shown}`);
        }
        slices[other.at] = sliceRow(shown, answer.header, slices[0]);
        kept.set(sliceId, { ...other, sizeBytes: answer.sizeBytes });
        return setAside(otherRow.shown, "duplicate slice", `the same slice as ${shown}`);
      }
      const known = entryOf(studies, key, () => ({ uid: study, series: new Map<string, SliceRow[]>() }));
      const slices = entryOf(known.series, series, () => []);
      const at = slices.push(sliceRow(shown, answer.header, slices[0])) - 1;
      kept.set(sliceId, { slices, at, sizeBytes: answer.sizeBytes });
    },
    studies: () =>
      [...studies.values()].map(({ uid, series }) => ({
        uid,
        series: [...series].map(([seriesUid, slices]) => ({ uid: seriesUid, slices })),
      })),
  };
}

/** A row; lists and texts that are equal throughout a series are held once, as they are most of a row's memory. */
function sliceRow(shown: string, header: SliceHeader, first: SliceRow | undefined): SliceRow {
  const { sliceId, sop, frame, position, rows, columns } = header;
  const { sliceThicknessMm, acquisition, seriesNumber, instanceNumber } = header;
  return {
    ...{ shown, frame, sliceId, sop, position, rows, columns },
    ...{ sliceThicknessMm, acquisition, seriesNumber, instanceNumber },
    orientation: held(header.orientation, first?.orientation),
    pixelSpacing: held(header.pixelSpacing, first?.pixelSpacing),
    kernel: held(header.kernel, first?.kernel),
    imageType: held(header.imageType, first?.imageType),
    seriesDescription: held(header.seriesDescription, first?.seriesDescription),
    bodyPart: held(header.bodyPart, first?.bodyPart),
    contrast: held(header.contrast, first?.contrast),
  };
}

/** The value that is held already, where it is equal. */
function held<T>(own: T, known: T | undefined): T {
  return known !== undefined && String(own) === String(known) ? known : own;
}

function entryOf<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== "" && !isAbsolute(way) && way.split(sep)[0] !== "..";
}

/** The work was stopped from outside. */
export function interrupted(where: string): Problem {
  return {
    kind: "interrupted",
    where,
    got: "a request to stop",
    expected: "time to finish",
    next: "run the same command again; nothing was written",
  };
}
