// Runs the tests of src/ and test/ with Node's runner: `npm test`, or `node test/run.mjs src/ct` for a part of them.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";

const wanted = process.argv.slice(2).map((part) => join(part));
const files = ["src", "test"]
  .flatMap((folder) => readdirSync(folder, { recursive: true }).map((name) => join(folder, name)))
  .filter((name) => name.endsWith(".test.ts"))
  .filter((name) => wanted.length === 0 || wanted.some((part) => name.startsWith(part)))
  .sort();
if (files.length === 0) {
  console.error(`no test file under ${wanted.join(", ")}`);
  process.exit(2);
}
const run = spawnSync(process.execPath, ["--import", "tsx", "--test", "--test-concurrency=2", ...files], {
  stdio: "inherit",
});
process.exit(run.status ?? 1);
