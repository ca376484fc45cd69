export { type EvidenceMap, overlayEvidence } from "./overlay.ts";
export { dataUri, encodePng, type Picture } from "./png.ts";
export type {
  DataSection,
  ExampleSlice,
  FreshStudy,
  NamedValue,
  NetworkSection,
  NextStep,
  Summary,
  TrainingCurve,
} from "./summary.ts";
export { writeSummary } from "./write-summary.ts";
