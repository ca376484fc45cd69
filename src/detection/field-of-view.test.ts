import assert from "node:assert/strict";
import { test } from "node:test";
import { type HuSlice, prepareSlice } from "../ct/index.ts";
import { type Frame, pixelsOfPlace, viewOf } from "./field-of-view.ts";

const air = -1000;

/** A slice of air with one block of bright pixels. */
function sliceWithBlock(frame: Frame, block: { column: number; row: number; side: number }): HuSlice {
  const hu = new Int16Array(frame.rows * frame.columns).fill(air);
  for (let row = block.row; row < block.row + block.side; row++)
    for (let column = block.column; column < block.column + block.side; column++)
      hu[row * frame.columns + column] = 3000;
  return { kind: "hu", hu, repaired: "no", ...frame };
}

/** Centre of mass of what is brighter than air, as shares of the picture's sides. */
function centreOfMass(picture: Int16Array, size: number): { across: number; down: number } {
  let [mass, across, down] = [0, 0, 0];
  picture.forEach((value, index) => {
    const weight = value - air;
    mass += weight;
    across += weight * ((index % size) + 0.5);
    down += weight * (Math.floor(index / size) + 0.5);
  });
  return { across: across / mass / size, down: down / mass / size };
}

const frames: Readonly<Record<string, Frame>> = {
  "square pixels": { rows: 256, columns: 256, pixelSpacing: [0.8, 0.8] },
  "oblong pixels": { rows: 256, columns: 256, pixelSpacing: [1, 0.5] },
  "a wide slice": { rows: 200, columns: 320, pixelSpacing: [0.9, 0.9] },
  "a tall slice of oblong pixels": { rows: 300, columns: 180, pixelSpacing: [0.6, 0.9] },
  "no spacing": { rows: 240, columns: 256, pixelSpacing: undefined },
};

for (const [name, frame] of Object.entries(frames)) {
  for (const fieldOfViewMm of [160, "image"] as const) {
    test(`view of ${name}, field of view ${fieldOfViewMm}: where prepareSlice puts a block is mapped back to it`, () => {
      const preprocessing = { values: "hu", size: 64, fieldOfViewMm } as const;
      const block = { column: Math.round(frame.columns * 0.55), row: Math.round(frame.rows * 0.4), side: 12 };
      const place = centreOfMass(prepareSlice(sliceWithBlock(frame, block), preprocessing), preprocessing.size);
      const found = pixelsOfPlace(viewOf(frame, preprocessing), place);
      const within = 0.1 * (viewOf(frame, preprocessing).width / preprocessing.size); // averaging moves mass inside a cell
      assert.ok(
        Math.abs(found.column - (block.column + 6)) < within,
        `column ${found.column}, not ${block.column + 6}`,
      );
      assert.ok(Math.abs(found.row - (block.row + 6)) < within, `row ${found.row}, not ${block.row + 6}`);
    });
  }
}
