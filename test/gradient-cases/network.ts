import fc from "fast-check";
import { int, type Value } from "../../src/onnx/index.ts";
import { normal } from "../draws.ts";
import type { OperatorCase } from "../gradient-check.ts";

const smooth = ["Tanh", "Sigmoid", "Sin", "Softplus", "Mish", "Neg", "Softmax"];
const joining = ["Add", "Sub", "Mul", "Sum", "Mean"];

/** One node of a random graph: its operator, and which of the values so far it reads. */
const step = fc.record({ op: fc.constantFrom(...smooth, ...joining), first: fc.nat(100), second: fc.nat(100) });

/**
 * Random graphs of eight nodes over values of one shape: values that several nodes read gather their gradients, what is
 * read by none gets none, and an input may be read twice by one node.
 */
const graphs: OperatorCase = {
  row: "Add",
  of: "random graphs",
  uses: fc.array(step, { minLength: 8, maxLength: 8 }).map((steps) => ({
    inputs: { a: normal([2, 3]), b: normal([2, 3]), c: normal([2, 3]) },
    write: (g, { a, b, c }) => {
      const values: Value[] = [a!, b!, c!];
      for (const { op, first, second } of steps) {
        const [x, y] = [first, second].map((place) => values[place % values.length]!);
        values.push(g.node(op, smooth.includes(op) ? [x] : [x, y]));
      }
      return values.slice(-2);
    },
  })),
  runs: 40,
};

/** The same in double precision: constants that a rule writes are of the type of its values. */
const doubles: OperatorCase = {
  row: "Cast",
  of: "operators between in double precision",
  uses: fc.constant({
    inputs: { x: normal([3, 4]) },
    write: (g, { x }) => {
      const wide = g.node("Cast", [x], { to: int(11) });
      const shares = g.node("Softmax", [g.node("Tanh", [wide])]);
      const mean = g.node("ReduceMean", [g.node("Sqrt", [shares]), g.axes([1])]);
      const best = g.node("ReduceMax", [g.node("Gather", [g.node("Selu", [wide]), g.axes([1, 1, -1])]), g.axes([0])]);
      return g.node("Cast", [g.node("Mul", [mean, best])], { to: int(1) });
    },
  }),
  runs: 2,
};

export const cases: readonly OperatorCase[] = [graphs, doubles];
