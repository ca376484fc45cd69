import { createHash } from "node:crypto";
import { fail, ok, type Progress, type Result } from "../base/index.ts";
import { writeFileAtomic } from "../machine/index.ts";
import type { DetectorFacts } from "./engine.ts";
import { evenOperatingPoints } from "./engine.ts";
import type { LoopState } from "./loop.ts";
import type { Prepared } from "./prepare.ts";
import { type RunInfo, runPaths, writeRunInfo } from "./run-folder.ts";
import { scoredAtOnce } from "./score-rows.ts";
import { type Validation, type ValidationOptions, validate } from "./validation.ts";

/** What of a run goes into the detector file: what it was made from, never where or when. */
export function detectorFacts(
  { info, table, split, rows }: Pick<Prepared, "info" | "table" | "split" | "rows">,
  chosen: Pick<DetectorFacts, "operatingPoints" | "headline">,
): DetectorFacts {
  return {
    ...chosen,
    training: {
      data: table.hash,
      split: split.hash,
      patients: info.folds?.train.patients ?? 0,
      slices: rows.train.length,
      licence: info.config.dataLicence,
    },
  };
}

/** What is left to do when all epochs are done. */
export interface Finish {
  readonly run: string;
  readonly info: RunInfo;
  readonly prepared: Prepared;
  readonly state: LoopState;
  readonly validating: Omit<ValidationOptions, "task" | "note">;
  readonly progress: Progress;
}

/**
 * Writes `model.onnx` from the best epoch, with operating points chosen on the validation fold, then says in `run.json`
 * that the run is finished. Killed in between, the same is done again from the last checkpoint.
 */
export async function finishRun({
  run,
  info,
  prepared,
  state,
  validating,
  progress,
}: Finish): Promise<Result<RunInfo>> {
  const { best, position } = state;
  if (best === undefined || position.best === undefined) throw new Error("a training without an epoch");
  const { engine } = prepared;
  const task = progress.start("Choosing operating points", Math.ceil(validating.rows.length / scoredAtOnce));
  const draft = engine.detector(best, detectorFacts(prepared, { operatingPoints: evenOperatingPoints, headline: {} }));
  const validated = await validate(draft, { ...validating, task, note: "" });
  task.done();
  if (validated.kind === "problem") return validated;
  const { operatingPoints, headline } = chosenBy(validated.value);
  const bytes = engine.detector(best, detectorFacts(prepared, { operatingPoints, headline }));
  const model = writeFileAtomic(runPaths(run).model, bytes);
  if (model.kind === "problem") return model;
  const { epoch, ...figures } = position.best;
  const finished: RunInfo = {
    ...info,
    status: "finished",
    result: {
      epochs: position.epoch - 1,
      bestEpoch: epoch,
      ...figures,
      operatingPoints,
      modelHash: createHash("sha256").update(bytes).digest("hex"),
      seconds: position.seconds,
    },
  };
  const written = writeRunInfo(run, finished);
  return written.kind === "problem" ? fail(written.problem) : ok(finished);
}

function chosenBy(validation: Validation | undefined): Pick<DetectorFacts, "operatingPoints" | "headline"> {
  if (validation === undefined) return { operatingPoints: evenOperatingPoints, headline: {} };
  const { loss, aucAny, operatingPoints } = validation;
  const headline = { validationLogLoss: loss, ...(aucAny === undefined ? {} : { validationAucAny: aucAny }) };
  return { operatingPoints, headline };
}
