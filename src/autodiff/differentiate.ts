import type { GraphBuilder, Node, Value, ValueType } from "../onnx/index.ts";
import type { Decomposition } from "./decompositions.ts";
import { differentiationOf } from "./gradients.ts";
import type { Recomputation } from "./recompute.ts";
import { scalarLike } from "./rules/formulas.ts";
import { at, type ForwardCall, type InputGradient, zerosLike } from "./rules/rule.ts";

/**
 * Writes the backward pass of a graph under construction: dL/dv for each wanted value (reverse-mode accumulation,
 * Griewank & Walther, ch. 3). The walk knows no operator; the rules stand in `gradients` and `decompositions`.
 * @param loss a scalar value of the graph
 * @param wanted the values whose gradients are asked for, usually the parameters
 * @param again where the forward pass is computed a second time to save memory
 * @returns the gradient by name of the value; a wanted value on which the loss does not depend has none
 */
export function differentiate(
  g: GraphBuilder,
  loss: Value,
  wanted: readonly Value[],
  again?: Recomputation,
): ReadonlyMap<string, Value> {
  const seeds = new Map([[loss.name, scalarLike(g, 1, loss)]]);
  return backward(g, { nodes: g.finish().nodes, seeds, wanted, ...(again === undefined ? {} : { again }) });
}

/** Nodes to walk back over, with the gradients of their results. */
interface Pass {
  readonly nodes: readonly Node[];
  readonly seeds: ReadonlyMap<string, Value>;
  readonly wanted: readonly Value[];
  readonly again?: Recomputation;
}

function backward(g: GraphBuilder, { nodes, seeds, wanted, again }: Pass): ReadonlyMap<string, Value> {
  const { types, constants } = g.finish();
  const depends = dependents(nodes, wanted);
  const gradients = new Map(seeds);
  const value = (name: string): Value => ({ name, type: typeOf(types, name) });
  for (const node of nodes.toReversed()) {
    const dys = node.outputs.map((name) => gradients.get(name));
    if (dys.every((dy) => dy === undefined) || !node.inputs.some((name) => depends.has(name))) continue;
    const renewed = again?.namesFor(
      node,
      at(
        dys.filter((dy) => dy !== undefined),
        0,
      ),
    );
    const seen = (name: string) => (name === "" ? undefined : (renewed?.get(name) ?? value(name)));
    const call: ForwardCall = {
      node,
      inputs: node.inputs.map(seen),
      outputs: node.outputs.map(seen),
      constant: (index) => constants.get(node.inputs[index] ?? ""),
    };
    const rules = inputGradients(g, call, dys);
    node.inputs.forEach((name, index) => {
      const rule = rules[index];
      if (name === "" || rule === undefined || rule === "none" || !depends.has(name)) return;
      const sofar = gradients.get(name);
      const gradient = rule();
      gradients.set(name, sofar === undefined ? gradient : g.node("Add", [sofar, gradient]));
    });
  }
  return new Map(wanted.flatMap(({ name }) => entry(name, gradients.get(name))));
}

function inputGradients(
  g: GraphBuilder,
  call: ForwardCall,
  dys: readonly (Value | undefined)[],
): readonly InputGradient[] {
  const found = differentiationOf(call.node);
  if (found.kind === "formula") return throughFormula(g, call, { formula: found.formula, dys });
  return found.rule(g, call, dys[0] ?? zerosLike(g, at(call.outputs, 0)), dys);
}

/** Writes what a node stands for once more, and its backward pass. */
function throughFormula(
  g: GraphBuilder,
  call: ForwardCall,
  { formula, dys }: { readonly formula: Decomposition; readonly dys: readonly (Value | undefined)[] },
): readonly InputGradient[] {
  const before = g.finish().nodes.length;
  const outputs = [formula(g, call)].flat() as readonly Value[];
  const nodes = g.finish().nodes.slice(before);
  const wanted = call.inputs.flatMap((input) => input ?? []);
  const found = backward(g, {
    nodes,
    seeds: new Map(outputs.flatMap(({ name }, index) => entry(name, dys[index]))),
    wanted,
  });
  return call.inputs.map((input, index) => {
    const first = call.inputs.findIndex((other) => other?.name === input?.name) === index; // an input twice counts once
    const gradient = input && first ? found.get(input.name) : undefined;
    return gradient === undefined ? "none" : () => gradient;
  });
}

function typeOf(types: ReadonlyMap<string, ValueType>, name: string): ValueType {
  const type = types.get(name);
  if (type === undefined) throw new Error(`no value is called ${name}`);
  return type;
}

const entry = (name: string, gradient: Value | undefined): [string, Value][] => (gradient ? [[name, gradient]] : []);

/** Names of all values that depend on one of the wanted ones, themselves included. */
function dependents(nodes: readonly Node[], wanted: readonly Value[]): ReadonlySet<string> {
  const names = new Set(wanted.map(({ name }) => name));
  for (const node of nodes) {
    if (node.inputs.some((name) => names.has(name))) for (const name of node.outputs) names.add(name);
  }
  return names;
}
