import { type GraphBuilder, type Node, staticShape, type Value } from "../onnx/index.ts";
import { gradientOf } from "./gradients.ts";
import { at, type ForwardCall } from "./rules/rule.ts";

/**
 * Writes the backward pass of a graph under construction: dL/dv for each wanted value (reverse-mode accumulation,
 * Griewank & Walther, ch. 3). The walk knows no operator; the rules stand in `gradients`.
 * @param loss a scalar value of the graph
 * @param wanted the values whose gradients are asked for, usually the parameters
 * @returns the gradient by name of the value; a wanted value on which the loss does not depend has none
 */
export function differentiate(g: GraphBuilder, loss: Value, wanted: readonly Value[]): ReadonlyMap<string, Value> {
  const forward = g.finish();
  const depends = dependents(forward.nodes, wanted);
  const gradients = new Map<string, Value>([[loss.name, g.scalar(1)]]);
  const value = (name: string): Value => {
    const type = forward.types.get(name);
    if (type === undefined) throw new Error(`no value is called ${name}`);
    return { name, type };
  };
  for (const node of forward.nodes.toReversed()) {
    const dys = node.outputs.map((name) => gradients.get(name));
    if (dys.every((dy) => dy === undefined) || !node.inputs.some((name) => depends.has(name))) continue;
    const call: ForwardCall = {
      node,
      inputs: node.inputs.map((name) => (name === "" ? undefined : value(name))),
      outputs: node.outputs.map(value),
      constant: (index) => forward.constants.get(node.inputs[index] ?? ""),
    };
    const dy = dys[0] ?? zeros(g, at(call.outputs, 0));
    const rules = gradientOf(node)(g, call, dy, dys);
    call.inputs.forEach((input, index) => {
      const rule = rules[index];
      if (input === undefined || rule === undefined || rule === "none" || !depends.has(input.name)) return;
      const sofar = gradients.get(input.name);
      const gradient = rule();
      gradients.set(input.name, sofar === undefined ? gradient : g.node("Add", [sofar, gradient]));
    });
  }
  return new Map(wanted.flatMap(({ name }) => entry(name, gradients.get(name))));
}

const zeros = (g: GraphBuilder, like: Value) => g.node("Expand", [g.scalar(0), g.axes(staticShape(like.type))]);

const entry = (name: string, gradient: Value | undefined): [string, Value][] => (gradient ? [[name, gradient]] : []);

/** Names of all values that depend on one of the wanted ones, themselves included. */
function dependents(nodes: readonly Node[], wanted: readonly Value[]): ReadonlySet<string> {
  const names = new Set(wanted.map(({ name }) => name));
  for (const node of nodes) {
    if (node.inputs.some((name) => names.has(name))) for (const name of node.outputs) names.add(name);
  }
  return names;
}
