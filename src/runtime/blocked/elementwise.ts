import { staticShape } from "../../onnx/index.ts";
import { gate } from "./operators.ts";
import type { Rule } from "./rule.ts";

/** Operators that work number by number and make zero of zeros, so that padding stays zero. */
const zeroKeeping = [
  "Abs",
  "Celu",
  "Elu",
  "Erf",
  "Gelu",
  "HardSwish",
  "LeakyRelu",
  "Mish",
  "Mul",
  "Neg",
  "Relu",
  "Selu",
  "Softsign",
  "Sub",
  "Tanh",
];

/** Operators that work number by number; of padding they would make other numbers, so they run blocked without any. */
const others = ["Add", "Clip", "Div", "Exp", "HardSigmoid", "Log", "Pow", "Reciprocal", "Sigmoid", "Softplus", "Sqrt"];

/** A node on blocked values as they lie: inputs are of one shape, or numbers alone. */
export const numberByNumber: Rule = (c, node) => {
  const inputs = node.inputs.map((name) => (name === "" ? undefined : c.held(name)));
  const shape = c.typeOf(node.outputs[0]!).shape.join();
  const alone = inputs.map((held) => held !== undefined && staticShape(held.type).every((length) => length === 1));
  const fits = inputs.every((held, index) => held === undefined || alone[index] || held.type.shape.join() === shape);
  if (!fits || !inputs.some((held, index) => held?.layout === "blocked" && !alone[index])) return "declined";
  const channels = Number(c.typeOf(node.outputs[0]!).shape[1]);
  const safe = zeroKeeping.includes(node.op) || (node.op === "Add" && !alone.includes(true));
  if (!safe && channels % c.block !== 0) return "declined";
  const values = node.inputs.map((name, index) =>
    name === "" ? undefined : alone[index] ? c.plain(name) : c.blocked(name),
  );
  c.bind(node.outputs[0]!, c.g.node(node.op, values, node.attributes), "blocked");
  return "lowered";
};

/** One row an operator. */
export const elementwise: Readonly<Record<string, Rule>> = Object.fromEntries(
  [...zeroKeeping, ...others].map((op) => [op, numberByNumber]),
);

/** dx = dy·[y > 0] */
export const reluGrad: Rule = (c, node) => {
  const [dyName = "", yName = ""] = node.inputs;
  if (![dyName, yName].some((name) => c.held(name).layout === "blocked")) return "declined";
  c.bind(node.outputs[0]!, c.g.node("Mul", [c.blocked(dyName), gate(c.g, c.blocked(yName))]), "blocked");
  return "lowered";
};
