import { type Shaped, shaped } from "../../base/index.ts";
import { intOf } from "../attributes.ts";
import { type RecurrentActivation, recurrenceOf } from "../recurrent.ts";
import { arrayAt, type Evaluation, type EvaluationCall, type Evaluations } from "./evaluation.ts";

type Numbers = readonly number[];

/** What one direction of a cell knows. */
interface Direction {
  /** W_k·x + b of a gate, [H]. */
  readonly ofInput: (gate: number, x: Numbers) => Numbers;
  /** R_k·h + b of a gate, [H]. */
  readonly ofState: (gate: number, h: Numbers) => Numbers;
  /** A peephole's weights, [H]; zeros where there are none. */
  readonly peephole: (gate: number) => Numbers;
  readonly activations: readonly ((x: number) => number)[];
  readonly flag: (name: string) => boolean;
}

/** The next states (h, and c of an LSTM) from x and the last ones. */
type Cell = (direction: Direction, x: Numbers, states: readonly Numbers[]) => readonly Numbers[];

const activations: Readonly<Record<RecurrentActivation, (x: number) => number>> = {
  Relu: (x) => Math.max(x, 0),
  Sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  Tanh: Math.tanh,
};

const zip = (combine: (...numbers: readonly number[]) => number, ...vectors: readonly Numbers[]): Numbers =>
  vectors[0]!.map((_, index) => combine(...vectors.map((vector) => vector[index]!)));
const sum = (...terms: readonly number[]) => terms.reduce((total, term) => total + term, 0);

// z, r = σ(W·x + R·h); n = tanh(Wₙ·x + Rₙ·(r∘h)), or with r∘(Rₙ·h) if linear_before_reset; h' = (1 − z)∘n + z∘h
const gru: Cell = ({ ofInput, ofState, activations: [f, g], flag }, x, [h]) => {
  const gate = (k: number) => zip((a, b) => f!(a! + b!), ofInput(k, x), ofState(k, h!));
  const [z, r] = [gate(0), gate(1)];
  const product = (a?: number, b?: number) => a! * b!;
  const past = flag("linear_before_reset") ? zip(product, r, ofState(2, h!)) : ofState(2, zip(product, r, h!));
  const content = zip((a, b) => g!(a! + b!), ofInput(2, x), past);
  return [zip((gate, fresh, old) => (1 - gate!) * fresh! + gate! * old!, z, content, h!)];
};

// gates i, o, f, c; c' = f∘c + i∘tanh(·); h' = o∘tanh(c'); peepholes look at c, that of o at c'
const lstm: Cell = (direction, x, [h, c]) => {
  const {
    ofInput,
    ofState,
    peephole,
    activations: [f, g, last],
    flag,
  } = direction;
  const gate = (k: number, p: number, seen: Numbers) =>
    zip((a, b, weight, state) => f!(a! + b! + weight! * state!), ofInput(k, x), ofState(k, h!), peephole(p), seen);
  const input = gate(0, 0, c!);
  const forget = flag("input_forget") ? input.map((one) => 1 - one) : gate(2, 2, c!);
  const content = zip((a, b) => g!(a! + b!), ofInput(3, x), ofState(3, h!));
  const next = zip((keep, old, take, fresh) => keep! * old! + take! * fresh!, forget, c!, input, content);
  return [zip((open, state) => open! * last!(state!), gate(1, 1, next), next), next];
};

// h' = tanh(W·x + R·h)
const rnn: Cell = ({ ofInput, ofState, activations: [f] }, x, [h]) => [
  zip((a, b) => f!(a! + b!), ofInput(0, x), ofState(0, h!)),
];

/** Runs a cell with so many gates over the sequence X [T, N, I] in each direction. */
const recurrent =
  (cell: Cell, gates: number, states: number): Evaluation =>
  (call) => {
    const [length, batch, width] = arrayAt(call, 0).shape as [number, number, number];
    const [directions, , hidden] = arrayAt(call, 2).shape as [number, number, number];
    const { reversed } = recurrenceOf(call.node);
    const y = new Float64Array(length * directions * batch * hidden);
    const lasts = Array.from({ length: states }, () => new Float64Array(directions * batch * hidden));
    for (let d = 0; d < directions; d++) {
      const direction = directionOf(call, d, { gates, hidden, width });
      for (let n = 0; n < batch; n++) {
        const begin = (d * batch + n) * hidden;
        let state = lasts.map((_, index) => row(call.inputs[5 + index], begin, hidden));
        for (let step = 0; step < length; step++) {
          const t = reversed[d] ? length - 1 - step : step;
          state = [...cell(direction, row(call.inputs[0], (t * batch + n) * width, width), state)];
          y.set(state[0]!, ((t * directions + d) * batch + n) * hidden);
        }
        state.forEach((last, index) => {
          lasts[index]!.set(last, begin);
        });
      }
    }
    return [
      shaped(y, [length, directions, batch, hidden]),
      ...lasts.map((last) => shaped(last, [directions, batch, hidden])),
    ];
  };

/** So many numbers of an array from a place on; zeros where the input is left out. */
const row = (array: Shaped | undefined, begin: number, count: number): Numbers =>
  Array.from({ length: count }, (_, index) => Number(array?.data[begin + index] ?? 0));

interface Lengths {
  readonly gates: number;
  readonly hidden: number;
  readonly width: number;
}

function directionOf({ node, inputs }: EvaluationCall, d: number, { gates, hidden, width }: Lengths): Direction {
  const rows = gates * hidden;
  /** M_k·v + b_k, with the biases from this offset on in B [D, 2·gates·H]. */
  const affine = (matrix: Shaped, columns: number, bias: number) => (gate: number, v: Numbers) =>
    Array.from({ length: hidden }, (_, j) => {
      const at = gate * hidden + j;
      const weights = row(matrix, (d * rows + at) * columns, columns);
      return sum(...weights.map((weight, i) => weight * v[i]!), Number(inputs[3]?.data[2 * d * rows + bias + at] ?? 0));
    });
  return {
    ofInput: affine(inputs[1]!, width, 0),
    ofState: affine(inputs[2]!, hidden, rows),
    peephole: (gate) => row(inputs[7], (d * 3 + gate) * hidden, hidden),
    activations: recurrenceOf(node).activations[d]!.map((name) => activations[name]),
    flag: (name) => intOf(node.attributes, name, 0) !== 0,
  };
}

/** Recurrent operators. */
export const recurrences: Evaluations = {
  GRU: recurrent(gru, 3, 1),
  LSTM: recurrent(lstm, 4, 2),
  RNN: recurrent(rnn, 1, 1),
};
