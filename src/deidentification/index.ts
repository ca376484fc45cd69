export { type DeidentifyOptions, type DeidentifySummary, deidentify } from "./deidentify.ts";
export type { ProfileOptions } from "./profile.ts";
export { pseudonymsFrom } from "./pseudonyms.ts";
