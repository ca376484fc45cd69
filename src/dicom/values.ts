import type { DataSet } from "./data-set.ts";
import type { Keyword } from "./dictionary.ts";
/** The text of an element, trimmed; `undefined` where it is absent or empty. */
export function text(_dataSet: DataSet, _keyword: Keyword): string | undefined {
  return undefined;
}
/** All numbers of an element; `undefined` where it is absent, empty or no number. */
export function numbers(_dataSet: DataSet, _keyword: Keyword): readonly number[] | undefined {
  return undefined;
}
