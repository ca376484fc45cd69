export type { EvidenceMap } from "./overlay.ts";
export type {
  ExampleSlice,
  FreshStudy,
  NamedValue,
  NextStep,
  Summary,
} from "./summary.ts";
export { writeSummary } from "./write-summary.ts";
