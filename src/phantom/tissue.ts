import type { Head, Place } from "./head.ts";

/** HU of what a head is made of, the middle of what CT textbooks give. */
export const tissueHu = {
  air: -1000,
  skin: 40,
  fat: -75,
  outerTable: 1250,
  diploe: 520,
  innerTable: 1350,
  petrous: 1500,
  csf: 7,
  greyMatter: 38,
  whiteMatter: 29,
  deepNuclei: 36,
  cerebellum: 36,
  brainstem: 32,
  dura: 56,
  vitreous: 9,
} as const;

/** HU of a point of a head without bleeds; `locate` has filled the place in. */
export function tissueAt(head: Head, place: Place): number {
  const { depth, inside, z } = place;
  if (depth < 0) return tissueHu.air;
  if (z < 14) {
    const face = faceAt(head, place);
    if (face !== undefined) return face;
  }
  if (depth < 1.8) return tissueHu.skin;
  if (depth < head.scalp) return tissueHu.fat + 20 * head.texture(place.x / 4, place.y / 4, z / 4);
  if (inside < 0) return skullAt(head, depth - head.scalp);
  if (z < 24) {
    const base = baseAt(head, place);
    if (base !== undefined) return base;
  }
  return brainAt(head, place);
}

function skullAt(head: Head, into: number): number {
  const table = Math.min(2, head.skull / 3.2);
  if (into < table) return tissueHu.outerTable;
  if (into > head.skull - table) return tissueHu.innerTable;
  return tissueHu.diploe;
}

/** Orbits, nose and the air cells between them, in the lowest slices. */
function faceAt(head: Head, { x, y, z, depth }: Place): number | undefined {
  const side = Math.abs(x);
  const front = -head.halfLength + head.scalp;
  const eye = Math.hypot(side - 32, y - (front + 22), (z - 4) * 1.1);
  if (eye < 12.5) return eye > 11 ? tissueHu.skin : tissueHu.vitreous;
  if (eye < 19 && y < front + 42) return tissueHu.fat;
  if (side < 16 && y < front + 46 && y > front + 6 && depth > 6) {
    return Math.abs(head.folds(x / 7, y / 7, z / 9)) < 0.12 ? 600 : tissueHu.air;
  }
  return undefined;
}

/** The petrous bones with the mastoid's air cells, and the floor of the skull. */
function baseAt(head: Head, { x, y, z, inside }: Place): number | undefined {
  const side = Math.abs(x);
  const ridge = Math.abs((y - 8 - 0.45 * (side - 15)) * 0.9) - (5 + (24 - z) * 0.45);
  if (side > 14 && ridge < 0 && z < 21) {
    const cells = side > 42 && head.texture(x / 3, y / 3, z / 4) > 0.15;
    return cells ? -700 : tissueHu.petrous;
  }
  if (z < 6 && (inside < 9 || y < 0)) return 350 + 450 * head.texture(x / 8, y / 8, z / 8);
  if (Math.hypot(x, y + 10) < 8 && z < 18) return z < 12 ? 500 : tissueHu.csf; // sella
  return undefined;
}

function brainAt(head: Head, place: Place): number {
  const { x, y, z, inside, ventricle, sulcus } = place;
  const side = Math.abs(x);
  const falx = z > 40 && (Math.abs(y) > 40 || z > 84) && side < 0.9;
  if (falx || (inside < 0.9 && z > 10)) return tissueHu.dura;
  if (Math.hypot(x, y - 26, z - 46) < 2.6 && head.pinealHu > 0) return head.pinealHu;
  if (Math.hypot(side - 22, y - 38, (z - 55) / 1.5) < 3 && head.choroidHu > 0) return head.choroidHu;
  if (ventricle < 0) return tissueHu.csf;
  if (side < 1.3 * head.atrophy && y > -14 && y < 14 && z > 34 && z < 54) return tissueHu.csf; // third ventricle
  if (Math.hypot(x / 8, (y - 40) / 6, (z - 18) / 8) < 1) return tissueHu.csf; // fourth ventricle
  const tentorium = z - (33 + 0.12 * side + 0.2 * (y - 40));
  if (y > 24 && Math.abs(tentorium) < 1 && side > 6) return tissueHu.dura;
  const solid = solidAt(head, place, tentorium);
  return solid + (tissueHu.csf - solid) * sulcus;
}

/** Grey matter near the surface and the sulci, white matter below, deep nuclei, and what lies under the tentorium. */
function solidAt(head: Head, { x, y, z, inside, sulcus }: Place, tentorium: number): number {
  const side = Math.abs(x);
  if (Math.hypot(x, y - 20) < 14 && z < 38) return tissueHu.brainstem;
  if (y > 18 && tentorium < 0) return tissueHu.cerebellum + 3 * head.folds(x / 3, y / 5, z / 3);
  const caudate = Math.hypot((side - 22) / 8, (y + 4) / 17, (z - 50) / 13);
  const thalamus = Math.hypot((side - 10) / 8, (y - 16) / 12, (z - 49) / 10);
  if (Math.min(caudate, thalamus) < 1) return tissueHu.deepNuclei;
  const cortex = 4.5 + 2.5 * head.folds(x / 8 + 9, y / 8, z / 9) + 5 * sulcus;
  const near = Math.abs(head.folds(x / 11, y / 11, z / 14)) < 0.22 && inside < 18;
  const grey = inside < cortex || near;
  return (grey ? tissueHu.greyMatter : tissueHu.whiteMatter) + 1.2 * head.texture(x / 6, y / 6, z / 6);
}
