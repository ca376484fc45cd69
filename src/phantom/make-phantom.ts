import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fail, ok, type Problem, type Progress, type Result } from "../base/index.ts";
import { type Label, labels, submissionHeader } from "../labels/index.ts";
import { fileResult, openPool, writeFileAtomic } from "../machine/index.ts";
import { mostSlices } from "./study.ts";
import type { StudyAnswer, StudyTask } from "./study-worker.ts";

/** What to simulate. */
export interface PhantomOptions {
  /** Folder to write; missing or empty. */
  readonly out: string;
  /** Labelled studies, each of another patient. */
  readonly studies: number;
  /** The same seed gives the same bytes, whatever the threads. */
  readonly seed: number;
  /** Rows and columns of a slice; 512 unless told. */
  readonly matrix?: number;
  /** Slices a study; 28 to 40 unless told. */
  readonly slices?: number;
  /** Studies without labels; 2 unless told. */
  readonly testStudies?: number;
  readonly threads: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** What was simulated. */
export interface PhantomSummary {
  readonly out: string;
  readonly labelTable: string;
  readonly studies: number;
  readonly slices: number;
  readonly testSlices: number;
  readonly positives: Readonly<Record<Label, number>>;
}

/**
 * Writes simulated studies in the competition's layout: `stage_2_train/ID_*.dcm`, `stage_2_test/ID_*.dcm`, and
 * `stage_2_train.csv` last, so that a folder with a label table is whole. Memory does not grow with the slices but for
 * the label table's lines. Problems: "size" (a number that makes no study), "folder in use", file problems, and
 * "interrupted". What an interrupt leaves has no label table, and the next run refuses it until it is removed.
 */
export async function makePhantom(options: PhantomOptions): Promise<Result<PhantomSummary>> {
  const { out, studies, testStudies = 2, threads, progress, signal } = options;
  const refusal = wrongSize(options) ?? inUse(out);
  if (refusal !== undefined) return fail(refusal);
  const tasks = [
    ...Array.from({ length: studies }, (_, index) => taskOf(options, "train", index)),
    ...Array.from({ length: testStudies }, (_, index) => taskOf(options, "test", index)),
  ];
  const pool = openPool<StudyTask, Result<StudyAnswer>>(import.meta.url, "./study-worker", threads);
  const bar = progress.start("Simulating studies", tasks.length);
  const answers: StudyAnswer[] = [];
  const stop = abortion(signal);
  let problem: Problem | undefined;
  let next = 0;
  const serve = async () => {
    while (next < tasks.length && problem === undefined && !signal.aborted) {
      const at = next++;
      const answer = await Promise.race([pool.run(tasks[at]!), stop.aborted]);
      if (answer === undefined) return; // closing the pool ends the threads, a study takes seconds
      if (answer.kind === "problem") problem ??= answer.problem;
      else {
        answers[at] = answer.value;
        bar.advance(1);
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: threads }, serve));
  } finally {
    stop.forget();
    await pool.close();
    bar.done();
  }
  if (problem !== undefined) return fail(existsSync(out) ? startingAfresh(problem, out) : problem);
  if (signal.aborted) return fail(interrupted(out));
  return finish(out, { train: answers.slice(0, studies), test: answers.slice(studies) });
}

function taskOf({ out, seed, matrix = 512, slices }: PhantomOptions, part: "train" | "test", index: number): StudyTask {
  return { folder: join(out, `stage_2_${part}`), seed, part, index, matrix, slices };
}

function finish(
  out: string,
  { train, test }: { readonly train: readonly StudyAnswer[]; readonly test: readonly StudyAnswer[] },
): Result<PhantomSummary> {
  const labelTable = join(out, "stage_2_train.csv");
  const written = writeFileAtomic(labelTable, submissionHeader + train.map(({ lines }) => lines).join(""));
  if (written.kind === "problem") return written;
  const total = (answers: readonly StudyAnswer[]) => answers.reduce((sum, { slices }) => sum + slices, 0);
  const positives = labels.map((label, index) => [
    label,
    train.reduce((sum, { positives }) => sum + positives[index]!, 0),
  ]);
  return ok({
    out,
    labelTable,
    studies: train.length,
    slices: total(train),
    testSlices: total(test),
    positives: Object.fromEntries(positives) as Record<Label, number>,
  });
}

/** A promise that an abort fulfils, and the way to let go of the signal, which may live longer than this work. */
function abortion(signal: AbortSignal): { readonly aborted: Promise<undefined>; readonly forget: () => void } {
  let forget = () => {};
  const aborted = new Promise<undefined>((resolve) => {
    const listen = () => resolve(undefined);
    signal.addEventListener("abort", listen);
    forget = () => signal.removeEventListener("abort", listen);
  });
  return { aborted, forget };
}

/** What each number may be. At 32 pixels a head can just be told; one pass over 4096² takes 200 MB. */
const bounds = {
  studies: [1, 1_000_000],
  testStudies: [0, 1_000_000],
  matrix: [32, 4096],
  slices: [1, mostSlices],
  threads: [1, 1024],
} as const satisfies Partial<Record<keyof PhantomOptions, readonly [low: number, high: number]>>;

function wrongSize(options: PhantomOptions): Problem | undefined {
  for (const name of Object.keys(bounds) as (keyof typeof bounds)[]) {
    const [low, high] = bounds[name];
    const value = options[name];
    if (value === undefined || (Number.isInteger(value) && value >= low && value <= high)) continue;
    const expected = `a whole number from ${low} to ${high}`;
    return { kind: "size", where: name, got: `${value}`, expected, next: `give another number for ${name}` };
  }
  return undefined;
}

function inUse(out: string): Problem | undefined {
  if (!existsSync(out)) return undefined;
  const names = fileResult(out, () => readdirSync(out));
  if (names.kind === "problem") return names.problem;
  if (names.value.length === 0) return undefined;
  const next = "name another folder, or remove this one";
  return {
    kind: "folder in use",
    where: out,
    got: `${names.value.length} entries`,
    expected: "a missing or empty folder",
    next,
  };
}

/** A folder that is half written is refused the next time: say to remove it first. */
const startingAfresh = (problem: Problem, out: string): Problem => ({
  ...problem,
  next: `remove ${out}, then ${problem.next}`,
});

function interrupted(out: string): Problem {
  const next = `remove ${out} and run the same command again`;
  return { kind: "interrupted", where: out, got: "Ctrl-C", expected: "all studies; there is no label table yet", next };
}
