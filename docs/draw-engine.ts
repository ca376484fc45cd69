// Draws the training step of a tiny network before and after lowering: `npm run docs` writes docs/engine.svg.
import { trainingProgram } from "../src/autodiff/index.ts";
import { must } from "../src/base/index.ts";
import { writeFileAtomic } from "../src/machine/index.ts";
import { writeNetwork } from "../src/models/layers.ts";
import { buildGraph, float, type Graph, int, ints, type Network, type Node } from "../src/onnx/index.ts";
import { lowerProgram } from "../src/runtime/blocked/lower.ts";

/** Image → 3×3 convolution → batch normalisation → ReLU → mean over the plane → dense layer. */
function tiny(): Network {
  const net = writeNetwork(buildGraph("tiny"));
  const { g } = net;
  const initial = { kind: "constant", value: 0 } as const;
  const image = g.input("image", { element: "float32", shape: [4, 16, 32, 32] });
  const w = net.parameter("w", [16, 16, 3, 3], { initial });
  const [scale, shift] = [net.parameter("scale", [16], { initial }), net.parameter("shift", [16], { initial })];
  const [mean, variance] = [net.buffer("mean", 16, 0), net.buffer("variance", 16, 1)];
  const y = g.node("Conv", [image, w], { kernel_shape: ints([3, 3]), pads: ints([1, 1, 1, 1]) });
  const z = g.node("Relu", [g.node("BatchNormalization", [y, scale, shift, mean, variance], { epsilon: float(1e-5) })]);
  const features = g.node("Flatten", [g.node("GlobalAveragePool", [z])]);
  const head = net.parameter("head", [6, 16], { initial });
  g.output(g.node("Gemm", [features, head], { transB: int(1) }), "slice_logits");
  return net.finish();
}

type Phase = "forward" | "backward" | "optimiser";
const inks: Readonly<Record<Phase, string>> = { forward: "#1b5e9b", backward: "#c2702a", optimiser: "#5b7f3a" };

interface Box {
  readonly node: Node;
  readonly phase: Phase;
  readonly label: string;
  readonly blocked: boolean;
  readonly from: readonly number[];
  readonly layer: number;
}

/** What each node is there for: before the loss, before the flat gradient, after it. */
function phaseOf(nodes: readonly Node[]): (node: Node) => Phase {
  const producers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const behind = (start: Node | undefined) => {
    const found = new Set<Node>();
    const visit = (node: Node | undefined): void => {
      if (node === undefined || found.has(node)) return;
      found.add(node);
      for (const name of node.inputs) visit(producers.get(name));
    };
    visit(start);
    return found;
  };
  const loss = nodes.find(({ op }) => op === "WeightedCrossEntropy");
  const forward = behind(loss);
  const gradient = behind(nodes.find(({ op, inputs }) => op === "Concat" && inputs.length === 4));
  return (node) => (forward.has(node) ? "forward" : gradient.has(node) ? "backward" : "optimiser");
}

/** The boxes of a picture: nodes that only move or name numbers, and arithmetic on a number a channel, are left out. */
function boxesOf(graph: Graph): readonly Box[] {
  const size = (name: string) =>
    (graph.types.get(name)?.shape ?? []).reduce<number>((product, length) => product * Number(length), 1);
  const phase = phaseOf(graph.nodes);
  const shown = graph.nodes.filter(
    (node) =>
      !/^(Reshape|Split|Identity|Flatten)$/.test(node.op) &&
      (size(node.outputs[0]!) > 100 || phase(node) !== "forward" || node.op === "WeightedCrossEntropy") &&
      (size(node.outputs[0]!) > 80 || node.domain !== "" || /Gemm|Conv/.test(node.op)),
  );
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const boxes: Box[] = [];
  const placed = new Map<Node, number>();
  /** Boxes that a value comes from, seen through the nodes that are left out. */
  const origins = (name: string, seen: Set<string>): readonly number[] => {
    if (seen.has(name)) return [];
    seen.add(name);
    const node = producers.get(name);
    if (node === undefined) return [];
    const own = placed.get(node);
    return own === undefined ? node.inputs.flatMap((input) => origins(input, seen)) : [own];
  };
  for (const node of shown) {
    const seen = new Set<string>();
    const from = [...new Set(node.inputs.flatMap((name) => origins(name, seen)))];
    const layer = from.reduce((deepest, index) => Math.max(deepest, boxes[index]!.layer + 1), 0);
    placed.set(node, boxes.length);
    boxes.push({ node, phase: phase(node), label: labelOf(node), blocked: node.domain.endsWith("nchwc"), from, layer });
  }
  return boxes;
}

function labelOf({ op, domain, attributes }: Node): string {
  if (!domain.endsWith("nchwc") || op !== "Conv") return op.replace("BatchNormalization", "BatchNorm");
  const kernel = attributes["kernel_shape"]?.kind === "ints" ? attributes["kernel_shape"].value : [];
  const group = attributes["group"]?.kind === "int" ? attributes["group"].value : 1;
  const activation = attributes["activation"]?.kind === "string" ? attributes["activation"].value : "";
  if (activation === "HardSigmoid") return "where y > 0";
  const affine = group > 1 && kernel.join() === "1,1";
  const kind = affine ? "scale, shift" : kernel.join("×").length > 3 ? "Σ dy·x" : `Conv ${kernel.join("×")}`;
  return activation === "" ? kind : `${kind} + ${activation}`;
}

const [width, height, gapX, gapY] = [132, 24, 16, 16];

/** One panel: layers from top to bottom, the boxes of a layer side by side. */
function panel(graph: Graph, title: string): { readonly svg: string; readonly width: number; readonly height: number } {
  const boxes = boxesOf(graph);
  const columns = new Map<number, number>();
  const places = boxes.map(({ layer }) => {
    const column = columns.get(layer) ?? 0;
    columns.set(layer, column + 1);
    return { x: column * (width + gapX), y: 42 + layer * (height + gapY) };
  });
  const edges = boxes.flatMap(({ from }, index) =>
    from.map((source) => {
      const [a, b] = [places[source]!, places[index]!];
      const [x1, y1, x2, y2] = [a.x + width / 2, a.y + height, b.x + width / 2, b.y];
      const bend = Math.max(12, (y2 - y1) / 3);
      return `<path d="M${x1} ${y1}C${x1} ${y1 + bend} ${x2} ${y2 - bend} ${x2} ${y2}" fill="none" stroke="#c3c8cf"/>`;
    }),
  );
  const drawn = boxes.map(({ phase, label, blocked }, index) => {
    const { x, y } = places[index]!;
    const fill = blocked ? inks[phase] : "#ffffff";
    return `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="5" fill="${fill}" stroke="${inks[phase]}" stroke-width="1.4"/><text x="${x + width / 2}" y="${y + 16}" text-anchor="middle" fill="${blocked ? "#ffffff" : inks[phase]}">${label}</text>`;
  });
  const [most, deep] = [Math.max(...columns.values()), Math.max(...columns.keys()) + 1];
  return {
    svg: `<text x="0" y="14" font-weight="600" fill="#3c424b">${title}</text>${edges.join("")}${drawn.join("")}`,
    width: most * (width + gapX) - gapX,
    height: 42 + deep * (height + gapY),
  };
}

const program = trainingProgram(tiny(), {
  optimiser: { kind: "sgd", momentum: 0.9 },
  lossWeights: [1, 1, 1, 1, 1, 2],
});
const panels = [
  panel(program.model.graph, "Portable: plain operators and composites, as any provider runs it"),
  panel(lowerProgram(program, 16).model.graph, "Lowered for a CPU: filled boxes work on the blocked layout"),
];
const margin = 20;
let left = margin;
const parts = panels.map((one) => {
  const part = `<g transform="translate(${left} ${margin})">${one.svg}</g>`;
  left += Math.max(one.width, 420) + 2 * margin;
  return part;
});
const tall = Math.max(...panels.map((one) => one.height)) + margin;
const legend = (Object.keys(inks) as Phase[]).map(
  (phase, index) =>
    `<text x="${margin + index * 90}" y="${tall + 8}" fill="${inks[phase]}" font-weight="600">${phase}</text>`,
);
const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${left} ${tall + margin}" font-family="system-ui, sans-serif" font-size="11"><rect width="100%" height="100%" fill="#ffffff"/>${parts.join("")}${legend.join("")}</svg>\n`;
must(writeFileAtomic("docs/engine.svg", svg));
