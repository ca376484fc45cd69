import { shaped, sizeOf } from "../../base/index.ts";
import { type Graph, int, type Node, type Value } from "../../onnx/index.ts";
import type { HeldSlot, VectorView } from "./layout.ts";
import { channelAffine, view } from "./operators.ts";
import type { Lowering } from "./rule.ts";

/** Stochastic gradient descent with momentum in the portable graph: m' = μ·m + (g + λ·(d∘p)). */
interface Momentum {
  /** What m' is called. */
  readonly moment: string;
  /** μ */
  readonly share: number;
  /** λ, a feed of one number. */
  readonly decay: string;
  /** The five nodes that compute it. */
  readonly nodes: readonly Node[];
}

/** A gradient where it is made, flat, and its place in the vector of all. */
interface Placed {
  readonly place: HeldSlot;
  readonly value: Value;
}

/**
 * Moves the momentum while each gradient is still at hand: two convolutions in place for each large filter, instead of
 * five passes over vectors of all parameters. Takes weight decay as the same for all numbers of a parameter.
 * @param placed the gradients by place, large filters in front
 */
export function moveMomentum(
  c: Lowering & { readonly graph: Graph; readonly parts: VectorView[] },
  placed: readonly Placed[],
): "lowered" | "declined" {
  const momentum = momentumOf(c, "gradient");
  const [large, rest] = [true, false].map((wanted) => placed.filter(({ place }) => place.large === wanted));
  if (momentum === undefined || large === undefined || rest === undefined || large.length === 0) return "declined";
  const { g, block } = c;
  const lanes = large.flatMap(({ place }) => Array.from({ length: block }, () => BigInt(place.offset)));
  const index = g.constant(shaped(BigInt64Array.from(lanes), [lanes.length, 1, 1, 1]));
  const decay = c.held(momentum.decay).write();
  const decays = g.node("Mul", [g.node("Gather", [c.held("decayed").write(), index], { axis: int(0) }), decay]);
  const pulls = g.nodes("Split", [decays, g.axes(large.map(() => block))], { axis: int(0) });
  const share = g.constant(shaped(new Float32Array(block).fill(momentum.share), [block, 1, 1, 1]));
  const moved = large.map(({ place, value }, at) => {
    const [outputs = 1, inputs = 1, ...kernel] = place.shape;
    const seen = [1, block, (outputs / block) * sizeOf(kernel), inputs];
    const part = (vector: string) => view(g, partOf(c, vector, [place]), seen);
    const pulled = channelAffine(g, part("parameters"), { scale: pulls[at]!, sum: view(g, value, seen) });
    return view(g, channelAffine(g, part("moment1"), { scale: share, sum: pulled }), [place.length]);
  });
  if (rest.length > 0) {
    const places = rest.map(({ place }) => place);
    const values = rest.map(({ value }) => value);
    const pull = g.node("Mul", [partOf(c, "parameters", places), partOf(c, "decayed", places)]);
    const pulled = g.node("Add", [g.node("Concat", values, { axis: int(0) }), g.node("Mul", [pull, decay])]);
    moved.push(g.node("Add", [g.node("Mul", [partOf(c, "moment1", places), g.scalar(momentum.share)]), pulled]));
  }
  for (const node of momentum.nodes) c.absorb(node);
  c.bind(momentum.moment, g.node("Concat", moved, { axis: int(0) }), "plain");
  return "lowered";
}

/** The nodes that move the momentum, where nothing else reads the gradient or what is between. */
function momentumOf(c: Lowering & { readonly graph: Graph }, gradient: string): Momentum | undefined {
  const maker = (name = "") =>
    c.onlyReader(name) && c.graph.nodes.find(({ op, outputs }) => op === "Mul" && outputs[0] === name);
  const pulled = c.onlyReader(gradient);
  const [from, pullName] = pulled?.op === "Add" ? pulled.inputs : [];
  const moved = c.onlyReader(pulled?.outputs[0] ?? "");
  const [keptName, pulledName] = moved?.op === "Add" ? moved.inputs : [];
  const [pull, kept] = [maker(pullName), maker(keptName)];
  const masked = maker(pull?.inputs[0]);
  const [share] = c.constant(kept?.inputs[1] ?? "") ?? [];
  if (pulled === undefined || moved === undefined || pull === undefined || kept === undefined) return undefined;
  if (masked?.inputs.join() !== "parameters,decayed" || kept.inputs[0] !== "moment1" || share === undefined)
    return undefined;
  if (from !== gradient || pulledName !== pulled.outputs[0]) return undefined;
  return { moment: moved.outputs[0]!, share, decay: pull.inputs[1]!, nodes: [pulled, moved, pull, masked, kept] };
}

/** A part of a state vector as an input of its own: slots that lie one behind the other. */
function partOf(
  { g, parts }: Lowering & { readonly parts: VectorView[] },
  vector: string,
  places: readonly HeldSlot[],
): Value {
  const [first] = places;
  const length = places.reduce((sum, place) => sum + place.length, 0);
  const name = `${vector}/${first?.slot.name ?? ""}`;
  parts.push({ name, vector, offset: first?.offset ?? 0, length });
  return g.input(name, { element: "float32", shape: [length] });
}
