import fc from "fast-check";
import { shaped } from "../../src/base/index.ts";
import { int, unaryOperators, type Value } from "../../src/onnx/index.ts";
import { between, kinkless, length, normal, positive, shapeOf, stretched } from "../draws.ts";
import type { Draw, OperatorCase } from "../gradient-check.ts";

type Drawn = (shape: readonly number[]) => Draw;

/** Operators of two inputs that broadcast. */
const binary = (row: string, left: Drawn = normal, right: Drawn = left): OperatorCase => ({
  row,
  uses: stretched.map(([a, b]) => ({
    inputs: { a: left(a), b: right(b) },
    write: (g, { a, b }) => g.node(row, [a, b]),
  })),
});

/** Operators of any number of inputs. */
const variadic = (row: string): OperatorCase => ({
  row,
  uses: fc.tuple(stretched, fc.nat(2)).map(([[a, b], more]) => ({
    inputs: {
      a: normal(a),
      b: normal(b),
      ...(more === 0 ? {} : { c: normal(b) }),
      ...(more === 2 ? { d: normal([]) } : {}),
    },
    write: (g, { a, b, c, d }) =>
      g.node(
        row,
        [a, b, c, d].filter((value) => value !== undefined),
      ),
  })),
});

/** Both sides drawn from the same few numbers, so that some are equal. */
const comparison = (row: string): OperatorCase => {
  const few: Drawn = (shape) => ({ shape, from: (u) => Math.round(2 * u) });
  return binary(row, few);
};

const logical = (row: string): OperatorCase => ({
  row,
  uses: stretched.map(([a, b]) => ({
    inputs: { a: normal(a), b: normal(b) },
    write: (g, { a, b }) => g.node(row, [g.node("Greater", [a, g.scalar(0)]), g.node("Greater", [b, g.scalar(0)])]),
  })),
});

/** Questions about one number, asked of some that are infinite or none. */
const question = (row: string): OperatorCase => ({
  row,
  uses: shapeOf(1).map((shape) => ({
    inputs: { x: { shape, from: (u) => (Math.abs(u) < 0.5 ? u / 0 : u > 0.7 ? Number.NaN : u) } },
    write: (g, { x }) => g.node(row, [x]),
  })),
});

/** The widest of these ranges on which an operator is defined is the one that it is tried on. */
const ranges = [
  [-4, 4],
  [-1.2, 1.2],
  [-0.9, 0.9],
  [1.2, 3],
] as const;

/** A case of an operator of one input as it stands: nothing but its row in `evaluations` is needed. */
export function unaryCase(row: string): OperatorCase {
  const f = unaryOperators[row]!;
  const range = ranges.find(([low, high]) =>
    [low, (low + high) / 2 + 0.01, high, 1.571].every((x) => Math.abs(f(x, {})) < 1e3 || x > high),
  );
  const [low, high] = range!;
  return {
    row,
    uses: shapeOf(0).map((shape) => ({
      inputs: { x: between(low, high)(shape) },
      write: (g, { x }) => g.node(row, [x]),
    })),
  };
}

export const cases: readonly OperatorCase[] = [
  ...["Add", "Mul", "Sub"].map((row) => binary(row)),
  binary("Div", normal, positive),
  {
    row: "Mod",
    uses: fc.tuple(stretched, fc.boolean()).map(([[a, b], whole]) => ({
      inputs: { a: between(-9, 9)(a), b: positive(b) },
      write: (g, { a, b }) => {
        const integer = (x: Value | undefined) => g.node("Cast", [x], { to: int(7) });
        const two = g.constant(shaped(BigInt64Array.of(-3n), []));
        return whole ? g.node("Mod", [integer(a), two]) : g.node("Mod", [a, b], { fmod: int(1) });
      },
    })),
  },
  binary("Pow", positive, normal),
  {
    row: "Pow",
    of: "a base of either sign, whole exponents as integers",
    uses: fc.tuple(shapeOf(0), fc.constantFrom(0, 1, 2, 3)).map(([shape, exponent]) => ({
      inputs: { x: kinkless(shape) },
      write: (g, { x }) => g.node("Pow", [x, g.axes([exponent])]),
    })),
  },
  ...["Max", "Min", "Sum", "Mean"].map(variadic),
  ...["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"].map(comparison),
  ...["And", "Or", "Xor"].map(logical),
  ...["IsInf", "IsNaN"].map(question),
  {
    row: "Not",
    uses: shapeOf(0).map((shape) => ({
      inputs: { x: normal(shape) },
      write: (g, { x }) => g.node("Not", [g.node("Less", [x, g.scalar(0)])]),
    })),
  },
  {
    row: "PRelu",
    uses: fc.tuple(length, length, fc.boolean()).map(([channels, width, one]) => ({
      inputs: { x: kinkless([2, channels, width]), slope: normal(one ? [1] : [channels, 1]) },
      write: (g, { x, slope }) => g.node("PRelu", [x, slope]),
    })),
  },
  {
    row: "Clip",
    uses: fc.tuple(shapeOf(0), fc.constantFrom("both", "low", "high", "none")).map(([shape, bounds]) => ({
      inputs: {
        x: normal(shape),
        ...(bounds === "low" || bounds === "both" ? { low: between(-0.5, -0.4)([]) } : {}),
        ...(bounds === "high" || bounds === "both" ? { high: between(0.4, 0.5)([]) } : {}),
      },
      write: (g, { x, low, high }) => g.node("Clip", high === undefined ? [x, low] : [x, low, high]),
    })),
  },
  {
    row: "Where",
    uses: fc.tuple(stretched, fc.boolean()).map(([[a, b], wide]) => ({
      inputs: { a: normal(a), b: normal(b), c: normal(wide ? [2, 1, 1, 1] : []) },
      write: (g, { a, b, c }) => g.node("Where", [g.node("Greater", [c, g.scalar(0)]), a, b]),
    })),
  },
  {
    row: "CumSum",
    uses: shapeOf(1).chain((shape) =>
      fc
        .record({
          axis: fc.integer({ min: -shape.length, max: shape.length - 1 }),
          exclusive: fc.nat(1),
          reverse: fc.nat(1),
        })
        .map(({ axis, exclusive, reverse }) => ({
          inputs: { x: normal(shape) },
          write: (g, { x }) =>
            g.node("CumSum", [x, g.axes([axis])], { exclusive: int(exclusive), reverse: int(reverse) }),
        })),
    ),
  },
];
