// A network of 2 → 16 → 1 learns which of two interleaved moons a point belongs to. Runs as it stands in Node
// (`node examples/tiny-network.mjs`) and in a browser (tiny-network.html beside it).
import * as ichor from "ichor/autodiff";

const batch = 64;
const weights = (name, shape, deviation) => ({ name, shape, initial: { kind: "normal", deviation }, decay: "decay" });
const biases = (name, length) => ({ name, shape: [length], initial: { kind: "constant", value: 0 }, decay: "none" });

/** The network for so many points at a time: points [points, 2] → slice_logits [points, 1]. */
export function tinyNetwork(points) {
  const parameters = [weights("w1", [2, 16], 0.7), biases("b1", 16), weights("w2", [16, 1], 0.25), biases("b2", 1)];
  const g = ichor.buildGraph("tiny");
  const x = g.input("points", { element: "float32", shape: [points, 2] });
  const [w1, b1, w2, b2] = parameters.map(({ name, shape }) => g.input(name, { element: "float32", shape }));
  const hidden = g.node("Relu", [g.node("Add", [g.node("MatMul", [x, w1]), b1])]);
  g.output(g.node("Add", [g.node("MatMul", [hidden, w2]), b2]), "slice_logits");
  return { graph: g.finish(), parameters, buffers: [] };
}

/** Points [batch, 2] on two half circles, and on which of them each lies [batch, 1]. */
export function twoMoons(seed) {
  const { uniform, normal } = ichor.random(seed, "moons");
  const labels = Float32Array.from({ length: batch }, (_, index) => index % 2);
  const points = new Float32Array(2 * batch);
  labels.forEach((label, index) => {
    const angle = Math.PI * (uniform() + label);
    points[2 * index] = Math.cos(angle) + label - 0.5 + 0.1 * normal();
    points[2 * index + 1] = Math.sin(angle) + 0.5 * label - 0.25 + 0.1 * normal();
  });
  return { points, labels };
}

/** Trains it. Answers the losses and the parameters, one after the other in a flat vector. */
export async function train({ steps = 300, provider, log = () => {} } = {}) {
  const network = tinyNetwork(batch);
  const optimiser = { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
  const program = ichor.trainingProgram(network, { optimiser, lossWeights: [1] });
  const start = ichor.initialVectors(program, network, ichor.initialise(network, 1));
  const session = ichor.must(await ichor.openTrainingSession(program, start, { provider, threads: 1 }));
  const losses = [];
  for (let step = 1; step <= steps; step++) {
    const schedule = ichor.optimiserScalars(optimiser, { step, rate: 0.02, decay: 1e-4 });
    losses.push((await session.step({ ...twoMoons(step), ...schedule })).loss);
    if (step === 1 || step % 50 === 0) log(`step ${step}: loss ${losses.at(-1).toFixed(4)} (${session.form})`);
  }
  const { parameters } = await session.read();
  await session.close();
  return { losses, parameters };
}

if (globalThis.process?.argv[1]?.endsWith("tiny-network.mjs")) await train({ log: console.log });
