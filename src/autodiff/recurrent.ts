import {
  type GraphBuilder,
  int,
  intOf,
  type RecurrentActivation,
  recurrenceOf,
  staticShape,
  type Value,
} from "../onnx/index.ts";
import { formulas } from "./rules/formulas.ts";
import { at, type ForwardCall, zerosOf } from "./rules/rule.ts";

type Formulas = ReturnType<typeof formulas>;
type Activation = (x: Value) => Value;

/** What one direction of a cell knows. R and W stand as matrices to multiply with from the right. */
interface Direction {
  readonly g: GraphBuilder;
  readonly f: Formulas;
  readonly hidden: number;
  /** Rᵀ [H, gates·H]. */
  readonly r: Value;
  /** Biases [gates·H] of W·x and of R·h. */
  readonly biases: readonly [Value, Value] | undefined;
  /** Peepholes [H] of the gates i, o, f. */
  readonly peepholes: readonly Value[];
  readonly activations: readonly Activation[];
  readonly flag: (name: string) => boolean;
}

/** From W·x + b of one moment [N, gates·H] and the last states [N, H] to the next: h, and c of an LSTM. */
type Step = (x: Value, states: readonly Value[]) => readonly Value[];

/** Writes what a cell has once a sequence: the bias that goes into every W·x + b, and its step. */
type Cell = (direction: Direction) => { readonly bias: Value | undefined; readonly step: Step };

const columns = (g: GraphBuilder, value: Value, lengths: readonly number[]) =>
  g.nodes("Split", [value, g.axes(lengths)], { axis: int(value.type.shape.length - 1) });

const bothBiases = ({ f, biases }: Direction) => biases && f.add(...biases);

// z, r = σ(W·x + R·h); n = tanh(Wₙ·x + Rₙ·(r∘h)), or with r∘(Rₙ·h) if linear_before_reset; h' = n + z∘(h − n)
const gru: Cell = (direction) => {
  const { g, f, hidden, r: matrix, biases, activations, flag } = direction;
  const [gate, fresh] = activations as [Activation, Activation];
  const parts = [2 * hidden, hidden];
  const next = (gates: Value, content: (r: Value) => Value, h: Value) => {
    const [z, r] = columns(g, gate(gates), [hidden, hidden]);
    const n = fresh(content(r!));
    return [f.add(n, f.mul(z!, f.sub(h, n)))];
  };
  if (flag("linear_before_reset")) {
    const step: Step = (x, [h]) => {
      const product = g.node("MatMul", [h, matrix]);
      const [pastGates, past] = columns(g, biases ? f.add(product, biases[1]) : product, parts);
      const [gates, content] = columns(g, x, parts);
      return next(f.add(gates!, pastGates!), (r) => f.add(content!, f.mul(r, past!)), h!);
    };
    return { bias: biases?.[0], step };
  }
  const [ofGates, ofContent] = columns(g, matrix, parts);
  const step: Step = (x, [h]) => {
    const [gates, content] = columns(g, x, parts);
    const reset = (r: Value) => f.add(content!, g.node("MatMul", [f.mul(r, h!), ofContent]));
    return next(f.add(gates!, g.node("MatMul", [h, ofGates])), reset, h!);
  };
  return { bias: bothBiases(direction), step };
};

// gates i, o, f, c; c' = f∘c + i∘tanh(·); h' = o∘tanh(c'); peepholes look at c, that of o at c'
const lstm: Cell = (direction) => {
  const { g, f, hidden, r, peepholes, activations, flag } = direction;
  const [gate, fresh, shown] = activations as [Activation, Activation, Activation];
  const seeing = (gates: Value, peephole: Value | undefined, c: Value) =>
    gate(peephole ? f.add(gates, f.mul(peephole, c)) : gates);
  const step: Step = (x, [h, c]) => {
    const sums = f.add(x, g.node("MatMul", [h, r]));
    const [input, output, forget, content] = columns(g, sums, [hidden, hidden, hidden, hidden]);
    const take = seeing(input!, peepholes[0], c!);
    const keep = flag("input_forget") ? f.sub(1, take) : seeing(forget!, peepholes[2], c!);
    const next = f.add(f.mul(keep, c!), f.mul(take, fresh(content!)));
    return [f.mul(seeing(output!, peepholes[1], next), shown(next)), next];
  };
  return { bias: bothBiases(direction), step };
};

// h' = tanh(W·x + R·h)
const rnn: Cell = (direction) => {
  const { g, f, r } = direction;
  const [activation] = direction.activations as [Activation];
  const step: Step = (x, [h]) => [activation(f.add(x, g.node("MatMul", [h, r])))];
  return { bias: bothBiases(direction), step };
};

/**
 * A recurrent operator unrolled over its sequence, X [T, N, I] with T known: one product W·x for all moments, then a
 * step a moment. Outputs as the operator has them: Y [T, D, N, H] and the last states [D, N, H].
 */
const unrolled =
  (cell: Cell, states: number) =>
  (g: GraphBuilder, call: ForwardCall): Value[] => {
    const x = at(call.inputs, 0);
    const [length, batch] = staticShape(x.type) as [number, number, number];
    const { reversed } = recurrenceOf(call.node);
    const initial = Array.from({ length: states }, (_, index) => ofDirections(g, call, 5 + index));
    const walks = reversed.map((backward, d) => {
      const direction = directionOf(g, call, d);
      const { bias, step } = cell(direction);
      const moments = momentsOf(g, call, { d, bias, length });
      let state: readonly Value[] = initial.map((of) => of?.[d] ?? zerosOf(g, x, [batch, direction.hidden]));
      const outputs = (backward ? moments.toReversed() : moments).map((moment) => {
        state = step(moment, state);
        return state[0]!;
      });
      return { outputs: backward ? outputs.toReversed() : outputs, state };
    });
    const sequences = walks.map(({ outputs }) => stacked(g, outputs, 0));
    const lasts = Array.from({ length: states }, (_, index) =>
      stacked(
        g,
        walks.map(({ state }) => state[index]!),
        0,
      ),
    );
    return [stacked(g, sequences, 1), ...lasts];
  };

/** W·x + b of every moment, [N, gates·H] each. */
function momentsOf(
  g: GraphBuilder,
  call: ForwardCall,
  { d, bias, length }: { readonly d: number; readonly bias: Value | undefined; readonly length: number },
): readonly Value[] {
  const w = g.node("Transpose", [ofDirections(g, call, 1)![d]]);
  const product = g.node("MatMul", [at(call.inputs, 0), w]);
  const all = bias ? g.node("Add", [product, bias]) : product;
  const ones = Array.from({ length }, () => 1);
  return g.nodes("Split", [all, g.axes(ones)], { axis: int(0) }).map((one) => g.node("Squeeze", [one, g.axes([0])]));
}

function directionOf(g: GraphBuilder, call: ForwardCall, d: number): Direction {
  const { node } = call;
  const hidden = staticShape(at(call.inputs, 2).type)[2]!;
  const bias = ofDirections(g, call, 3)?.[d];
  const half = bias === undefined ? 0 : staticShape(bias.type)[0]! / 2;
  const peephole = ofDirections(g, call, 7)?.[d];
  const activations: Readonly<Record<RecurrentActivation, Activation>> = {
    Relu: (x) => g.node("Relu", [x]),
    Sigmoid: (x) => g.node("Sigmoid", [x]),
    Tanh: (x) => g.node("Tanh", [x]),
  };
  return {
    g,
    f: formulas(g),
    hidden,
    r: g.node("Transpose", [ofDirections(g, call, 2)![d]]),
    biases: bias && (columns(g, bias, [half, half]) as [Value, Value]),
    peepholes: peephole ? columns(g, peephole, [hidden, hidden, hidden]) : [],
    activations: recurrenceOf(node).activations[d]!.map((name) => activations[name]),
    flag: (name) => intOf(node.attributes, name, 0) !== 0,
  };
}

/** An input [D, …] in its directions, […] each; undefined where it is left out. */
function ofDirections(g: GraphBuilder, { inputs }: ForwardCall, index: number): readonly Value[] | undefined {
  const input = inputs[index];
  if (input === undefined) return undefined;
  const ones = Array.from({ length: staticShape(input.type)[0]! }, () => 1);
  return g.nodes("Split", [input, g.axes(ones)], { axis: int(0) }).map((one) => g.node("Squeeze", [one, g.axes([0])]));
}

/** Values of one shape one after the other along a new axis. */
function stacked(g: GraphBuilder, values: readonly Value[], axis: number): Value {
  const raised = values.map((value) => g.node("Unsqueeze", [value, g.axes([axis])]));
  return g.node("Concat", raised, { axis: int(axis) });
}

/** One row a recurrent operator. */
export const recurrences = {
  GRU: unrolled(gru, 1),
  LSTM: unrolled(lstm, 2),
  RNN: unrolled(rnn, 1),
};
