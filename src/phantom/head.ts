import { type Random, random } from "../base/index.ts";
import { type ValueNoise, valueNoise } from "./value-noise.ts";

/** What makes one simulated head unlike another. Lengths in mm. */
export interface Head {
  /** Half axes of the scalp at its widest: to the side, to the front and back; height of the vertex above the base. */
  readonly halfWidth: number;
  readonly halfLength: number;
  readonly height: number;
  readonly scalp: number;
  readonly skull: number;
  /** Widening of sulci and ventricles with age: 1 is young. */
  readonly atrophy: number;
  /** Left ventricle's size over the right one's. */
  readonly asymmetry: number;
  /** Head in the scanner: turn in the plane (radians), shift to the side and back. */
  readonly turn: number;
  readonly shift: readonly [x: number, y: number];
  /** Which harmless calcifications there are, HU; 0 is none. */
  readonly choroidHu: number;
  readonly pinealHu: number;
  readonly folds: ValueNoise;
  readonly texture: ValueNoise;
}

/** Uniform between two bounds. */
export const between = (source: Random, low: number, high: number): number => low + (high - low) * source.uniform();

/** Draws a head. Sizes from adults' CT (head breadth 140–165 mm, length 175–205 mm). */
export function drawHead(seed: number): Head {
  const source = random(seed, "head");
  const halfWidth = between(source, 70, 82);
  return {
    halfWidth,
    halfLength: halfWidth * between(source, 1.18, 1.32),
    height: between(source, 122, 140),
    scalp: between(source, 4, 8),
    skull: between(source, 5.5, 8.5),
    atrophy: between(source, 0.8, 1.7),
    asymmetry: between(source, 0.85, 1.15),
    turn: between(source, -0.15, 0.15),
    shift: [between(source, -8, 8), between(source, -10, 10)],
    choroidHu: source.uniform() < 0.5 ? between(source, 80, 260) : 0,
    pinealHu: source.uniform() < 0.5 ? between(source, 80, 260) : 0,
    folds: valueNoise(seed, "folds"),
    texture: valueNoise(seed, "texture"),
  };
}

/** Where a point of a head lies, filled in place since it is asked for every pixel. Lengths in mm. */
export interface Place {
  /** To the left, to the back, to the vertex; the middle of the skull base is the origin. */
  x: number;
  y: number;
  z: number;
  /** Below the scalp's surface, in the plane of the slice; negative outside the head. */
  depth: number;
  /** Below the inner table. */
  inside: number;
  /** Along the inner table from the front, to either side. */
  angle: number;
  /** Radius of the inner table in this direction. */
  radius: number;
  /** Distance to the lateral ventricles' wall; negative within. */
  ventricle: number;
  /** 0 … 1: how much of a sulcus, fissure or cistern there is. */
  sulcus: number;
}

/** A place to be filled. */
export const anyPlace = (): Place => ({
  x: 0,
  y: 0,
  z: 0,
  depth: 0,
  inside: 0,
  angle: 0,
  radius: 0,
  ventricle: 0,
  sulcus: 0,
});

/** How wide the head is at a height, as a share of its widest. */
function profile(head: Head, z: number): number {
  const equator = 45;
  const up = (z - equator) / (head.height - equator);
  if (up > 0) return Math.sqrt(Math.max(0, 1 - up ** 2.4));
  const down = (equator - z) / equator;
  return 1 - 0.13 * Math.min(2, down) ** 2;
}

/** Fills in the geometry of a point. */
export function locate(head: Head, place: Place): Place {
  const { x, y, z } = place;
  const rho = Math.hypot(x, y);
  place.angle = Math.atan2(x, -y); // 0 is the front, ±π the back
  const [sine, cosine] = rho === 0 ? [0, 1] : [x / rho, y / rho];
  const ellipse = (head.halfWidth * head.halfLength) / Math.hypot(head.halfLength * sine, head.halfWidth * cosine);
  const surface = ellipse * profile(head, z);
  place.depth = surface - rho;
  place.radius = surface - head.scalp - head.skull;
  place.inside = place.radius - rho;
  if (place.inside <= 0) return place;
  place.ventricle = ventricleDistance(head, place);
  place.sulcus = sulcusShare(head, place);
  return place;
}

type Point = readonly [x: number, y: number, z: number];
/** The lateral ventricle as a chain of tubes: from, to, radius. Coordinates of a textbook's atlas, rounded. */
const ventricleTubes: readonly (readonly [Point, Point, number])[] = [
  [[5, -34, 54], [9, -8, 64], 5.5],
  [[9, -8, 66], [14, 22, 67], 6],
  [[14, 22, 64], [25, 38, 54], 7.5],
  [[25, 38, 54], [21, 60, 51], 4.5],
  [[26, 34, 48], [31, 4, 32], 2.5],
];

function ventricleDistance(head: Head, { x, y, z }: Place): number {
  if (z < 22 || z > 84) return 99;
  const width = head.atrophy * (x > 0 ? head.asymmetry : 1);
  const side = Math.abs(x);
  let nearest = Number.POSITIVE_INFINITY;
  for (const [from, to, radius] of ventricleTubes) {
    nearest = Math.min(nearest, tubeDistance(side, y, z, from, to) - radius * (0.45 + 0.55 * width));
  }
  return nearest;
}

function tubeDistance(x: number, y: number, z: number, [ax, ay, az]: Point, [bx, by, bz]: Point): number {
  const [dx, dy, dz] = [bx - ax, by - ay, bz - az];
  const [px, py, pz] = [x - ax, y - ay, z - az];
  const t = Math.min(1, Math.max(0, (px * dx + py * dy + pz * dz) / (dx * dx + dy * dy + dz * dz)));
  return Math.hypot(px - t * dx, py - t * dy, pz - t * dz);
}

/** Sulci (folds of noise near the surface), the sylvian fissures, the fissure between the hemispheres, the basal cisterns. */
function sulcusShare(head: Head, { x, y, z, inside }: Place): number {
  const side = Math.abs(x);
  let share = 0;
  if (inside < 20) {
    const fold = Math.abs(head.folds(x / 11, y / 11, z / 14));
    const width = (0.05 + 0.07 * head.atrophy) * (1 - inside / 24);
    share = Math.max(share, Math.min(1, Math.max(0, (width - fold) / 0.05 + 0.5)));
  }
  if (inside < 1.2 * head.atrophy) share = 1;
  const fissure = Math.abs(y + 14 + 0.35 * (side - 45)); // sylvian: runs back and inwards
  if (z > 32 && z < 66 && side > 30 && inside < 34) share = Math.max(share, soft(1.1 * head.atrophy + 0.6 - fissure));
  if (z > 38 && (Math.abs(y) > 38 || z > 82)) share = Math.max(share, soft(0.9 * head.atrophy - side));
  if (z > 20 && z < 40) {
    const star = Math.hypot(x, y + 8) - 9; // suprasellar
    const ambient = Math.abs(Math.hypot(x, y - 20) - 17) - 1.6; // around the brainstem
    share = Math.max(share, soft(-star), z > 26 ? soft(-ambient) : 0);
  }
  return share;
}

/** A soft edge of 1 mm at 0. */
const soft = (mm: number) => Math.min(1, Math.max(0, mm + 0.5));
