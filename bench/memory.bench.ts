// Peak memory of index, train and predict on few and on many simulated slices: it must not grow with them.
// npm run bench:memory [-- --json FILE] [-- --many N]      Linux only: reads the peak from /proc.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

const { values } = parseArgs({ options: { json: { type: "string" }, many: { type: "string", default: "20000" } } });
const slicesAStudy = 40;
const main = new URL("../src/cli/main.ts", import.meta.url).pathname;

/** Runs a command; answers its highest resident memory in MB and its seconds. */
function run(args: readonly string[]): Promise<{ mb: number; seconds: number }> {
  const begun = performance.now();
  const child = spawn(process.execPath, ["--import", "tsx", main, ...args], { stdio: ["ignore", "ignore", "inherit"] });
  let kb = 0;
  const look = () => {
    try {
      kb = Math.max(kb, Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1] ?? 0));
    } catch {
      // the process has ended between two looks
    }
  };
  const timer = setInterval(look, 100);
  return new Promise((resolve, reject) => {
    child.on("exit", (code) => {
      clearInterval(timer);
      if (code === 0) resolve({ mb: Math.round(kb / 1024), seconds: Math.round((performance.now() - begun) / 1000) });
      else reject(new Error(`ichor ${args.join(" ")} ended with ${code}`));
    });
  });
}

const folder = mkdtempSync(join(tmpdir(), "ichor-memory-"));
const results = [];
for (const slices of [2000, Number(values.many)]) {
  const at = (name: string) => join(folder, String(slices), name);
  const studies = String(slices / slicesAStudy);
  const sizes = ["--matrix", "128", "--slices", String(slicesAStudy), "--test-studies", "0"];
  const phantom = await run(["phantom", "--out", at("data"), "--studies", studies, ...sizes]);
  const index = await run(["index", at("data"), "--out", at("index")]);
  const train = await run(["train", "--data", at("index"), "--run", at("run"), "--set", "epochs=1"]);
  const predict = await run([
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
