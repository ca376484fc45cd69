export { type DetectionSummary, type DetectOptions, detect, detectWith, type StudyLine } from "./detect.ts";
export {
  type AnalysedStudy,
  type Box,
  type Evidence,
  type Findings,
  findingsJsonSchema,
  findingsSchema,
  type OtherSeries,
  type SliceFinding,
  type StudyFinding,
} from "./findings.ts";
