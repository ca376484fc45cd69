import { openKernel } from "../base/index.ts";
import type { Change } from "./augment.ts";
import { drawNoise, noiseLength } from "./noise.ts";
import { warpWasm } from "./warp.wasm.ts";

/** Slices of one size being changed, in memory of their own that is used again and again. */
export interface Warp {
  /** [slices, size, size]: the slices that can be changed, to be written before an `apply` that names them. */
  readonly slices: Int16Array;
  /**
   * Changes slices, all in the same way, by bilinear interpolation: channel c of `to` [channels, size, size] is slice
   * `channels[c]`. Positions are rounded to 2⁻¹⁵ pixels and weights to 2⁻¹⁵, which sum to 1 exactly, so that a result
   * differs from the exact one by less than 10⁻⁴ of the range of the four pixels around it; where they stand on pixels it
   * is exact. (The cache rounds to whole HU.) Throws where a row would reach over 32767 pixels of the source.
   */
  apply(change: Change, channels: ArrayLike<number>, to: Float32Array): void;
}

/** What a pixel beyond the slice holds: air, or the least stored value of unsigned data. */
export const beyond = { hu: -1000, stored: 0 } as const;

/** Channels of a vector of float32. */
const lanes = 4;

/** Bytes after each array, since loops in the kernel may run over its end. */
const roomBytes = 64;

const mostSize = 8192; // some 2 GiB of the 4 that WebAssembly can have

const mostReach = 32767; // pixels: positions are sums of two numbers of 32 bits with 15 behind the point

/** Makes room for `slices` slices to change. Throws above 8192 × 8192. */
export function openWarp(o: { readonly slices: number; readonly size: number; readonly outside: number }): Warp {
  const { slices, size, outside } = o;
  if (size > mostSize) throw new Error(`slices of ${size} × ${size} instead of at most ${mostSize}`);
  const { functions, memory } = openKernel(warpWasm, ["weave", "warp", "shake"]);
  const pixels = size * size;
  const stride = pixels * 4 + roomBytes;
  const at = layOut({
    slices: slices * pixels * 2,
    image: (size + 3) * (size + 2) * lanes * 2, // a row more, which is read and counts nothing
    work: 5 * (size * 4 + roomBytes),
    planes: lanes * stride,
    noise: (noiseLength + pixels) * 4,
  });
  const buffer = memory(at.end);
  const planes = Array.from(
    { length: lanes },
    (_, lane) => new Float32Array(buffer, at.planes + lane * stride, pixels),
  );
  const addressOf = (slice: number) => at.slices + slice * pixels * 2;
  let hasNoise = false;
  const shake = ({ offsetHu, noiseHu, noiseStart }: Change, lane: number, channel: number) => {
    if (!hasNoise) drawNoise(new Float32Array(buffer, at.noise, noiseLength + pixels));
    hasNoise = true;
    const start = (noiseStart + channel * pixels) % noiseLength;
    functions.shake(at.planes + lane * stride, pixels, offsetHu, at.noise + start * 4, noiseHu);
  };
  return {
    slices: new Int16Array(buffer, at.slices, slices * pixels),
    apply(change, channels, to) {
      if (to.length !== channels.length * pixels) throw new Error(`${to.length} values for ${channels.length} slices`);
      const { affine, offsetHu, noiseHu } = change;
      const reach = (Math.max(Math.abs(affine[0]), Math.abs(affine[3])) + 1) * size;
      if (!(reach <= mostReach)) throw new Error(`a row that reaches over ${reach} pixels instead of ${mostReach}`);
      const last = channels.length - 1;
      for (let first = 0; first <= last; first += lanes) {
        const used = Math.min(lanes, channels.length - first);
        const [p, q, r, s] = [0, 1, 2, 3].map((lane) => addressOf(channels[Math.min(first + lane, last)]!));
        functions.weave(p!, q!, r!, s!, at.image, size, outside);
        functions.warp(at.image, size, at.work, at.planes, stride, used, ...affine);
        for (let lane = 0; lane < used; lane++) {
          if (offsetHu !== 0 || noiseHu > 0) shake(change, lane, first + lane);
          to.set(planes[lane]!, (first + lane) * pixels);
        }
      }
    },
  };
}

/** Addresses of arrays one after the other, with room after each, and where they end. */
function layOut<Name extends string>(bytes: Readonly<Record<Name, number>>): Readonly<Record<Name | "end", number>> {
  let end = 0;
  const at: Record<string, number> = {};
  for (const [name, length] of Object.entries<number>(bytes)) {
    at[name] = end;
    end = Math.ceil((end + length + roomBytes) / 64) * 64; // lines of the processor's cache
  }
  return { ...at, end } as Readonly<Record<Name | "end", number>>;
}
