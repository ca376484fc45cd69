/** How the cells of a frame are laid out, PS3.5 8.1. One sample a pixel. */
export interface PixelLayout {
  readonly rows: number;
  readonly columns: number;
  readonly bitsAllocated: 8 | 16 | 32;
  readonly bitsStored: number;
  readonly highBit: number;
  readonly sign: "signed" | "unsigned";
  readonly where: string;
}
