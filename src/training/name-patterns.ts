import { patternOf } from "../autodiff/index.ts";
import type { Problem } from "../base/index.ts";
import type { TrainingConfig } from "./config.ts";
import { nearestWords } from "./nearest.ts";

/**
 * The first pattern of `frozen` or `rates` that fits no parameter: a letter astray would train what was to be kept.
 * `frozen` may name running statistics as well.
 */
export function strayPattern(
  { frozen = [], rates = [] }: Pick<TrainingConfig, "frozen" | "rates">,
  parameters: readonly string[],
  statistics: readonly string[] = [],
): Problem | undefined {
  const patterns = [
    ...frozen.map((pattern) => ({ key: "frozen", pattern, names: [...parameters, ...statistics] })),
    ...rates.map(({ pattern }) => ({ key: "rates", pattern, names: parameters })),
  ];
  for (const { key, pattern, names } of patterns) {
    const fits = patternOf(pattern);
    if (names.some((name) => fits.test(name))) continue;
    const nearest = nearestWords(pattern, names).slice(0, 3).join(", ");
    return {
      kind: "pattern fits nothing",
      where: `configuration: ${key}`,
      got: pattern,
      expected: `a name of a parameter, with * for any part of it, such as ${nearest}`,
      next: "mend the pattern and run the same command again",
    };
  }
  return undefined;
}
