// All cases of operators: those of test/gradient-cases, and every operator of one input that has none there.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { unaryOperators } from "../src/onnx/index.ts";
import { unaryCase } from "./gradient-cases/elementwise.ts";
import type { OperatorCase } from "./gradient-check.ts";

const folder = join(import.meta.dirname, "gradient-cases");
const files = readdirSync(folder).filter((name) => name.endsWith(".ts"));
const given = await Promise.all(
  files.map(async (name) => ((await import(join(folder, name))) as { cases: readonly OperatorCase[] }).cases),
);
const written = given.flat();
const rest = Object.keys(unaryOperators).filter((row) => !written.some((one) => one.row === row));

/** A newcomer of one input needs no line here, others a case in a file of test/gradient-cases. */
export const operatorCases: readonly OperatorCase[] = [...written, ...rest.map(unaryCase)];
