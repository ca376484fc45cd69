import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** A stream of random numbers that its seed and keys determine. Nothing else in Ichor is random. */
export interface Random {
  /** Uniform in [0, 1), 32 bits of it. */
  uniform(): number;
  /** Standard normal (Box–Muller). */
  normal(): number;
  /** Uniform integer in [0, bound). */
  integer(bound: number): number;
}

/**
 * The random stream of a seed and a path of keys, e.g. `random(seed, "augment", epoch, row)`.
 * Streams of different keys are independent of each other and of the order in which they are asked for, so
 * a resumed training needs no saved generator: its position in the data is its random state.
 */
export function random(seed: number, ...keys: readonly (number | string)[]): Random {
  const generator = xoroshiro128plus(hash32(`${seed}/${keys.join("/")}`));
  let spare: number | undefined;
  return {
    uniform() {
      return uniformOf(generator);
    },
    normal() {
      if (spare !== undefined) {
        const value = spare;
        spare = undefined;
        return value;
      }
      const radius = Math.sqrt(-2 * Math.log(1 - uniformOf(generator))); // 1 - u lies in (0, 1]
      const angle = 2 * Math.PI * uniformOf(generator);
      spare = radius * Math.sin(angle);
      return radius * Math.cos(angle);
    },
    integer(bound) {
      return Math.floor(uniformOf(generator) * bound);
    },
  };
}

/** The next number of a generator, in [0, 1). */
function uniformOf(generator: ReturnType<typeof xoroshiro128plus>): number {
  return (generator.next() >>> 0) / 2 ** 32;
}

/** A permutation of 0 … count−1 (Fisher–Yates). */
export function permutation(count: number, source: Random): Int32Array {
  const order = Int32Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const other = source.integer(last + 1);
    const kept = order[last]!;
    order[last] = order[other]!;
    order[other] = kept;
  }
  return order;
}

/** FNV-1a with a final avalanche (murmur3's), 32 bits: enough to tell streams apart. */
function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) | 0;
}
