import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { distance, randomArray } from "../../test/graphs.ts";
import { composites, functionsOf } from "../autodiff/composites.ts";
import { must, shaped } from "../base/index.ts";
import { cnn } from "../models/cnn.ts";
import { openExecutor } from "../runtime/index.ts";
import { float, ints, tensor } from "./attributes.ts";
import { buildGraph, type GraphBuilder } from "./builder.ts";
import { decodeModel } from "./decode.ts";
import { encodeModel } from "./encode.ts";
import { evaluateGraph } from "./evaluate/evaluate.ts";
import type { Model, Value } from "./graph.ts";
import { initialise } from "./initialise.ts";
import { networkFromModel, withConstants } from "./network.ts";
import {
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
  TensorProto_DataType,
} from "./onnx_pb.ts";
import { readModel } from "./read.ts";

const image = { element: "float32", shape: ["batch", 3, 8, 8] } as const;

/** A model over an image with a named batch. */
function write(body: (g: GraphBuilder, x: Value) => Value): Model {
  const g = buildGraph("written");
  g.output(body(g, g.input("image", image)), "y");
  const graph = g.finish();
  return { graph, functions: functionsOf(graph.nodes), metadata: { made: "here" } };
}

const convolved = write((g, x) => g.node("Relu", [g.node("Conv", [x, g.constant(randomArray([4, 3, 3, 3], 1))])]));

/** A file with its message changed by hand. */
function changed(model: Model, change: (proto: ReturnType<typeof message>) => void): Uint8Array {
  const proto = message(encodeModel(model));
  change(proto);
  return toBinary(ModelProtoSchema, proto);
}
const message = (bytes: Uint8Array) => fromBinary(ModelProtoSchema, bytes);

const refusal = (bytes: Uint8Array) => {
  const read = readModel(bytes, "some.onnx");
  assert.equal(read.kind, "problem");
  return read.kind === "problem" ? `${read.problem.kind}: ${read.problem.got}` : "";
};

test("what Ichor writes and reads again is the same, byte for byte", () => {
  for (const model of [convolved, detectorLike()]) {
    const bytes = encodeModel(model);
    assert.deepEqual(encodeModel(must(decodeModel(bytes, "it"))), bytes);
  }
});

function detectorLike(): Model {
  const network = cnn({ size: 32, neighbours: 3 }, "slices");
  return { graph: withConstants(network, initialise(network, 1)), functions: [], metadata: { ichor: "{}" } };
}

test("named dimensions stay names, or get the lengths that are asked for", () => {
  const bytes = encodeModel(convolved);
  assert.deepEqual(must(readModel(bytes, "it")).graph.types.get("y")?.shape, ["batch", 4, 6, 6]);
  assert.deepEqual(must(readModel(bytes, "it", { lengths: { batch: 2 } })).graph.types.get("y")?.shape, [2, 4, 6, 6]);
});

test("what is computed about shapes is folded, with a named batch as well", () => {
  const model = write((g, x) => {
    const types = (shape: readonly number[]) => ({ types: [{ element: "int64", shape } as const] });
    const batch = g.node("Gather", [g.node("Shape", [x], {}, types([4])), g.axes([0])], {}, types([1]));
    const shape = g.node("Concat", [batch, g.axes([192])], {}, types([2]));
    return g.node("Reshape", [x, shape], {}, { types: [{ element: "float32", shape: ["batch", 192] }] });
  });
  const open = must(readModel(encodeModel(model), "it")).graph;
  assert.deepEqual([open.types.get("y")?.shape, open.nodes.at(-1)?.op], [["batch", 192], "Identity"]);
  const bound = must(readModel(encodeModel(model), "it", { lengths: { batch: 2 } })).graph;
  assert.deepEqual(
    bound.nodes.map(({ op }) => op),
    ["Reshape", "Identity"],
  );
});

test("axes that were an attribute until opset 17 are read as an input", async () => {
  const model = write((g, x) =>
    g.node("ReduceMean", [x], { axes: ints([2, 3]) }, { types: [{ ...image, shape: ["batch", 3, 1, 1] }] }),
  );
  const read = must(readModel(encodeModel({ ...model, graph: { ...model.graph, opset: 17 } }), "it"));
  assert.deepEqual(read.graph.types.get("y")?.shape, ["batch", 3, 1, 1]);
  assert.equal(read.graph.nodes[0]?.inputs.length, 2);
  assert.equal(read.graph.opset, 18);
  const executor = must(await openExecutor(encodeModel(read), { threads: 1 }));
  const answer = await executor.run({ image: shaped(new Float32Array(192).fill(3), [1, 3, 8, 8]) });
  await executor.close();
  assert.deepEqual([...(answer["y"]?.data ?? [])], [3, 3, 3]);
});

test("model-local functions are read as their bodies, with the call's attributes", () => {
  const g = buildGraph("calls");
  const [x, scale, bias] = [
    g.input("x", { element: "float32", shape: [2, 3, 4, 4] }),
    g.constant(randomArray([3], 2)),
    g.constant(randomArray([3], 3)),
  ];
  const { types } = composites.BatchNormalizationTraining;
  const [y] = g.nodes(
    "BatchNormalizationTraining",
    [x, scale, bias],
    { epsilon: float(0.1) },
    { domain: "ichor", types: types([x, scale, bias]) },
  );
  g.output(y!, "y");
  const graph = g.finish();
  const model = { graph, functions: functionsOf(graph.nodes), metadata: {} };
  const read = must(readModel(encodeModel(model), "it"));
  assert.equal(read.functions.length, 0);
  assert.ok(read.graph.nodes.every(({ domain }) => domain === ""));
  const feeds = { x: randomArray([2, 3, 4, 4], 4) };
  assert.deepEqual(evaluateGraph(read, feeds)["y"]?.shape, [2, 3, 4, 4]);
  const [a, b] = [evaluateGraph(model, feeds)["y"]!.data, evaluateGraph(read, feeds)["y"]!.data];
  // The attribute is a float32 in the file and a double in the builder.
  assert.ok(distance(Array.from(a, Number), Array.from(b, Number)) < 1e-7);
});

test("tensors are read in each form that a file may have them in", () => {
  const values = [1.5, -2, 0.25, 65504];
  const half = [0x3e00, 0xc000, 0x3400, 0x7bff];
  const forms = [
    { dataType: TensorProto_DataType.FLOAT, rawData: new Uint8Array(Float32Array.from(values).buffer) },
    { dataType: TensorProto_DataType.FLOAT, floatData: values },
    { dataType: TensorProto_DataType.DOUBLE, doubleData: values },
    { dataType: TensorProto_DataType.FLOAT16, int32Data: half },
    { dataType: TensorProto_DataType.FLOAT16, rawData: new Uint8Array(Uint16Array.from(half).buffer) },
  ];
  for (const form of forms) {
    const model = write((g, x) =>
      g.node("Conv", [
        g.node("Slice", [x, g.axes([0]), g.axes([1]), g.axes([1])]),
        g.constant(shaped(Float32Array.of(0, 0, 0, 0), [4, 1, 1, 1]), "c"),
      ]),
    );
    const bytes = changed(model, (proto) =>
      Object.assign(proto.graph!.initializer.find(({ name }) => name === "c")!, { rawData: new Uint8Array(), ...form }),
    );
    const { constants } = must(decodeModel(bytes, "it")).graph;
    assert.deepEqual([...(constants.get("c")?.data ?? [])].map(Number), values);
  }
});

test("data beside the model is read through the given reader, and never from outside its folder", () => {
  const stored = (location: string) =>
    changed(convolved, (proto) => {
      const tensor = proto.graph!.initializer[0]!;
      tensor.rawData = new Uint8Array();
      tensor.dataLocation = TensorProto_DataLocation.EXTERNAL;
      tensor.externalData = Object.entries({ location, offset: "4", length: "432" }).map(([key, value]) =>
        create(StringStringEntryProtoSchema, { key, value }),
      );
    });
  const asked: unknown[] = [];
  const read = readModel(stored("weights.bin"), "it", {
    external: (path, offset, length) => {
      asked.push([path, offset, length]);
      return new Uint8Array(length ?? 0);
    },
  });
  assert.equal(read.kind, "ok");
  assert.deepEqual(asked, [["weights.bin", 4, 432]]);
  for (const location of ["../secret", "/etc/passwd", "a/../../b", "C:\\x", ""]) {
    const problem = readModel(stored(location), "it", { external: () => assert.fail("outside") });
    assert.equal(problem.kind, "problem");
  }
  assert.match(refusal(stored("weights.bin")), /stored in "weights.bin"/);
  const missing = readModel(stored("weights.bin"), "it", {
    external: () => {
      throw new Error("ENOENT: no such file");
    },
  });
  assert.match(missing.kind === "problem" ? missing.problem.got : "", /"weights.bin": ENOENT: no such file/);
});

test("a bool tensor stays one, in an attribute too", () => {
  const model = write((g, x) => {
    const filled = { value: tensor(shaped(Uint8Array.of(1), [1]), "bool") };
    const mask = g.node("ConstantOfShape", [g.axes([8])], filled);
    return g.node("Where", [mask, x, g.scalar(0)]);
  });
  assert.equal(model.graph.types.get("ConstantOfShape_1")?.element, "bool");
  const { graph } = must(decodeModel(encodeModel(model), "it"));
  assert.deepEqual(graph.nodes[0]?.attributes["value"], tensor(shaped(Uint8Array.of(1), [1]), "bool"));
  const folded = must(readModel(encodeModel(model), "it")).graph;
  assert.equal(folded.types.get(folded.nodes[0]!.inputs[0]!)?.element, "bool");
});

test("an index past a shape's end is refused, not read as a length of 0", () => {
  const model = write((g, x) => {
    const types = (shape: readonly number[]) => ({ types: [{ element: "int64", shape } as const] });
    const length = g.node("Gather", [g.node("Shape", [x], {}, types([4])), g.axes([7])], {}, types([1]));
    return g.node("Reshape", [x, length], {}, { types: [{ element: "float32", shape: ["batch"] }] });
  });
  assert.match(refusal(encodeModel(model)), /node Gather_1 \(Gather\): .*7/);
});

test("what is not read is refused by name", () => {
  const opset = (version: bigint) =>
    changed(convolved, (proto) => {
      for (const one of proto.opsetImport) one.version = version;
    });
  assert.match(refusal(opset(12n)), /operators of opset 12/);
  assert.match(refusal(opset(23n)), /operators of opset 23/);
  assert.match(
    refusal(
      changed(convolved, (proto) => {
        proto.graph!.node[0]!.opType = "Frob";
      }),
    ),
    /node Conv_0 \(Frob\): no shape rule for Frob/,
  );
  assert.match(
    refusal(
      changed(convolved, (proto) => {
        proto.graph!.initializer[0]!.dataType = TensorProto_DataType.STRING;
      }),
    ),
    /elements of type 8/,
  );
  assert.match(
    refusal(
      changed(convolved, (proto) => {
        proto.graph!.initializer[0]!.dims = [1n << 60n];
      }),
    ),
    /the shape/,
  );
  assert.match(
    refusal(
      changed(convolved, (proto) => {
        proto.graph!.node.reverse();
      }),
    ),
    /is made by no node before it/,
  );
  assert.match(refusal(new Uint8Array(100).fill(7)), /not an ONNX model/);
});

test("broken bytes are a problem, never a throw", () => {
  const bytes = encodeModel(convolved);
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), fc.boolean(), (at, flip, cut) => {
      const broken = cut ? bytes.slice(0, at) : bytes.slice();
      if (!cut) broken[at]! ^= flip;
      const { kind } = readModel(broken, "broken.onnx");
      assert.ok(kind === "ok" || kind === "problem");
    }),
    { numRuns: 1500, seed: 3 },
  );
});

test("an imported model starts at its own weights", () => {
  const network = networkFromModel(must(readModel(encodeModel(convolved), "it", { lengths: { batch: 2 } })));
  const [parameter] = network.parameters;
  assert.deepEqual(parameter?.shape, [4, 3, 3, 3]);
  assert.deepEqual(initialise(network, 1).parameters, randomArray([4, 3, 3, 3], 1).data);
  assert.throws(() => networkFromModel(convolved, { output: "z" }), /the model has no output z: its outputs are y/);
});
