/**
 * erf x = 2/√π ∫₀ˣ e^−t² dt to rounding, by the series of positive terms 2/√π·e^−x² Σ 2ⁿ x^(2n+1)/(2n+1)!!
 * (Abramowitz & Stegun 7.1.6).
 */
export function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x); // 1 − erf 6 = 2e-17
  let [term, sum] = [x, x];
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}
