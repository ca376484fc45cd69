import type { Picture } from "./png.ts";

/** Where in a slice a label comes from: [rows, columns] row-major, in logits, over the network's picture. */
export interface EvidenceMap {
  readonly data: Float32Array;
  readonly rows: number;
  readonly columns: number;
  /** Rows and columns of the network's picture. */
  readonly inputSize: number;
}

/**
 * Colours of rising evidence: dark red to pale yellow, in lightness too, so that they survive a grey print. Between the
 * stops they are mixed.
 */
export const evidenceColours: readonly (readonly [red: number, green: number, blue: number])[] = [
  [122, 4, 32],
  [204, 32, 32],
  [240, 96, 32],
  [253, 174, 72],
  [255, 240, 160],
];

/** The head stays visible under the strongest evidence. */
const strongestBlend = 0.6;

/**
 * A grey picture with an evidence map over it. No evidence, or evidence against the label, leaves the grey alone; from
 * there colour and cover rise evenly up to `full` logits.
 */
export function overlayEvidence(grey: Picture, map: EvidenceMap, full: number): Picture {
  const { rows, columns } = grey;
  const pixels = new Uint8Array(rows * columns * 3);
  for (let row = 0; row < rows; row++) {
    const down = cellAt({ place: (row + 0.5) / rows, cells: map.rows, inputSize: map.inputSize });
    for (let column = 0; column < columns; column++) {
      const across = cellAt({ place: (column + 0.5) / columns, cells: map.columns, inputSize: map.inputSize });
      const share = Math.min(1, Math.max(0, between(map, down, across) / full));
      const colour = colourOf(share);
      const at = row * columns + column;
      const under = grey.pixels[at]!;
      const cover = strongestBlend * Math.min(1, 2 * share); // half of full evidence covers fully, then only colour rises
      for (let sample = 0; sample < 3; sample++) {
        pixels[at * 3 + sample] = Math.round(under + cover * (colour[sample]! - under));
      }
    }
  }
  return { kind: "rgb", pixels, rows, columns };
}

/** Largest value of a map. */
export function peakOf(map: EvidenceMap): number {
  return map.data.reduce((most, value) => Math.max(most, value), 0);
}

/**
 * The cell coordinate of a place in the picture (0 … 1). A cell c of stride s is centred on pixel c·s of the network's
 * picture, not on the middle of its stride (see the evidence of `detection`).
 */
function cellAt({
  place,
  cells,
  inputSize,
}: {
  readonly place: number;
  readonly cells: number;
  readonly inputSize: number;
}): number {
  const pixel = place * inputSize - 0.5;
  return Math.min(cells - 1, Math.max(0, (pixel * cells) / inputSize));
}

/** The map between its cells: bilinear. */
function between({ data, rows, columns }: EvidenceMap, down: number, across: number): number {
  const [top, left] = [Math.floor(down), Math.floor(across)];
  const [bottom, right] = [Math.min(rows - 1, top + 1), Math.min(columns - 1, left + 1)];
  const [low, far] = [down - top, across - left];
  const upper = data[top * columns + left]! * (1 - far) + data[top * columns + right]! * far;
  const lower = data[bottom * columns + left]! * (1 - far) + data[bottom * columns + right]! * far;
  return upper * (1 - low) + lower * low;
}

function colourOf(share: number): readonly [number, number, number] {
  const place = share * (evidenceColours.length - 1);
  const stop = Math.min(evidenceColours.length - 2, Math.floor(place));
  const [from, to] = [evidenceColours[stop]!, evidenceColours[stop + 1]!];
  const mixed = from.map((value, sample) => value + (place - stop) * (to[sample]! - value));
  return [mixed[0]!, mixed[1]!, mixed[2]!];
}
