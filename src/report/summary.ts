import type { Evaluation } from "../evaluation/index.ts";
import type { Fold, Label } from "../labels/index.ts";
import type { EvidenceMap } from "./overlay.ts";

/** Everything a summary page says. The page is made from this and from nothing else. */
export interface Summary {
  readonly title: string;
  /** What this is, in a few sentences. */
  readonly lead: readonly string[];
  /** Simulated heads prove nothing about patients, and the page says so. */
  readonly origin: "simulated" | "patients";
  readonly data: DataSection;
  readonly network: NetworkSection;
  readonly evaluation: Evaluation;
  readonly examples: readonly ExampleSlice[];
  /** Studies that came in after the training, if some did. */
  readonly fresh?: { readonly description: string; readonly studies: readonly FreshStudy[] } | undefined;
  readonly next: readonly NextStep[];
  /** Hashes, versions, seeds: by name, in the order to be shown. */
  readonly provenance: readonly NamedValue[];
}

/** What a detector learned from. */
export interface DataSection {
  readonly files: { readonly found: number; readonly used: number; readonly setAside: number; readonly failed: number };
  /** Counts of each fold: patients, slices with all six labels, positive slices by label. */
  readonly folds: Readonly<
    Record<
      Fold,
      { readonly patients: number; readonly slices: number; readonly positives: Readonly<Record<Label, number>> }
    >
  >;
}

/** What was trained, and how it went. */
export interface NetworkSection {
  /** In a sentence. */
  readonly description: string;
  readonly settings: readonly NamedValue[];
  readonly curve: TrainingCurve;
}

/** Losses by epoch, 1 first: the weighted log loss, in training with the network's penalty in it. */
export interface TrainingCurve {
  readonly epochs: readonly {
    readonly epoch: number;
    readonly trainLoss: number;
    readonly validationLoss?: number | undefined;
  }[];
  readonly bestEpoch: number;
  /** Of saying of every validation slice how frequent each label is in the train fold; absent where not known. */
  readonly prevalenceLoss?: number | undefined;
}

/** A slice of a patient not trained on, as it looks and as the detector sees it. */
export interface ExampleSlice {
  readonly kind: "found" | "missed" | "false alarm";
  /** Name of the slice in predictions.csv. */
  readonly sliceId: string;
  /** [size, size] in HU. */
  readonly hu: Int16Array;
  readonly size: number;
  /** For `any`; absent where the network has no such map. */
  readonly evidence?: EvidenceMap | undefined;
  readonly probabilities: Readonly<Record<Label, number>>;
  /** Labels that the label table gives it. */
  readonly truth: readonly Label[];
}

/** What a detector said of a study that it got after the training. */
export interface FreshStudy {
  readonly study: string;
  readonly slices: number;
  readonly probabilities: Readonly<Record<Label, number>>;
  /** Labels that were called. */
  readonly called: readonly Label[];
  /** What is in it, where that is known. */
  readonly truth?: readonly Label[] | undefined;
}

/** A command to go on with. */
export interface NextStep {
  readonly what: string;
  readonly command: string;
}

/** A name with its value. */
export interface NamedValue {
  readonly name: string;
  readonly value: string;
}
