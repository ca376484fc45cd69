import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { must, silent } from "../../base/index.ts";
import { type StorySize, tellStory } from "./demo-story.ts";

const folder = mkdtempSync(join(tmpdir(), "ichor-demo-"));
after(() => rmSync(folder, { recursive: true }));

/** Learns nothing, but takes every turn of the road, evidence included. */
const small: StorySize = {
  version: 1,
  studies: 14,
  slices: 6,
  matrix: 64,
  seed: 5,
  fresh: { studies: 2, seed: 6 },
  train: { model: "cnn", sets: ["epochs=1", "width=8", "preprocessing.size=32"] },
};
const work = { threads: 2, progress: silent, signal: new AbortController().signal };

test("a story is interrupted, goes on, is told to its end, and then is finished", async () => {
  const out = join(folder, "a story");
  const stopped = await tellStory(out, { ...work, signal: AbortSignal.abort() }, small);
  assert.equal(stopped.kind, "problem");
  assert.equal(stopped.kind === "problem" && stopped.problem.kind, "interrupted");
  assert.match(stopped.kind === "problem" ? stopped.problem.next : "", /^go on: npx ichor demo --out '.*a story'$/);

  const told = must(await tellStory(out, work, small));
  assert.equal(told.work, "told");
  assert.equal(told.fresh.length, 2);
  for (const { truth } of told.fresh) assert.ok(truth !== undefined);
  const page = readFileSync(told.places.summary, "utf8");
  for (const words of [
    "Not a medical device",
    "data:image/png",
    "<svg",
    "prevalence",
    told.evaluation.provenance.detector,
  ]) {
    assert.ok(page.includes(words), words);
  }
  assert.doesNotMatch(page, /<script|(src|href)="(?!data:)|url\(/);

  const again = must(await tellStory(out, work, small));
  assert.deepEqual(again, { ...told, work: "was finished" });
});

test("a folder of somebody else's is left alone, and so is another demo's", async () => {
  const foreign = mkdtempSync(join(folder, "foreign-"));
  writeFileSync(join(foreign, "thesis.txt"), "years of work");
  const refused = await tellStory(foreign, work, small);
  assert.equal(refused.kind === "problem" && refused.problem.kind, "folder in use");
  writeFileSync(join(foreign, "demo.json"), JSON.stringify({ size: {}, status: "finished", seconds: 1 }));
  const other = await tellStory(foreign, work, small);
  assert.equal(other.kind === "problem" && other.problem.kind, "another version's demo");
  assert.equal(readFileSync(join(foreign, "thesis.txt"), "utf8"), "years of work");
});
