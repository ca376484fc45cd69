import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { must, ok, type Result } from "../base/index.ts";
import type { NetworkState } from "../models/index.ts";
import type { Making } from "../runtime/index.ts";
import type { Position } from "./checkpoint.ts";
import { defaultConfig, type TrainingConfig } from "./config.ts";
import { type LoopParts, type LoopState, trainOn } from "./loop.ts";
import { openMetricsLog, readMetricsLog } from "./metrics-log.ts";
import { firstScaling } from "./update-settings.ts";

const rows = Int32Array.from({ length: 26 }, (_, row) => row);
const labels = Float32Array.from({ length: 26 * 6 }, (_, at) => (Math.floor(at / 6) % 4 === 0 ? 1 : 0));
const batchSize = 4;
const stepsPerEpoch = 6;
const start: Position = {
  version: 1,
  fingerprint: "f",
  epoch: 1,
  step: 0,
  steps: 0,
  lossSum: 0,
  seconds: 0,
  metricsBytes: 0,
};

const startOf = (config: TrainingConfig): Position => {
  const scaling = firstScaling(config);
  return scaling === undefined ? start : { ...start, scaling };
};

/** A loop whose state is one number that depends on every row of every step in order. */
function fakeLoop(o: {
  readonly config?: Partial<TrainingConfig>;
  readonly from?: { readonly state: LoopState; readonly value: number };
  readonly folder: string;
  readonly stopAfter?: number;
  readonly losses?: (epoch: number) => number | undefined;
  readonly breakAt?: number;
  /** Steps, counted over all epochs from 1, whose gradient is not finite. */
  readonly overflows?: readonly number[];
}) {
  const config = { ...defaultConfig("cnn"), epochs: 4, batchSize, ...o.config };
  const held = { value: o.from?.value ?? 1, taken: 0, named: [] as string[] };
  const saved: { state: LoopState; value: number }[] = [];
  const stop = new AbortController();
  const log = must(openMetricsLog(join(o.folder, "metrics.jsonl"), o.from?.state.position.metricsBytes ?? 0));
  const parts: LoopParts = {
    config,
    engine: {
      feeds: (taken, steps, scaling) => ({ rate: Float32Array.of(taken / steps + (scaling?.scale ?? 0) / 64) }),
    },
    session: {
      async step(feeds, making) {
        const { rate } = feeds;
        const { now, next } = making as Making<{ readonly hu: Float32Array; readonly name: string }>;
        const names = [now, next].map((batch) => batch?.task.name);
        held.named.push(names.join(" "));
        if (now === undefined) assert.fail("a step without a batch");
        held.taken++;
        if (held.taken === o.stopAfter) stop.abort();
        for (const value of now.task.hu) held.value = Math.fround(held.value * 0.9 + value * 0.01 + (rate?.[0] ?? 0));
        const finite = !(o.overflows ?? []).includes(held.taken + (o.from?.state.position.steps ?? 0));
        return { loss: held.taken === o.breakAt ? Number.NaN : held.value, finite, feeds };
      },
      read: async () => ({ parameters: Float32Array.of(held.value), buffers: new Float32Array() }),
    },
    batches: {
      ask({ rows: wanted, epoch, step }) {
        // The loop passes a task on unseen: here it is the batch itself.
        const task = { hu: Float32Array.from(wanted, (row) => row + epoch / 8), name: `${epoch}/${step}` };
        const made = { id: epoch * stepsPerEpoch + step, task: task as never };
        return { feeds: Promise.resolve({ labels: new Float32Array(batchSize * 6) }), made };
      },
      reuse({ labels: spent }) {
        assert.equal(spent?.length, batchSize * 6);
      },
    },
    rows,
    labels,
    batchSize,
    stepsPerEpoch,
    log,
    async validate(state: NetworkState, note) {
      const epoch = Number(/epoch (\d+)/.exec(note)?.[1]);
      const loss = o.losses === undefined ? state.parameters[0]! : o.losses(epoch);
      return ok(loss === undefined ? undefined : { loss, aucAny: undefined, operatingPoints: {} as never });
    },
    async save(position, best) {
      saved.push({ state: { position, best }, value: held.value });
      return ok(undefined);
    },
    saveBest: () => ok(undefined),
    clock: () => 0, // no time passes: the lines are equal byte for byte
    checkpointMs: 0,
    task: { advance() {}, done() {} },
    signal: stop.signal,
  };
  return {
    parts,
    held,
    saved,
    log,
    run: () => trainOn(parts, o.from?.state ?? { position: startOf(config), best: undefined }),
  };
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "ichor-loop-"));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function problemKind(result: Result<unknown>): string {
  return result.kind === "problem" ? result.problem.kind : assert.fail("no problem");
}

test("from each of its checkpoints a training ends in the same state, with the same log", () =>
  inFolder(async (folder) => {
    const whole = fakeLoop({ folder });
    const end = must(await whole.run());
    const log = readFileSync(join(folder, "metrics.jsonl"), "utf8");
    assert.equal(whole.saved.length, 4 * (stepsPerEpoch + 1));
    for (const from of whole.saved) {
      const again = fakeLoop({ folder, from });
      assert.deepEqual(must(await again.run()), end);
      assert.equal(again.held.value, whole.held.value);
      assert.equal(readFileSync(join(folder, "metrics.jsonl"), "utf8"), log);
      again.log.close();
    }
    whole.log.close();
  }));

test("the loss scale halves at an overflow and doubles after steps without one, from each checkpoint on alike", () =>
  inFolder(async (folder) => {
    const config = { lossScale: "dynamic", lossScaleGrowth: 5 } as const;
    const overflows = [2, 3, 9];
    const whole = fakeLoop({ folder, config, overflows });
    const end = must(await whole.run());
    // 24 steps: down at 2, 3 and 9, up at 8, 14, 19 and 24.
    assert.deepEqual(end.position.scaling, { scale: 2 ** 17, since: 0, skipped: 3 });
    for (const from of whole.saved) {
      const again = fakeLoop({ folder, config, overflows, from });
      assert.deepEqual(must(await again.run()), end);
      assert.equal(again.held.value, whole.held.value);
      again.log.close();
    }
    whole.log.close();
  }));

test("a loss that is no number while the scale can fall is a skipped step; a fixed scale stays, and it diverges", () =>
  inFolder(async (folder) => {
    const dynamic = fakeLoop({ folder, config: { lossScale: "dynamic", epochs: 1 }, breakAt: 2, overflows: [2] });
    const { position } = must(await dynamic.run());
    assert.deepEqual(position.scaling, { scale: 2 ** 15, since: 4, skipped: 1 });
    assert.ok(position.best !== undefined);
    dynamic.log.close();
    const fixed = fakeLoop({ folder, config: { lossScale: 8 }, breakAt: 2, overflows: [2] });
    assert.equal(problemKind(await fixed.run()), "diverged");
    fixed.log.close();
  }));

test("an interrupt after any step leaves a checkpoint of that step", () =>
  inFolder(async (folder) => {
    for (let stopAfter = 1; stopAfter < 3 * stepsPerEpoch; stopAfter++) {
      const loop = fakeLoop({ folder, stopAfter });
      assert.equal(problemKind(await loop.run()), "interrupted");
      const position = loop.saved.at(-1)!.state.position;
      // Between the last step of an epoch and the next epoch lies the validation, which is done first.
      assert.equal(position.steps, stopAfter);
      loop.log.close();
    }
  }));

test("a step names the batch of the next one too, the last of an epoch none", () =>
  inFolder(async (folder) => {
    const loop = fakeLoop({ folder, stopAfter: stepsPerEpoch + 1 });
    await loop.run();
    const expected = ["1/0 1/1", "1/1 1/2", "1/2 1/3", "1/3 1/4", "1/4 1/5", "1/5 ", "2/0 2/1"];
    assert.deepEqual(loop.held.named, expected);
    loop.log.close();
  }));

test("the epoch of the lowest validation loss is the best, the first of several", () =>
  inFolder(async (folder) => {
    const losses = [0.5, 0.3, 0.4, 0.3];
    const loop = fakeLoop({ folder, losses: (epoch) => losses[epoch - 1] });
    const { position } = must(await loop.run());
    assert.deepEqual(position.best, { epoch: 2, validationLoss: 0.3 });
    const epochs = must(readMetricsLog(join(folder, "metrics.jsonl"))).filter(({ kind }) => kind === "epoch");
    assert.deepEqual(
      epochs.map(({ bestEpoch }) => bestEpoch),
      [1, 2, 2, 2],
    );
    loop.log.close();
  }));

test("patience stops after so many epochs that are no better, and stays stopped on resume", () =>
  inFolder(async (folder) => {
    const losses = (epoch: number) => (epoch === 1 ? 0.1 : 0.2);
    const loop = fakeLoop({ folder, config: { patience: 2 }, losses });
    const end = must(await loop.run());
    assert.equal(end.position.epoch, 4); // epochs 1 to 3 were run
    const again = fakeLoop({ folder, config: { patience: 2 }, losses, from: loop.saved.at(-1)! });
    assert.deepEqual(must(await again.run()), { ...end, position: loop.saved.at(-1)!.state.position });
    assert.equal(again.held.taken, 0);
    loop.log.close();
    again.log.close();
  }));

test("without a validation fold the last epoch is the best", () =>
  inFolder(async (folder) => {
    const loop = fakeLoop({ folder, losses: () => undefined });
    assert.deepEqual(must(await loop.run()).position.best, { epoch: 4 });
    loop.log.close();
  }));

test("a loss that is no number ends the training with advice, and no checkpoint of it", () =>
  inFolder(async (folder) => {
    const loop = fakeLoop({ folder, breakAt: 3 });
    const result = await loop.run();
    assert.equal(problemKind(result), "diverged");
    assert.equal(loop.saved.at(-1)?.state.position.steps, 2);
    loop.log.close();
  }));
