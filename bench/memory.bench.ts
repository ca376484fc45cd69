// Peak memory of index, train and predict on few and on many simulated slices: it must not grow with them.
// npm run bench:memory [-- --json FILE] [-- --many N]      Linux only: reads the peak from /proc.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { peakOf } from "./peak.ts";

const { values } = parseArgs({ options: { json: { type: "string" }, many: { type: "string", default: "20000" } } });
const slicesAStudy = 40;

const folder = mkdtempSync(join(tmpdir(), "ichor-memory-"));
const results = [];
for (const slices of [2000, Number(values.many)]) {
  const at = (name: string) => join(folder, String(slices), name);
  const studies = String(slices / slicesAStudy);
  const sizes = ["--matrix", "128", "--slices", String(slicesAStudy), "--test-studies", "0"];
  const phantom = await peakOf(["phantom", "--out", at("data"), "--studies", studies, ...sizes]);
  const index = await peakOf(["index", at("data"), "--out", at("index")]);
  const train = await peakOf(["train", "--data", at("index"), "--run", at("run"), "--set", "epochs=1"]);
  const predict = await peakOf([
    "predict",
    at("data/stage_2_train"),
    "--model",
    at("run/model.onnx"),
    "--out",
    at("found"),
  ]);
  results.push({ slices, phantom, index, train, predict });
  console.log(JSON.stringify(results.at(-1)));
}
rmSync(folder, { recursive: true });
const report = { what: "peak resident memory by command, MB", machine: cpus()[0]?.model, results };
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
