import { labelCount } from "../labels/index.ts";
import {
  bindDimensions,
  buildGraph,
  type Dimension,
  type Network,
  networkFromModel,
  replaceHead,
  type Value,
} from "../onnx/index.ts";
import { cnnWindows } from "./cnn.ts";
import { windowLayer, writeNetwork } from "./layers.ts";
import type { Batch, NetworkSettings } from "./network-settings.ts";

/**
 * A network from an ONNX file: HU in windows, a learned 1×1 convolution to as many channels as the file's image input has
 * (it starts as the mean of each window over the neighbours), the file's network, and six logits in place of its last
 * dense layer. Throws where the file has another form, with what to do.
 */
export function imported({ backbone, size, neighbours }: NetworkSettings, batch: Batch): Network {
  if (backbone === undefined) throw new Error("there is no backbone: give settings.backbone");
  const body = replaceHead(
    networkFromModel({ graph: bindDimensions(backbone, lengthsOf(backbone, { size, batch })) }),
    {
      outputs: labelCount,
    },
  );
  const held = new Set([...body.parameters, ...body.buffers].map(({ name }) => name));
  const image = body.graph.inputs.find(({ name }) => !held.has(name))!;
  const types = new Map([...body.graph.types].filter(([name]) => name !== image.name));
  const inputs = body.graph.inputs.filter((input) => input !== image);
  // The builder knows the names of the file, so that what is written here has others.
  const { constants, opset, literals } = body.graph;
  const known = { ...(opset !== undefined && { opset }), ...(literals && { literals }) };
  const g = buildGraph("imported", { ...known, inputs, constants, types });
  const front = writeNetwork(g);
  const hu = g.input("hu", { element: "float32", shape: [batch, neighbours, size, size] });
  const windows = windowLayer(g, hu, cnnWindows);
  const [channels, from] = [Number(image.type.shape[1]), neighbours * cnnWindows.length];
  const values = Float32Array.from({ length: channels * from }, (_, at) => {
    const [channel, source] = [Math.floor(at / from), at % from];
    return source % cnnWindows.length === channel % cnnWindows.length ? 1 / neighbours : 0;
  });
  const initial = { kind: "values", values } as const;
  const w = front.parameter("channels.weight", [channels, from, 1, 1], { initial, decay: "decay" });
  const b = front.parameter("channels.bias", [channels], { initial: { kind: "constant", value: 0 } });
  g.node("Conv", [windows, w, b], {}, { names: [image.name] });
  const { graph, parameters } = front.finish();
  const written = graph.nodes.map((node) => ({ ...node, name: `windows/${node.name}` }));
  return {
    graph: { ...graph, nodes: [...written, ...body.graph.nodes], outputs: body.graph.outputs },
    parameters: [...parameters, ...body.parameters],
    buffers: body.buffers,
  };
}

/** What the named batch of the file's image input is. */
function lengthsOf(
  { inputs }: { readonly inputs: readonly Value[] },
  { size, batch }: { readonly size: number; readonly batch: Batch },
): Readonly<Record<string, Dimension>> {
  const [image, ...others] = inputs;
  const shape = image?.type.shape ?? [];
  const [count, channels, ...sides] = shape;
  if (others.length > 0 || shape.length !== 4 || typeof channels !== "number") {
    const shown = inputs.map(({ name, type }) => `${name} [${type.shape.join(", ")}]`).join("; ");
    throw new Error(`its inputs are ${shown}: export it with one image [batch, channels, rows, columns]`);
  }
  if (typeof count !== "string") {
    throw new Error(`its batch is fixed at ${count}: export it with a dynamic batch dimension`);
  }
  const fixed = sides.find((side) => typeof side === "number" && side !== size);
  if (fixed !== undefined) throw new Error(`it wants images of ${sides.join("×")}: set preprocessing.size=${fixed}`);
  return { [count]: batch };
}
