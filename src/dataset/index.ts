export type { Augmentation } from "./augment.ts";
export { buildIndex, type IndexOptions } from "./build-index.ts";
export { buildCache, type CacheFailure, type CacheOptions, type SliceCache } from "./cache.ts";
export { type BatchPlan, type EpochOptions, planEpoch } from "./epoch.ts";
export type { IndexSummary, LabelTableSummary } from "./index-summary.ts";
export { type Batch, type Loader, type LoaderOptions, openLoader } from "./loader.ts";
export { openIndex } from "./open-index.ts";
export { type Answer, queryIndex } from "./query.ts";
export { labelRows, type Part, type SliceTable, slicePath, sliceShift } from "./table.ts";
