import { type Random, random } from "../base/index.ts";
import type { Label } from "../labels/index.ts";
import { between, type Head, type Place } from "./head.ts";

/** The five types of bleed. */
export type BleedType = Exclude<Label, "any">;

/** A bleed in a head. */
export interface Bleed {
  readonly type: BleedType;
  /** HU of the blood. */
  readonly hu: number;
  /** Share of blood at a place, 0 … 1. */
  readonly share: (place: Place) => number;
  /** Share of swelling around it, 0 … 1. */
  readonly oedema?: (place: Place) => number;
}

/** HU of swollen tissue around a bleed. */
export const oedemaHu = 20;

interface BleedRow {
  /** Relative frequency of the type among studies with a bleed, from the competition's slice counts. */
  readonly weight: number;
  readonly draw: (source: Random, head: Head) => Pick<Bleed, "share" | "oedema">;
}

const side = (source: Random) => (source.uniform() < 0.5 ? -1 : 1);

/** Soft edges of about 1.5 mm: clots have none, the slice's thickness and the scanner's blur make them. */
const edge = (mm: number) => Math.min(1, Math.max(0, mm / 1.5 + 0.5));

/** Angle from `to` to `from` around the head, −π … π. */
const turn = (from: number, to: number) => Math.atan2(Math.sin(from - to), Math.cos(from - to));

/** One row a type: where it lies and what shape it has. */
export const bleeds: Readonly<Record<BleedType, BleedRow>> = {
  // A lens between inner table and dura, mostly temporal or parietal; sutures end it, so it is short and thick.
  epidural: {
    weight: 0.1,
    draw(source) {
      const at = side(source) * between(source, 1.1, 2.2);
      const [height, arc, rise] = [between(source, 42, 78), between(source, 22, 38), between(source, 16, 30)];
      const thick = between(source, 9, 24);
      return {
        share: ({ inside, angle, radius, z }) => {
          const along = (turn(angle, at) * radius) / arc;
          const thickness = thick * (1 - along ** 2 - ((z - height) / rise) ** 2);
          return edge(Math.min(thickness - inside, inside + 1));
        },
      };
    },
  },
  // Irregular and round, in the deep nuclei or a lobe, with a thin dark rim.
  intraparenchymal: {
    weight: 0.32,
    draw(source, head) {
      const deep = source.uniform() < 0.5;
      const x = side(source) * (deep ? between(source, 16, 28) : between(source, 24, 42));
      const y = deep ? between(source, -10, 18) : between(source, -48, 52);
      const z = deep ? between(source, 44, 58) : between(source, 48, 88);
      const [a, b, c] = [between(source, 7, 19), between(source, 8, 24), between(source, 8, 18)];
      const away = (place: Place) =>
        (Math.hypot((place.x - x) / a, (place.y - y) / b, (place.z - z) / c) - 1) * Math.min(a, b, c) +
        3.5 * head.folds(place.x / 9 + 20, place.y / 9, place.z / 9);
      const rim = between(source, 2, 5);
      return {
        share: (place) => (place.inside > 2 ? edge(-away(place)) : 0),
        oedema: (place) => (place.inside > 2 ? edge(rim - away(place)) : 0),
      };
    },
  },
  // Blood in the ventricles sinks to the back, where it layers; a large bleed fills a horn.
  intraventricular: {
    weight: 0.24,
    draw(source) {
      const level = between(source, -30, 48);
      const [left, right] = source.uniform() < 0.5 ? [1, 1] : source.uniform() < 0.5 ? [1, 0.15] : [0.15, 1];
      return {
        share: ({ ventricle, y, x }) => {
          if (ventricle > 2) return 0;
          const full = x > 0 ? left : right;
          return edge(Math.min(-ventricle + 0.4, y - (full === 1 ? level : level + 40)));
        },
      };
    },
  },
  // Where the fluid is: basal cisterns and sylvian fissures from an aneurysm, or a patch of sulci after a blow.
  subarachnoid: {
    weight: 0.32,
    draw(source) {
      const basal = source.uniform() < 0.5;
      const at = side(source) * between(source, 0.4, 2.6);
      const [height, arc] = [between(source, 48, 90), between(source, 0.5, 1)];
      return {
        share: ({ sulcus, angle, z, inside }) => {
          const there = basal
            ? edge((66 - z) / 3)
            : edge((arc - Math.abs(turn(angle, at))) * 20) * edge((26 - Math.abs(z - height)) / 2);
          return inside > 0.4 ? Math.min(1, 1.35 * sulcus) * there : 0;
        },
      };
    },
  },
  // A crescent over a hemisphere, crossing sutures; sometimes along the falx.
  subdural: {
    weight: 0.42,
    draw(source) {
      const hemisphere = side(source);
      const thick = between(source, 4, 13);
      if (source.uniform() < 0.2) {
        const width = thick / 2.2;
        return {
          share: ({ x, y, z, inside }) =>
            z > 50 && (Math.abs(y) > 34 || z > 84) && inside > 1
              ? edge(Math.min(hemisphere * x, width - hemisphere * x))
              : 0,
        };
      }
      const at = hemisphere * between(source, 1.2, 1.9);
      const [height, rise, arc] = [between(source, 62, 78), between(source, 34, 50), between(source, 1, 1.45)];
      return {
        share: ({ inside, angle, z }) => {
          const along = Math.abs(turn(angle, at)) / arc;
          const up = Math.abs(z - height) / rise;
          const thickness = thick * (1 - along ** 4) * (1 - up ** 4);
          return along < 1 && up < 1 ? edge(Math.min(thickness - inside, inside + 1)) : 0;
        },
      };
    },
  },
};

/** The types in the labels' order. */
export const bleedTypes = Object.keys(bleeds) as readonly BleedType[];

/** Share of studies with a bleed, as in the competition (8,876 of 21,736 exams). */
const positiveShare = 0.41;

/** Chance of a second and a third type beside the first: about a third of the competition's positive slices have two. */
const furtherShares = [0.4, 0.25];

/** Draws the bleeds of a study: none, or one to three types. */
export function drawBleeds(seed: number, head: Head): readonly Bleed[] {
  const source = random(seed, "bleeds");
  if (source.uniform() >= positiveShare) return [];
  const left = new Set(bleedTypes);
  const drawn: Bleed[] = [];
  do {
    const type = pick(source, [...left]);
    left.delete(type);
    drawn.push({ type, hu: between(source, 55, 85), ...bleeds[type].draw(source, head) });
  } while (source.uniform() < (furtherShares[drawn.length - 1] ?? 0));
  return drawn;
}

/** One of the types, by weight. */
function pick(source: Random, types: readonly BleedType[]): BleedType {
  let left = source.uniform() * types.reduce((sum, type) => sum + bleeds[type].weight, 0);
  for (const type of types) {
    left -= bleeds[type].weight;
    if (left < 0) return type;
  }
  return types.at(-1)!;
}
