import { type Bleed, bleedTypes, oedemaHu } from "./bleeds.ts";
import { anyPlace, type Head, locate } from "./head.ts";
import type { Scan } from "./scanner.ts";
import { tissueAt } from "./tissue.ts";

/** A slice before the scanner's noise, and how much of each type of bleed is in it. */
export interface PaintedSlice {
  /** [matrix, matrix] */
  readonly hu: Float32Array;
  /** mm² a type, in the labels' order (five types). */
  readonly areasMm2: readonly number[];
}

/** What is painted: a head, its bleeds, and how it is scanned. */
export interface Scene {
  readonly head: Head;
  readonly bleeds: readonly Bleed[];
  readonly scan: Scan;
}

/** Paints slice `index` of a scene: for each pixel its place in the head, the tissue there, and the blood in it. */
export function paintSlice({ head, bleeds, scan }: Scene, index: number): PaintedSlice {
  const { matrix, pixelSpacingMm, tilt, stepMm, firstMm } = scan;
  const hu = new Float32Array(matrix * matrix).fill(-1000);
  const counts = new Float64Array(bleedTypes.length);
  const height = firstMm + index * stepMm;
  const [sine, cosine] = [Math.sin(head.turn), Math.cos(head.turn)];
  const [leanSine, leanCosine] = [Math.sin(tilt), Math.cos(tilt)];
  const reach = (head.halfLength + 4) ** 2;
  const place = anyPlace();
  for (let row = 0; row < matrix; row++) {
    const down = (row + 0.5 - matrix / 2) * pixelSpacingMm - head.shift[1];
    const back = down * leanCosine; // a tilted plane goes down as it goes back: orientation [1,0,0, 0,cos,−sin]
    place.z = height - down * leanSine;
    for (let column = 0; column < matrix; column++) {
      const across = (column + 0.5 - matrix / 2) * pixelSpacingMm - head.shift[0];
      if (across * across + back * back > reach) continue;
      place.x = across * cosine + back * sine; // the head's turn about its own axis, after the scanner's tilt
      place.y = -across * sine + back * cosine;
      locate(head, place);
      if (place.depth < 0) continue;
      let value = tissueAt(head, place);
      if (place.inside > -1.5) {
        for (const { type, hu: blood, share, oedema } of bleeds) {
          const swollen = oedema?.(place) ?? 0;
          const there = share(place);
          if (swollen > there && value > oedemaHu && value < 60) value += (oedemaHu - value) * (swollen - there) * 0.8;
          if (there <= 0) continue;
          value += (blood * (1 + 0.06 * head.texture(place.x / 3, place.y / 3, place.z / 3)) - value) * there;
          if (there > 0.5) counts[bleedTypes.indexOf(type)]! += 1;
        }
      }
      hu[row * matrix + column] = value;
    }
  }
  return { hu, areasMm2: Array.from(counts, (count) => count * pixelSpacingMm ** 2) };
}
