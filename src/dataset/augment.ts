/** Random changes of a slice in training. The neighbours of a slice get the same ones. */
export interface Augmentation {
  /** Probability of a left-right flip. */
  readonly flip: number;
  /** Rotation, uniform in ± this, degrees. */
  readonly rotateDegrees: number;
  /** Size, log-uniform in 1 / (1 + scale) … 1 + scale; 0.1 is ±10 %. */
  readonly scale: number;
  /** Shift along each axis, uniform in ± this, pixels at the training resolution. */
  readonly shiftPixels: number;
  /** Standard deviation of white noise on each pixel, HU. */
  readonly noiseHu?: number;
  /** Standard deviation of one offset on the whole slice and its neighbours, HU. */
  readonly offsetHu?: number;
}
