import type { Label } from "../labels/index.ts";
import { type Prevalence, type ScoredSlices, sliceCases, studyCases } from "./cases.ts";
import type { Evaluation, Provenance } from "./evaluation.ts";
import { levelFigures } from "./figures.ts";

/** All that an evaluation is computed from. */
export interface ScoresInput {
  readonly slices: ScoredSlices;
  /** Of the train fold. */
  readonly prevalence: Prevalence;
  /** Probability at or above which the detector calls a label. */
  readonly operatingPoints: Readonly<Record<Label, number>>;
  readonly bootstrap: { readonly rounds: number; readonly seed: number };
  /** Slices of the fold whose pixels could not be read; they are not among `slices`. */
  readonly unreadable: number;
  readonly source: Omit<Provenance, "bootstrap" | "prevalence">;
}

/** The evaluation of scored slices. Pure; the order of the slices changes nothing but the rounding of sums. */
export function evaluateScores(input: ScoresInput): Evaluation {
  const steps = evaluationSteps(input);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** `evaluateScores` in 2 · rounds steps: of slices, then of studies. */
export function* evaluationSteps(input: ScoresInput): Generator<void, Evaluation> {
  const { slices, prevalence, operatingPoints, bootstrap, unreadable, source } = input;
  const [bySlice, byStudy] = [sliceCases(slices), studyCases(slices)];
  const common = { operatingPoints, ...bootstrap };
  const slice = yield* levelFigures(bySlice, { ...common, prevalence: prevalence.slice });
  const study = yield* levelFigures(byStudy, { ...common, prevalence: prevalence.study });
  const total = slices.patients.length;
  return {
    version: 1,
    provenance: {
      ...source,
      bootstrap: { ...bootstrap, level: 0.95, unit: "patient" },
      prevalence: { slices: prevalence.slices, studies: prevalence.studies },
    },
    counts: {
      slices: total + unreadable,
      scored: bySlice.count,
      unlabelled: total - bySlice.count,
      unreadable,
      studies: new Set(slices.studies.map((study, row) => `${slices.patients[row]}\n${study}`)).size,
      patients: new Set(slices.patients).size,
    },
    slice,
    study,
  };
}
