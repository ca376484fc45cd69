import fc from "fast-check";
import { int, string, strings, type Value } from "../../src/onnx/index.ts";
import { between, normal } from "../draws.ts";
import type { Draw, OperatorCase } from "../gradient-check.ts";

/** A cell: its gates, the inputs of its states by position, its activations, and its own flag. */
interface Cell {
  readonly gates: number;
  readonly states: readonly string[];
  readonly activations: number;
  readonly flag?: string;
}
const cells: Readonly<Record<string, Cell>> = {
  GRU: { gates: 3, states: ["h"], activations: 2, flag: "linear_before_reset" },
  LSTM: { gates: 4, states: ["h", "c"], activations: 3, flag: "input_forget" },
  RNN: { gates: 1, states: ["h"], activations: 1 },
};

const small = fc.integer({ min: 1, max: 3 });
const layers = fc.record({
  moments: fc.integer({ min: 1, max: 4 }),
  batch: small,
  width: small,
  hidden: small,
  direction: fc.constantFrom("forward", "reverse", "bidirectional"),
  bias: fc.boolean(),
  given: fc.boolean(),
  peepholes: fc.boolean(),
  flag: fc.boolean(),
  outputs: fc.constantFrom("all", "sequence", "states"),
  other: fc.boolean(),
});

const recurrent = (row: string): OperatorCase => ({
  row,
  uses: layers.map(({ moments, batch, width, hidden, direction, outputs, ...has }) => {
    const { gates, states, activations, flag } = cells[row]!;
    const directions = direction === "bidirectional" ? 2 : 1;
    const inputs: Record<string, Draw> = {
      x: normal([moments, batch, width]),
      w: normal([directions, gates * hidden, width]),
      r: between(-0.5, 0.5)([directions, gates * hidden, hidden]),
    };
    if (has.bias) inputs["b"] = normal([directions, 2 * gates * hidden]);
    if (has.given) for (const state of states) inputs[state] = normal([directions, batch, hidden]);
    if (has.peepholes && row === "LSTM") inputs["p"] = normal([directions, 3 * hidden]);
    const attributes = {
      hidden_size: int(hidden),
      direction: string(direction),
      ...(flag === undefined ? {} : { [flag]: int(has.flag ? 1 : 0) }),
      ...(has.other ? { activations: strings(Array(activations * directions).fill("Sigmoid")) } : {}),
    };
    return {
      inputs,
      write: (g, { x, w, r, b, h, c, p }) => {
        const all = [x, w, r, b, undefined, h, c, p].slice(0, row === "LSTM" ? 8 : 6);
        const written: readonly Value[] = g.nodes(row, all, attributes);
        if (outputs === "all") return written;
        return outputs === "sequence" ? written[0]! : written.slice(1);
      },
    };
  }),
  runs: 24,
});

export const cases: readonly OperatorCase[] = Object.keys(cells).map(recurrent);
