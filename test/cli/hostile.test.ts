// A folder of files that are damaged on purpose, through the command line: it ends, in bounded memory, and tells of each.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { hostileFiles } from "../hostile-files.ts";

const folder = mkdtempSync(join(tmpdir(), "ichor-hostile-"));
after(() => rmSync(folder, { recursive: true }));

/** MiB of the whole process: DuckDB and two workers, each of which may inflate 256 MiB before it refuses; 521 were measured. */
const mostMemory = 1024;

test("ichor index accounts for every damaged file, and accepts none whose pixels are cut off", () => {
  const data = join(folder, "data");
  const out = join(folder, "index");
  mkdirSync(data);
  const files = hostileFiles();
  for (const [name, bytes] of files) writeFileSync(join(data, `${name}.dcm`), bytes);
  const told = 'data:text/javascript,process.on("exit",()=>console.error("maxRSS",process.resourceUsage().maxRSS))';
  const flags = ["--max-old-space-size=256", "--import", "tsx", "--import", told];
  const main = join(import.meta.dirname, "../../src/cli/main.ts");
  const run = spawnSync(process.execPath, [...flags, main, "index", data, "--out", out], { encoding: "utf8" });
  assert.ok(run.status === 0 || run.status === 1, `${run.signal ?? run.status}: ${run.stderr}`);
  const [, kibibytes] = /maxRSS (\d+)/.exec(run.stderr) ?? [];
  assert.ok(Number(kibibytes) < mostMemory * 1024, `${kibibytes} KiB`);
  const [head = "", ...rows] = readFileSync(join(out, "ledger.csv"), "utf8").trim().split("\n");
  assert.match(head, /^path,status,kind,detail$/);
  const found = new Map(
    rows.map((row) => [
      row
        .split(",")[0]!
        .split("/")
        .at(-1)!
        .replace(/\.dcm"?$/, ""),
      row,
    ]),
  );
  assert.deepEqual(
    [...files.keys()].filter((name) => !found.has(name)),
    [],
  );
  for (const [name, row] of found) {
    if (name.startsWith("cut") || name.startsWith("bomb")) assert.doesNotMatch(row, /,used,|duplicate/, row);
    if (!row.includes(",used,")) assert.match(row, /,(set aside|failed),[^,]+,./, row);
  }
});
