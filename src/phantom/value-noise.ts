import { random } from "../base/index.ts";

/** Smooth noise in [−1, 1] over space: the same place always gives the same value. */
export type ValueNoise = (x: number, y: number, z: number) => number;

const side = 32; // lattice points along an axis, after which the noise repeats: far more than a head needs
const mask = side - 1;

/** Value noise: random numbers on a lattice of spacing 1, trilinear with smooth steps in between (Perlin 1985). */
export function valueNoise(seed: number, name: string): ValueNoise {
  const source = random(seed, "noise", name);
  const lattice = Float32Array.from({ length: side ** 3 }, () => 2 * source.uniform() - 1);
  return (x, y, z) => {
    const [i, j, k] = [Math.floor(x), Math.floor(y), Math.floor(z)];
    const [u, v, w] = [smooth(x - i), smooth(y - j), smooth(z - k)];
    const [i0, i1] = [i & mask, (i + 1) & mask];
    const [j0, j1] = [(j & mask) * side, ((j + 1) & mask) * side];
    const [k0, k1] = [(k & mask) * side * side, ((k + 1) & mask) * side * side];
    const a = mix(lattice[i0 + j0 + k0]!, lattice[i1 + j0 + k0]!, u);
    const b = mix(lattice[i0 + j1 + k0]!, lattice[i1 + j1 + k0]!, u);
    const c = mix(lattice[i0 + j0 + k1]!, lattice[i1 + j0 + k1]!, u);
    const d = mix(lattice[i0 + j1 + k1]!, lattice[i1 + j1 + k1]!, u);
    return mix(mix(a, b, v), mix(c, d, v), w);
  };
}

const smooth = (t: number) => t * t * (3 - 2 * t);
const mix = (a: number, b: number, t: number) => a + (b - a) * t;
