import { openKernel } from "../base/index.ts";
import type { Change } from "./augment.ts";
import { drawNoise, noiseLength } from "./noise.ts";
import { warpWasm } from "./warp.wasm.ts";

/** Slices of one size being changed, in memory of their own that is used again and again. */
export interface Warp {
  /** [slices, size, size]: the slices to change, to be written before each `apply`. */
  readonly slices: Int16Array;
  /**
   * Changes slices, all in the same way, by bilinear interpolation: channel c of `to` [channels, size, size] is slice
   * `channels[c]`. Positions are rounded to 2⁻²⁰ pixels and values to float32, so that results differ from exact ones
   * by less than 10⁻⁵ of the values' range.
   */
  apply(change: Change, channels: readonly number[], to: Float32Array): void;
}

/** What a pixel beyond the slice holds: air, or the least stored value of unsigned data. */
export const beyond = { hu: -1000, stored: 0 } as const;

/** Channels of a vector of float32. */
const lanes = 4;

/** Bytes after each array, since loops in the kernel may run over its end. */
const roomBytes = 64;

const mostSize = 2046; // positions are held in 32 bits with 20 behind the point, from −2048 to 2048

/** Makes room for changing `slices` slices at once. Throws above 2046 × 2046. */
export function openWarp(o: { readonly slices: number; readonly size: number; readonly outside: number }): Warp {
  const { slices, size, outside } = o;
  if (size > mostSize) throw new Error(`slices of ${size} × ${size} instead of at most ${mostSize}`);
  const { functions, memory } = openKernel(warpWasm, ["weave", "warp", "shake"]);
  const pixels = size * size;
  const stride = pixels * 4 + roomBytes;
  const at = layOut({
    slices: slices * pixels * 2,
    image: (size + 4) ** 2 * lanes * 4,
    work: 8 * (size * 4 + roomBytes),
    planes: lanes * stride,
    noise: (noiseLength + pixels) * 4,
  });
  const buffer = memory(at.end);
  const planes = Array.from(
    { length: lanes },
    (_, lane) => new Float32Array(buffer, at.planes + lane * stride, pixels),
  );
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
      for (let first = 0; first < channels.length; first += lanes) {
        const used = Math.min(lanes, channels.length - first);
        const [p = 0, q = p, r = p, s = p] = channels
          .slice(first, first + used)
          .map((slice) => at.slices + slice * pixels * 2);
        functions.weave(p, q, r, s, at.image, size, outside);
        functions.warp(at.image, size, at.work, at.planes, stride, used, ...change.affine);
        for (let lane = 0; lane < used; lane++) {
          if (change.offsetHu !== 0 || change.noiseHu > 0) shake(change, lane, first + lane);
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
