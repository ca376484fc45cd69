import assert from "node:assert/strict";
import { test } from "node:test";
import { askOracle, without } from "../../test/python.ts";
import { random } from "../base/index.ts";
import type { HuSlice } from "./hounsfield.ts";
import { type Preprocessing, prepareSlice } from "./prepare.ts";
import { orderSeries, type Plane } from "./slice-order.ts";

const scipy = without("python3-scipy", "scipy.ndimage");

const size = 64;
const spacingMm = 3;
const straightened: Preprocessing = { values: "hu", size, fieldOfViewMm: "image", tilt: "straightened" };
const asScanned: Preprocessing = { ...straightened, tilt: "as scanned" };

/** Planes of a gantry tilted by `degrees` while the table moves along z. */
function tiltedPlanes(
  degrees: number,
  count = 21,
): (Plane & { readonly position: readonly [number, number, number] })[] {
  const [cos, sin] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  return Array.from({ length: count }, (_, index) => ({
    sliceId: `s${String(index).padStart(2, "0")}`,
    position: [-96, -96 * cos, 96 * sin + 5 * index] as const,
    orientation: [1, 0, 0, 0, cos, -sin] as const,
    rows: size,
    columns: size,
    pixelSpacing: [spacingMm, spacingMm] as const,
  }));
}

/** What a scanner sees of a rod of 40 HU, 30 mm thick, that stands along the normal of the planes through `through`. */
function sliceOfRod(plane: ReturnType<typeof tiltedPlanes>[number], through: readonly number[]): HuSlice {
  const [rx, ry, rz, cx, cy, cz] = plane.orientation ?? assert.fail();
  const hu = new Int16Array(size * size).fill(-1000);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const at = plane.position.map((mm, axis) => {
        const along = [rx, ry, rz][axis]! * column + [cx, cy, cz][axis]! * row;
        return mm + spacingMm * along - through[axis]!;
      });
      const right = at[0]! * rx + at[1]! * ry + at[2]! * rz;
      const down = at[0]! * cx + at[1]! * cy + at[2]! * cz;
      if (Math.hypot(right, down) < 15) hu[row * size + column] = 40;
    }
  }
  return { kind: "hu", hu, rows: size, columns: size, pixelSpacing: [spacingMm, spacingMm], repaired: "no" };
}

/** Mean row and column of what is no air, weighted by how much it is. */
function centreOf(picture: Int16Array): readonly [row: number, column: number] {
  let [sum, rows, columns] = [0, 0, 0];
  for (const [at, hu] of picture.entries()) {
    sum += hu + 1000;
    rows += (hu + 1000) * Math.floor(at / size);
    columns += (hu + 1000) * (at % size);
  }
  return [rows / sum, columns / sum];
}

for (const degrees of [22, -17.5, 8]) {
  test(`tilt: a rod along the normal of a gantry tilted by ${degrees}° stands in one place when straightened`, () => {
    const { ordered, shiftsMm, remarks } = orderSeries(tiltedPlanes(degrees).toReversed());
    assert.deepEqual(remarks, []);
    const through = [4, 6, 50];
    const centres = (preprocessing: Preprocessing) =>
      ordered.map((plane, index) => centreOf(prepareSlice(sliceOfRod(plane, through), preprocessing, shiftsMm[index])));
    const drift = (places: readonly (readonly [number, number])[], axis: 0 | 1) => {
      const along = places.map((place) => place[axis]);
      return Math.max(...along) - Math.min(...along);
    };
    const [before, after] = [centres(asScanned), centres(straightened)];
    const expected = (100 * Math.abs(Math.sin((degrees * Math.PI) / 180))) / spacingMm; // rows over 20 steps of 5 mm
    assert.ok(Math.abs(drift(before, 0) - expected) < 0.3, `as scanned it drifts by ${drift(before, 0)} rows`);
    assert.ok(drift(after, 0) < 0.3, `straightened by ${drift(after, 0)}`); // the rod's rim is drawn in whole pixels
    assert.ok(drift(after, 1) < 0.1);
  });
}

test("tilt: the middle slice keeps its place, a slice's shift is its step's part along the columns", () => {
  const { shiftsMm } = orderSeries(tiltedPlanes(22, 5));
  const step = 5 * Math.sin((22 * Math.PI) / 180);
  assert.deepEqual(
    shiftsMm.map(([down, right]) => [Number(down.toFixed(3)), right]),
    [-2, -1, 0, 1, 2].map((steps) => [Number((steps * step).toFixed(3)) + 0, 0]),
  );
});

test("tilt: upright series, reformats along their normal and slices without a place are not moved", () => {
  const still = (planes: readonly Plane[]) =>
    orderSeries(planes).shiftsMm.every(([down, right]) => down === 0 && right === 0);
  assert.ok(still(tiltedPlanes(0)));
  const [cos, sin] = [Math.cos(0.4), Math.sin(0.4)];
  const along = tiltedPlanes(0).map((plane, index): Plane => {
    return { ...plane, position: [0, 5 * index * sin, 5 * index * cos], orientation: [1, 0, 0, 0, cos, -sin] };
  });
  assert.ok(still(along));
  assert.ok(still(tiltedPlanes(22).map((plane) => ({ ...plane, position: undefined }))));
  assert.ok(still(tiltedPlanes(22).map((plane) => ({ ...plane, orientation: undefined }))));
  const stray = tiltedPlanes(0).map((plane, index): Plane => {
    return index === 3 ? { ...plane, position: [400, 0, 15] } : plane;
  });
  assert.ok(still(stray), "a place that no head is at is an error of the header");
});

test("tilt: slices of one centre and different sizes stay where they are", () => {
  const zoomed = tiltedPlanes(0).map((plane, index) => {
    if (index < 10) return plane;
    const [x, y, z] = plane.position; // half the spacing around the same centre
    const quarter = (spacingMm * (size - 1)) / 4;
    return {
      ...plane,
      pixelSpacing: [spacingMm / 2, spacingMm / 2] as const,
      position: [x + quarter, y + quarter, z] as const,
    };
  });
  assert.ok(orderSeries(zoomed).shiftsMm.every(([down, right]) => down === 0 && right === 0));
});

test("tilt: straightened slices are those of SciPy's affine transform", { skip: scipy }, () => {
  const { ordered, shiftsMm } = orderSeries(tiltedPlanes(14.5, 9));
  const source = random(3, "tilt");
  const slices = ordered.map((): HuSlice => {
    const hu = Int16Array.from({ length: size * size }, () => source.integer(4000) - 1000);
    return { kind: "hu", hu, rows: size, columns: size, pixelSpacing: [spacingMm, spacingMm], repaired: "no" };
  });
  const ours = slices.map((slice, index) => prepareSlice(slice, straightened, shiftsMm[index]));
  const values = slices.map(({ hu }) =>
    Array.from({ length: size }, (_, row) => [...hu.subarray(row * size, (row + 1) * size)]),
  );
  // The slices' own numbers are what the transform shears by: their shifts differ from it by rounding to 0.001 mm.
  const rowsASlice = -((5 * Math.sin((14.5 * Math.PI) / 180)) / spacingMm);
  const told = JSON.parse(askOracle("scipy_shear.py", [], { values, rowsASlice, middle: 4 })) as number[][][];
  const theirs = told.flat(2);
  const furthest = ours
    .flatMap((picture) => [...picture])
    .reduce((most, value, at) => Math.max(most, Math.abs(value - theirs[at]!)), 0);
  assert.ok(furthest <= 2, `${furthest} HU apart`); // 4,000 HU a pixel · 0.0005 mm / 3 mm, and rounding
});
