import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fail, ok, type Result } from "../base/index.ts";
import { fileResult } from "../machine/index.ts";
import { decodeModel, type Graph, readModel } from "../onnx/index.ts";
import type { TrainingConfig } from "./config.ts";

/** SHA-256 of a file. Problems: an unreadable file. */
export function hashOfFile(path: string): Result<string> {
  const bytes = fileResult(path, () => readFileSync(path));
  return bytes.kind === "problem" ? bytes : ok(createHash("sha256").update(bytes.value).digest("hex"));
}

/**
 * The graph of the configuration's backbone; `undefined` where it has none. Problems: an unreadable file, "backbone
 * changed" since the run was started, what `readModel` refuses.
 */
export function readBackbone({ backbone, preprocessing }: TrainingConfig): Result<Graph | undefined> {
  if (backbone === undefined) return ok(undefined);
  const { file, sha256 } = backbone;
  const read = fileResult(file, () => readFileSync(file));
  if (read.kind === "problem") return read;
  const hash = createHash("sha256").update(read.value).digest("hex");
  if (sha256 !== undefined && hash !== sha256) {
    return fail({
      kind: "backbone changed",
      where: file,
      got: `a file of SHA-256 ${hash.slice(0, 12)}…`,
      expected: `the file that the run was started with, ${sha256.slice(0, 12)}…`,
      next: "bring that file back, or train into a new run folder",
    });
  }
  const beside = new Map<string, Uint8Array>(); // one file holds many tensors
  const external = (path: string, offset: number, length: number | undefined) => {
    const bytes = beside.get(path) ?? readFileSync(join(dirname(file), path));
    beside.set(path, bytes);
    return bytes.subarray(offset, length === undefined ? undefined : offset + length);
  };
  try {
    const decoded = decodeModel(read.value, file, { external });
    if (decoded.kind === "problem") return decoded;
    const sides = decoded.value.graph.inputs[0]?.type.shape.slice(2) ?? [];
    // Rows and columns that have names get their lengths before the types of the rest are inferred.
    const lengths = Object.fromEntries(sides.map((side) => [side, preprocessing.size]));
    const model = readModel(read.value, file, { external, lengths });
    return model.kind === "problem" ? model : ok(model.value.graph);
  } catch (error) {
    return refusedBackbone(file, error); // the data file beside the model is missing, say
  }
}

/** A backbone that cannot be trained, in the words of whoever found out. */
export function refusedBackbone(file: string, error: unknown): Result<never> {
  return fail({
    kind: "backbone refused",
    where: file,
    got: error instanceof Error ? error.message : String(error),
    expected: "an image network that ends in a dense layer, of operators with a gradient (docs/operators.md)",
    next: "export it as docs/imported-networks.md says",
  });
}
