import { random } from "../base/index.ts";
import type { Statistic } from "./metric.ts";

/** A percentile interval. */
export interface Interval {
  readonly low: number;
  readonly high: number;
  /** Rounds in which the statistic existed, of those that were drawn. */
  readonly rounds: number;
}

/** What a bootstrap resamples, and how often. */
export interface BootstrapOptions {
  /** Cluster of each row, e.g. its patient: whole clusters are drawn, as slices of one patient are not independent. */
  readonly clusters: readonly string[];
  /** All statistics see the same draws, so that differences of statistics are paired. */
  readonly statistics: readonly Statistic[];
  readonly rounds: number;
  readonly seed: number;
  /** Coverage; 0.95 unless told. */
  readonly level?: number;
}

/**
 * Percentile intervals by a bootstrap over clusters (Davison & Hinkley 1997, §3.8; percentiles interpolated linearly,
 * Hyndman & Fan type 7). Independent of the order of the rows. `undefined` for a statistic that exists in fewer than
 * half of the rounds, and for all where there are fewer than two clusters.
 */
export function clusterBootstrap(options: BootstrapOptions): readonly (Interval | undefined)[] {
  const rounds = bootstrapRounds(options);
  for (;;) {
    const step = rounds.next();
    if (step.done) return step.value;
  }
}

/** `clusterBootstrap` round by round: yields the rounds done, for progress and for a way out; returns the intervals. */
export function* bootstrapRounds({
  clusters,
  statistics,
  rounds,
  seed,
  level = 0.95,
}: BootstrapOptions): Generator<number, readonly (Interval | undefined)[]> {
  const names = [...new Set(clusters)].sort();
  if (names.length < 2) return statistics.map(() => undefined);
  const position = new Map(names.map((name, index) => [name, index]));
  const clusterOfRow = Int32Array.from(clusters, (name) => position.get(name)!);
  const drawn = new Int32Array(names.length);
  const values: number[][] = statistics.map(() => []);
  for (let round = 0; round < rounds; round++) {
    const source = random(seed, "bootstrap", round);
    drawn.fill(0);
    for (let draw = 0; draw < names.length; draw++) drawn[source.integer(names.length)]!++;
    // A new array each round: a statistic that others are made of may keep its answer for it (see `remembered`).
    const counts = clusterOfRow.map((cluster) => drawn[cluster]!);
    for (const [index, statistic] of statistics.entries()) {
      const value = statistic(counts);
      if (value !== undefined) values[index]!.push(value);
    }
    yield round + 1;
  }
  return values.map((found) => {
    if (found.length === 0 || found.length < rounds / 2) return undefined;
    const sorted = Float64Array.from(found).sort();
    const tail = (1 - level) / 2;
    return { low: quantile(sorted, tail), high: quantile(sorted, 1 - tail), rounds: found.length };
  });
}

/** Linear interpolation between the order statistics, as NumPy's default. */
function quantile(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const low = sorted[below]!;
  return below + 1 < sorted.length ? low + (place - below) * (sorted[below + 1]! - low) : low;
}
