import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { must, random, silent } from "../base/index.ts";
import { readHu, readSliceHeader } from "../ct/index.ts";
import { labels, parseLabelId } from "../labels/index.ts";
import { type Bleed, type BleedType, bleeds, bleedTypes } from "./bleeds.ts";
import { anyPlace, drawHead, locate, type Place } from "./head.ts";
import { makePhantom } from "./make-phantom.ts";
import { paintSlice, type Scene } from "./paint.ts";
import { drawScene, identities, visibleMm2 } from "./study.ts";
import { tissueAt } from "./tissue.ts";

const root = mkdtempSync(join(tmpdir(), "ichor-phantom-"));
after(() => rmSync(root, { recursive: true }));

const make = (out: string, o: { seed?: number; threads?: number; studies?: number; signal?: AbortSignal } = {}) =>
  makePhantom({
    out,
    studies: o.studies ?? 3,
    seed: o.seed ?? 4,
    matrix: 48,
    slices: 6,
    testStudies: 1,
    threads: o.threads ?? 1,
    progress: silent,
    signal: o.signal ?? new AbortController().signal,
  });

const digest = (folder: string): string => {
  const hash = createHash("sha256");
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" }).sort()) {
    if (/\.(dcm|csv)$/.test(name)) hash.update(name).update(readFileSync(join(folder, name)));
  }
  return hash.digest("hex");
};

test("the same seed gives the same bytes whatever the threads, another seed gives others", async () => {
  for (const [name, o] of Object.entries({ one: { threads: 1 }, two: { threads: 3 }, other: { seed: 5 } }))
    must(await make(join(root, name), o));
  assert.equal(digest(join(root, "two")), digest(join(root, "one")));
  assert.notEqual(digest(join(root, "other")), digest(join(root, "one")));
});

test("the label table has six rows for each training slice and none for a test slice", async () => {
  const out = join(root, "table");
  const summary = must(await make(out));
  const [header, ...lines] = readFileSync(summary.labelTable, "utf8").trim().split("\n");
  assert.equal(header, "ID,Label");
  const ids = new Set(lines.map((line) => parseLabelId(line.split(",")[0]!)!.sliceId));
  const files = readdirSync(join(out, "stage_2_train")).map((name) => name.slice(0, -4));
  assert.deepEqual([...ids].sort(), files.sort());
  assert.equal(lines.length, files.length * labels.length);
  assert.deepEqual([summary.slices, summary.testSlices], [18, 6]);
  assert.equal(readdirSync(join(out, "stage_2_test")).length, 6);
});

test("every file is a slice of a CT that says that it is simulated; each study is another patient's", async () => {
  const out = join(root, "files");
  must(await make(out));
  const patients = new Map<string, string>();
  for (const part of ["stage_2_train", "stage_2_test"]) {
    for (const name of readdirSync(join(out, part))) {
      const path = join(out, part, name);
      const outcome = readSliceHeader(path);
      assert.ok(outcome.kind === "slice", name);
      assert.equal(patients.get(outcome.header.patient) ?? outcome.header.study, outcome.header.study);
      patients.set(outcome.header.patient, outcome.header.study);
      const { hu } = must(readHu(path, outcome));
      assert.ok(hu.every((value) => value >= -3100 && value <= 3071));
      assert.match(readFileSync(path, "latin1"), /simulated by Ichor/);
      const tags = [...outcome.dataSet.elements.keys()].filter((tag) => tag >= 0x00080000);
      assert.deepEqual(tags, competitionTags.concat(imageComments).sort(byNumber));
    }
  }
  assert.equal(patients.size, 4);
});

const byNumber = (one: number, other: number) => one - other;
const imageComments = 0x00204000;

/** The elements before the pixel data in every file of the competition that was looked at. */
const competitionTags = [
  0x00080018, 0x00080060, 0x00100020, 0x0020000d, 0x0020000e, 0x00200010, 0x00200032, 0x00200037, 0x00280002,
  0x00280004, 0x00280010, 0x00280011, 0x00280030, 0x00280100, 0x00280101, 0x00280102, 0x00280103, 0x00281050,
  0x00281051, 0x00281052, 0x00281053,
];

test("a folder in use is refused, a file in the way too, an interrupt leaves no label table", async () => {
  const used = join(root, "used");
  mkdirSync(used);
  writeFileSync(join(used, "mine.txt"), "");
  const refused = await make(used);
  assert.equal(refused.kind === "problem" && refused.problem.kind, "folder in use");
  const file = await make(join(used, "mine.txt"));
  assert.equal(file.kind, "problem");
  const interrupted = await make(join(root, "interrupted"), { signal: AbortSignal.abort() });
  assert.equal(interrupted.kind === "problem" && interrupted.problem.kind, "interrupted");
  assert.throws(() => readFileSync(join(root, "interrupted", "stage_2_train.csv")));
});

test("an interrupt ends the work within a study, and the next run refuses what it left", async () => {
  const out = join(root, "stopped");
  const ctrlC = new AbortController();
  let ended = false;
  const work = makePhantom({ ...whole, out, signal: ctrlC.signal }).finally(() => {
    ended = true;
  });
  while (!existsSync(join(out, "stage_2_train")) && !ended) await setTimeout(20);
  ctrlC.abort();
  const stopped = await work;
  assert.equal(stopped.kind === "problem" && stopped.problem.kind, "interrupted");
  const slices = readdirSync(join(out, "stage_2_train")).filter((name) => name.endsWith(".dcm")).length;
  assert.ok(slices < whole.slices, `all ${slices} slices of the study were made before it stopped`);
  const again = await makePhantom({ ...whole, out, signal: new AbortController().signal });
  assert.equal(again.kind === "problem" && again.problem.kind, "folder in use");
});

test("a number that makes no study is refused by its name before a folder is made", async () => {
  const out = join(root, "sizes");
  const signal = new AbortController().signal;
  for (const wrong of [{ studies: 0 }, { matrix: 8 }, { slices: 2.5 }, { threads: 0 }, { testStudies: -1 }]) {
    const refused = await makePhantom({ ...whole, ...wrong, out, signal });
    assert.ok(refused.kind === "problem");
    assert.deepEqual([refused.problem.kind, refused.problem.where], ["size", Object.keys(wrong)[0]]);
  }
  assert.ok(!existsSync(out));
});

/** Some 15 s of work: it is stopped when its folder is there. */
const whole = { studies: 1, seed: 1, matrix: 512, slices: 200, testStudies: 0, threads: 1, progress: silent };

test("tissues have the HU of a head: air, fat, bone, fluid, brain", () => {
  const head = drawHead(1);
  const at = (x: number, y: number, z: number) => {
    const place = locate(head, { ...anyPlace(), x, y, z });
    return { hu: tissueAt(head, place), place };
  };
  assert.equal(at(200, 0, 50).hu, -1000);
  const brain = at(30, 20, 80);
  assert.ok(brain.place.inside > 10 && brain.hu > 20 && brain.hu < 45);
  assert.ok(at(12, 10, 67).hu < 15, "lateral ventricle");
  const skull = Array.from({ length: 200 }, (_, mm) => at(mm / 2, 0, 60)).filter(
    ({ place }) => place.depth > head.scalp && place.inside < 0,
  );
  assert.ok(skull.length > 5 && skull.every(({ hu }) => hu > 400 && hu < 1500));
});

/** Places of blood of a type, over many draws. */
function placesOf(type: BleedType): { place: Place; share: number }[] {
  const found: { place: Place; share: number }[] = [];
  for (let seed = 0; seed < 12; seed++) {
    const head = drawHead(seed);
    const { share } = bleeds[type].draw(random(seed, "test"), head);
    for (let z = 30; z < 110; z += 6)
      for (let x = -80; x <= 80; x += 3)
        for (let y = -100; y <= 100; y += 3) {
          const place = locate(head, { ...anyPlace(), x, y, z });
          if (place.depth > 0 && place.inside > -1 && share(place) > 0.5) found.push({ place, share: share(place) });
        }
  }
  return found;
}

test("each type of bleed lies where it belongs", () => {
  const rules: Readonly<Record<BleedType, (place: Place) => boolean>> = {
    epidural: ({ inside }) => inside < 26,
    subdural: ({ inside, x }) => inside < 15 || Math.abs(x) < 8,
    intraparenchymal: ({ inside }) => inside > 1,
    intraventricular: ({ ventricle }) => ventricle < 1,
    subarachnoid: ({ sulcus }) => sulcus > 0.3,
  };
  for (const type of bleedTypes) {
    const places = placesOf(type);
    assert.ok(places.length > 30, `${type}: ${places.length} places`);
    assert.deepEqual(places.filter(({ place }) => !rules[type](place)).length, 0, type);
  }
});

test("a label is given exactly where the painted blood covers the stated area, and the blood is 50 to 95 HU", () => {
  let positives = 0;
  for (let index = 0; index < 12; index++) {
    const scene = drawScene({ seed: 3, part: "train", index, matrix: 64, slices: 8 });
    const bare = { ...scene, bleeds: [] as readonly Bleed[] };
    for (let slice = 0; slice < 8; slice++) {
      const [bled, healthy] = [paintSlice(scene, slice), paintSlice(bare, slice)];
      const changed = bled.hu.filter((value, at) => value !== healthy.hu[at]);
      if (scene.bleeds.length === 0) assert.equal(changed.length, 0);
      for (const area of bled.areasMm2) {
        if (area < visibleMm2) continue;
        positives++;
        assert.ok(changed.some((value) => value > 50 && value < 95));
      }
    }
  }
  assert.ok(positives > 5);
});

test("no two slices of a large data set share a name, nor two studies a patient", () => {
  const slices = new Set<string>();
  const patients = new Set<string>();
  for (const part of ["train", "test"] as const) {
    for (let index = 0; index < 1000; index++) {
      const id = identities({ seed: 2019, part, index });
      patients.add(id("patient", 0));
      for (let slice = 0; slice < 40; slice++) slices.add(id("slice", slice));
    }
  }
  assert.equal(patients.size, 2000);
  assert.equal(slices.size, 80_000);
  assert.ok([...slices].every((id) => /^ID_[0-9a-f]{9}$/.test(id)));
});

test("a head keeps its shape in a tilted scan: distances by the header are those in the head", () => {
  const drawn = drawScene({ seed: 1, part: "train", index: 0, matrix: 128, slices: 60 });
  const scene = { ...drawn, head: { ...drawn.head, turn: 0.15 }, scan: { ...drawn.scan, tilt: 0.44 } };
  const [from, to] = [[-40, 0, 45] as const, [40, 0, 90] as const];
  const [a, b] = [positionInScanner(scene, from), positionInScanner(scene, to)];
  const apart = Math.hypot(80, 45);
  const measured = Math.hypot(a[0]! - b[0]!, a[1]! - b[1]!, a[2]! - b[2]!);
  assert.ok(Math.abs(measured - apart) < 1, `${measured} mm, expected ${apart} mm`);
});

/** Where a small ball in the head comes to lie by the slices' positions and orientations, mm. */
function positionInScanner(scene: Scene, [x, y, z]: readonly [number, number, number]): readonly number[] {
  const share = (place: Place) => (Math.hypot(place.x - x, place.y - y, place.z - z) < 7 ? 1 : 0);
  const { scan } = scene;
  const sum = [0, 0, 0];
  let count = 0;
  for (let index = 0; index < scan.slices; index++) {
    const { hu } = paintSlice({ ...scene, bleeds: [{ type: "subdural", hu: 9000, share }] }, index);
    for (const [at, value] of hu.entries()) {
      if (value < 5000) continue;
      const across = ((at % scan.matrix) + 0.5 - scan.matrix / 2) * scan.pixelSpacingMm;
      const down = (Math.floor(at / scan.matrix) + 0.5 - scan.matrix / 2) * scan.pixelSpacingMm;
      sum[0]! += across;
      sum[1]! += down * Math.cos(scan.tilt);
      sum[2]! += scan.firstMm + index * scan.stepMm - down * Math.sin(scan.tilt);
      count++;
    }
  }
  assert.ok(count > 20);
  return sum.map((value) => value / count);
}
