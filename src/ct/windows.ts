/** Level and width in HU; [center − width/2, center + width/2] is mapped to [0, 1], the rest is cut. */
export interface Window {
  readonly center: number;
  readonly width: number;
}

/** The windows in which head CT is read, in HU. */
export const windows = {
  brain: { center: 40, width: 80 },
  subdural: { center: 80, width: 200 },
  stroke: { center: 40, width: 40 },
  bone: { center: 600, width: 2800 },
  soft: { center: 40, width: 380 },
} as const satisfies Readonly<Record<string, Window>>;

/** The name of a window. */
export type WindowName = keyof typeof windows;

/**
 * HU through a window to grey values 0 … 255 for display, shape kept. The linear function of PS3.3 C.11.2.1.3.2
 * (LINEAR_EXACT), the same that the networks' first layers compute.
 */
export function applyWindow(hu: Int16Array, { center, width }: Window): Uint8Array {
  const grey = new Uint8Array(hu.length);
  const low = center - width / 2;
  const scale = 255 / width;
  for (let index = 0; index < hu.length; index++) {
    const value = (hu[index]! - low) * scale;
    grey[index] = value <= 0 ? 0 : value >= 255 ? 255 : Math.round(value);
  }
  return grey;
}
