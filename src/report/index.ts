export type { EvidenceMap } from "./overlay.ts";
export { encodePng, type Picture } from "./png.ts";
export type {
  ExampleSlice,
  FreshStudy,
  NamedValue,
  NextStep,
  Summary,
} from "./summary.ts";
export { type TerminalStyle, terminalPicture } from "./terminal-picture.ts";
export { writeSummary } from "./write-summary.ts";
