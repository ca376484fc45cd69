export { initialise, type NetworkState } from "../onnx/index.ts";
export { cnnWindows } from "./cnn.ts";
export {
  type Detector,
  type DetectorAnswer,
  type DetectorInfo,
  detectorFromBytes,
  detectorInfoSchema,
  exportDetector,
  openDetector,
  parseDetectorInfo,
} from "./detector.ts";
export type { NamedWindow } from "./layers.ts";
export { type ModelName, type ModelRow, models, type TrainingDefaults } from "./models.ts";
export type { Batch, NetworkSettings } from "./network-settings.ts";
