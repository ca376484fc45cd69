// What a detector says of itself, for tests that need one and care about little of it.
import { labels } from "../src/labels/index.ts";
import type { DetectorInfo } from "../src/models/index.ts";

/** A detector's own words: one neighbour, no windows, every label called at one half, unless told. */
export function detectorInfo(told: Pick<DetectorInfo, "preprocessing"> & Partial<DetectorInfo>): DetectorInfo {
  return {
    version: 1,
    model: "cnn",
    labels: [...labels],
    neighbours: 1,
    windows: [],
    evidence: "class activation",
    calibration: { kind: "none" },
    operatingPoints: {
      epidural: 0.5,
      intraparenchymal: 0.5,
      intraventricular: 0.5,
      subarachnoid: 0.5,
      subdural: 0.5,
      any: 0.5,
    },
    scope: { modality: "CT", bodyPart: "HEAD", notice: "" },
    training: { data: "", split: "", patients: 1, slices: 1, licence: "" },
    headline: {},
    ...told,
  };
}
