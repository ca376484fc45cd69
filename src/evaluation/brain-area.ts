/**
 * Share of a slice's pixels between 0 and 80 HU, the brain's values: large in the middle of the head, where bleeds are
 * seen, and small at the vertex and the base of the skull. It knows nothing of blood, and reaches a slice AUC of some
 * 0.7 for `any` (facts of the RSNA 2019 data). `values`: pixels of one slice; HU = value + intercept.
 */
export function brainArea(values: Int16Array, intercept = 0): number {
  let inside = 0;
  for (let pixel = 0; pixel < values.length; pixel++) {
    const hu = values[pixel]! + intercept;
    if (hu >= 0 && hu <= 80) inside++;
  }
  return values.length > 0 ? inside / values.length : 0;
}
