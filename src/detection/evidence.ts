import type { Label } from "../labels/index.ts";
import { pixelsOfPlace, type View } from "./field-of-view.ts";
import type { Box, Evidence } from "./findings.ts";

/** The evidence map of one label in one slice: [rows, columns] row-major, in logits; its mean is the slice's logit. */
export interface EvidenceMap {
  readonly data: Float32Array;
  readonly rows: number;
  readonly columns: number;
}

/** Share of the peak above which a cell counts as evidence: half maximum, as the extent of a peak is usually given. */
const peakShare = 0.5;

/** Boxes a label: beyond the heaviest few, regions are noise of the map. */
const boxLimit = 3;

/**
 * Where a positive label comes from: the map's peak, and boxes around the connected regions of at least half of it, the
 * heaviest first. `undefined` where no cell speaks for the label (a map without positive values has no peak to halve).
 */
export function findEvidence(label: Label, map: EvidenceMap, view: View): Evidence | undefined {
  let peakAt = 0;
  for (let cell = 1; cell < map.data.length; cell++) if (map.data[cell]! > map.data[peakAt]!) peakAt = cell;
  const peak = map.data[peakAt] ?? 0;
  if (!(peak > 0)) return undefined;
  const { size } = view;
  const at = { column: peakAt % map.columns, row: Math.floor(peakAt / map.columns), offset: 0.5, size };
  const centre = pixelsOfPlace(view, place(map, at));
  const boxes = regions(map, peak * peakShare)
    .sort((one, other) => other.weight - one.weight)
    .flatMap((region) => boxOfRegion(map, region, view))
    .slice(0, boxLimit);
  return { label, boxes, peak: { column: tenths(centre.column), row: tenths(centre.row), logit: peak } };
}

interface Region {
  /** Sum of the map over the region. */
  readonly weight: number;
  /** Cells, inclusive. */
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Connected regions (neighbours at edges and corners) of the cells that are at least `threshold`. */
function regions({ data, rows, columns }: EvidenceMap, threshold: number): Region[] {
  const seen = new Uint8Array(data.length);
  const found: Region[] = [];
  for (let start = 0; start < data.length; start++) {
    if (seen[start] === 1 || data[start]! < threshold) continue;
    const waiting = [start];
    seen[start] = 1;
    let [weight, left, top, right, bottom] = [0, columns, rows, -1, -1];
    for (let cell = waiting.pop(); cell !== undefined; cell = waiting.pop()) {
      const [column, row] = [cell % columns, Math.floor(cell / columns)];
      weight += data[cell]!;
      [left, right] = [Math.min(left, column), Math.max(right, column)];
      [top, bottom] = [Math.min(top, row), Math.max(bottom, row)];
      for (let y = Math.max(0, row - 1); y <= Math.min(rows - 1, row + 1); y++)
        for (let x = Math.max(0, column - 1); x <= Math.min(columns - 1, column + 1); x++) {
          const neighbour = y * columns + x;
          if (seen[neighbour] === 1 || data[neighbour]! < threshold) continue;
          seen[neighbour] = 1;
          waiting.push(neighbour);
        }
    }
    found.push({ weight, left, top, right, bottom });
  }
  return found;
}

/** A region's box in pixels of the stored slice; none where the region lies wholly beside the slice. */
function boxOfRegion(map: EvidenceMap, region: Region, view: View): readonly Box[] {
  const start = pixelsOfPlace(view, place(map, { column: region.left, row: region.top, offset: 0, size: view.size }));
  const end = pixelsOfPlace(view, place(map, { column: region.right, row: region.bottom, offset: 1, size: view.size }));
  const box = {
    left: Math.max(0, Math.floor(start.column)),
    top: Math.max(0, Math.floor(start.row)),
    right: Math.min(view.columns, Math.ceil(end.column)),
    bottom: Math.min(view.rows, Math.ceil(end.row)),
  };
  return box.left < box.right && box.top < box.bottom ? [box] : [];
}

/**
 * A point of a cell (`offset` 0: its upper left corner, 1: its lower right one) as shares of the network's picture.
 * The networks halve by 3×3 convolutions of stride 2 with a padding of 1, whose output i is centred on input pixel 2·i;
 * so a cell c of stride s is centred on pixel c·s, at (c·s + ½)/size, and not on the middle of its stride: without this,
 * every box of the 8×8 map would lie 14 mm too far to the right and below (a test measures it on a network).
 */
function place({ rows, columns }: EvidenceMap, { column, row, offset, size }: CellPoint) {
  const half = 0.5 / size;
  return { across: (column + offset - 0.5) / columns + half, down: (row + offset - 0.5) / rows + half };
}

interface CellPoint {
  readonly column: number;
  readonly row: number;
  readonly offset: number;
  /** Rows and columns of the network's picture. */
  readonly size: number;
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}
