import assert from "node:assert/strict";
import { test } from "node:test";
import { askOracle, without } from "../../test/python.ts";
import { learningRate, type ScheduleSettings, schedules } from "./schedule.ts";

const skip = without("python3-torch", "torch");

const settings = { schedule: "cosine", warmup: 0.1, learningRate: 2, epochs: 10 } as const;

test("cosine rises over the warm-up, peaks, and falls towards 0", () => {
  const rate = (step: number) => learningRate(settings, step, 100);
  assert.equal(rate(0), 0.2);
  assert.equal(rate(9), 2);
  assert.equal(rate(10), 2);
  assert.ok(Math.abs(rate(55) - 1) < 1e-12);
  assert.ok(rate(99) > 0 && rate(99) < 0.001);
  for (let step = 11; step < 100; step++) assert.ok(rate(step) < rate(step - 1));
});

test("constant stays, and one step alone is taken at a rate that is a number", () => {
  assert.equal(learningRate({ ...settings, schedule: "constant", learningRate: 0.1 }, 0, 10), 0.1);
  assert.equal(learningRate({ ...settings, warmup: 0.05, learningRate: 0.1 }, 0, 1), 0.1);
  for (const schedule of Object.keys(schedules) as ScheduleSettings["schedule"][])
    assert.ok(learningRate({ ...settings, schedule, warmup: 0 }, 0, 1) > 0, schedule);
});

test("every schedule is PyTorch's", { skip }, () => {
  const asked: readonly ScheduleSettings[] = [
    settings,
    { ...settings, warmup: 0, learningRate: 0.3 },
    { ...settings, schedule: "constant" },
    { ...settings, schedule: "linear" },
    { ...settings, schedule: "linear", warmup: 0 },
    { ...settings, schedule: "step", dropEvery: 3, dropFactor: 0.5 },
    { ...settings, schedule: "step", warmup: 0 },
    { ...settings, schedule: "onecycle", warmup: 0.3 },
    { ...settings, schedule: "onecycle", warmup: 0.25, learningRate: 0.1 },
  ];
  const steps = 70;
  const told = JSON.parse(askOracle("torch_schedules.py", [], { asked, steps })) as readonly (readonly number[])[];
  for (const [index, schedule] of asked.entries()) {
    const ours = Array.from({ length: steps }, (_, step) => learningRate(schedule, step, steps));
    ours.forEach((rate, step) => {
      const apart = Math.abs(rate - told[index]![step]!);
      assert.ok(apart < 1e-9, `${JSON.stringify(schedule)}, step ${step}: ${rate}, PyTorch ${told[index]![step]}`);
    });
  }
});
