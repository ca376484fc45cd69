import type { Shaped } from "../base/index.ts";
import type { Attribute, Attributes, ReferenceType } from "./graph.ts";

/** An integer attribute. */
export const int = (value: number): Attribute => ({ kind: "int", value });
/** A float attribute. */
export const float = (value: number): Attribute => ({ kind: "float", value });
/** A list of integers. */
export const ints = (value: readonly number[]): Attribute => ({ kind: "ints", value });
/** A list of floats. */
export const floats = (value: readonly number[]): Attribute => ({ kind: "floats", value });
/** A list of texts. */
export const strings = (value: readonly string[]): Attribute => ({ kind: "strings", value });
/** A text. */
export const string = (value: string): Attribute => ({ kind: "string", value });
/** A tensor; of bool where that is said, else of its array's type. */
export const tensor = (value: Shaped, element?: "bool"): Attribute => ({
  kind: "tensor",
  value,
  ...(element !== undefined && { element }),
});
/** In a function's body: the call's attribute of this name. */
export const reference = (name: string, type: ReferenceType): Attribute => ({
  kind: "reference",
  name,
  type,
});

/** An integer attribute's value, or the operator's default. */
export function intOf(attributes: Attributes, name: string, fallback: number): number {
  const attribute = attributes[name];
  return attribute?.kind === "int" ? attribute.value : fallback;
}

/** A float attribute's value, or the operator's default. */
export function floatOf(attributes: Attributes, name: string, fallback: number): number {
  const attribute = attributes[name];
  return attribute?.kind === "float" ? attribute.value : fallback;
}

/** An integer list, or the operator's default. */
export function intsOf(attributes: Attributes, name: string, fallback: readonly number[]): readonly number[] {
  const attribute = attributes[name];
  return attribute?.kind === "ints" ? attribute.value : fallback;
}

/** A list of floats, or the operator's default. */
export function floatsOf(attributes: Attributes, name: string, fallback: readonly number[]): readonly number[] {
  const attribute = attributes[name];
  return attribute?.kind === "floats" ? attribute.value : fallback;
}

/** A list of texts, or the operator's default. */
export function stringsOf(attributes: Attributes, name: string, fallback: readonly string[]): readonly string[] {
  const attribute = attributes[name];
  return attribute?.kind === "strings" ? attribute.value : fallback;
}

/** A text, or the operator's default. */
export function stringOf(attributes: Attributes, name: string, fallback: string): string {
  const attribute = attributes[name];
  return attribute?.kind === "string" ? attribute.value : fallback;
}

/** A tensor, where there is one. */
export function tensorOf(attributes: Attributes, name: string): Shaped | undefined {
  const attribute = attributes[name];
  return attribute?.kind === "tensor" ? attribute.value : undefined;
}
