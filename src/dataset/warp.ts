import { openKernel } from "../base/index.ts";
import type { Change } from "./augment.ts";
import { drawNoise, noiseLength } from "./noise.ts";
import { warpWasm } from "./warp.wasm.ts";

/** Slices of one size being changed, in memory of their own that is used again and again. */
export interface Warp {
  /** [slices, size, size]: the slices that can be changed, to be written before an `apply` that names them. */
  readonly slices: Int16Array;
  /** [planes, size, size]: room for results in the same memory. */
  readonly planes: Float32Array;
  /**
   * Changes slices, all in the same way, by bilinear interpolation: channel c of `to` [channels, size, size] is slice
   * `channels[c]`. Positions are rounded to 2⁻¹⁵ pixels and weights to 2⁻¹⁵, which sum to 1 exactly, so that a result
   * differs from the exact one by less than 10⁻⁴ of the range of the four pixels around it; where they stand on pixels it
   * is exact. (The cache rounds to whole HU.) A part of `planes` is written to at once, other memory by a copy; the
   * `slices` stay as they are. Throws where a row would reach over 32767 pixels of the source.
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

/** What a warp has room for, and what lies beyond a slice. */
export interface WarpRoom {
  readonly slices: number;
  /** Results that it keeps; none unless given. */
  readonly planes?: number;
  readonly size: number;
  readonly outside: number;
}

/** Makes room for slices to change. Throws above 8192 × 8192. */
export function openWarp({ slices, planes: kept = 0, size, outside }: WarpRoom): Warp {
  if (size > mostSize) throw new Error(`slices of ${size} × ${size} instead of at most ${mostSize}`);
  const { functions, memory } = openKernel(warpWasm, ["weave", "warp", "shake"]);
  const pixels = size * size;
  const stride = pixels * 4 + roomBytes;
  const at = layOut({
    slices: slices * pixels * 2,
    image: (size + 3) * (size + 2) * lanes * 2, // a row more, which is read and counts nothing
    work: 5 * (size * 4 + roomBytes),
    lanes: lanes * stride,
    noise: (noiseLength + pixels) * 4,
    planes: kept * pixels * 4,
  });
  const buffer = memory(at.end);
  const results = Array.from(
    { length: lanes },
    (_, lane) => new Float32Array(buffer, at.lanes + lane * stride, pixels),
  );
  const addressOf = (slice: number) => at.slices + slice * pixels * 2;
  let hasNoise = false;
  const shake = ({ offsetHu, noiseHu, noiseStart }: Change, address: number, channel: number) => {
    if (!hasNoise) drawNoise(new Float32Array(buffer, at.noise, noiseLength + pixels));
    hasNoise = true;
    const start = (noiseStart + channel * pixels) % noiseLength;
    functions.shake(address, pixels, offsetHu, at.noise + start * 4, noiseHu);
  };
  return {
    slices: new Int16Array(buffer, at.slices, slices * pixels),
    planes: new Float32Array(buffer, at.planes, kept * pixels),
    apply(change, channels, to) {
      if (to.length !== channels.length * pixels) throw new Error(`${to.length} values for ${channels.length} slices`);
      const { affine, offsetHu, noiseHu } = change;
      const reach = (Math.max(Math.abs(affine[0]), Math.abs(affine[3])) + 1) * size;
      if (!(reach <= mostReach)) throw new Error(`a row that reaches over ${reach} pixels instead of ${mostReach}`);
      const last = channels.length - 1;
      // Loops take four pixels at a time: only rows of a multiple of them end where the next ones begin.
      const isInPlace = to.buffer === buffer && size % 4 === 0;
      for (let first = 0; first <= last; first += lanes) {
        const used = Math.min(lanes, channels.length - first);
        const [p, q, r, s] = [0, 1, 2, 3].map((lane) => addressOf(channels[Math.min(first + lane, last)]!));
        functions.weave(p!, q!, r!, s!, at.image, size, outside);
        const [start, pitch] = isInPlace ? [to.byteOffset + first * pixels * 4, pixels * 4] : [at.lanes, stride];
        functions.warp(at.image, size, at.work, start, pitch, used, ...affine);
        for (let lane = 0; lane < used; lane++) {
          if (offsetHu !== 0 || noiseHu > 0) shake(change, start + lane * pitch, first + lane);
          if (!isInPlace) to.set(results[lane]!, (first + lane) * pixels);
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
