// Random shapes for the cases of operators, and where their numbers lie.
import fc from "fast-check";
import type { Draw } from "./gradient-check.ts";

/** A length of an axis. */
export const length = fc.integer({ min: 1, max: 4 });
/** A shape of some axes. */
export const shapeOf = (minLength: number, maxLength = 4) => fc.array(length, { minLength, maxLength });
/** An axis of a shape of this rank, from the front or from the back. */
export const axisIn = (rank: number) => fc.integer({ min: -rank, max: rank - 1 });

/** Two shapes that broadcast with each other. */
export const stretched = fc
  .tuple(shapeOf(0, 3), fc.array(fc.constantFrom("both", "left", "right"), { minLength: 3, maxLength: 3 }), fc.nat(3))
  .map(([shape, sides, short]) => {
    const left = shape.map((one, axis) => (sides[axis] === "right" ? 1 : one));
    const right = shape.map((one, axis) => (sides[axis] === "left" ? 1 : one));
    return [left, right.slice(Math.min(short, right.length))] as const;
  });

/** Numbers in [-1, 1). */
export const normal = (shape: readonly number[]): Draw => ({ shape });
/** Numbers in [0.5, 2.5). */
export const positive = (shape: readonly number[]): Draw => ({ shape, from: (u) => 1.5 + u });
/** Numbers from low to high. */
export const between =
  (low: number, high: number) =>
  (shape: readonly number[]): Draw => ({ shape, from: (u) => low + ((u + 1) / 2) * (high - low) });
/** Numbers of both signs, away from a kink at 0, where a difference is no derivative. */
export const kinkless = (shape: readonly number[]): Draw => ({ shape, from: (u) => u + Math.sign(u) * 0.2 });
