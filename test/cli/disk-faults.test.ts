// Files that a failing disk does not give, through the commands: each is told by name, the rest goes on, and a later run
// takes up what could not be read before.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ichor } from "./terminal.ts";

const folder = mkdtempSync(join(tmpdir(), "ichor-disk-faults-"));
after(() => rmSync(folder, { recursive: true }));

/** See failing-disk.mjs. */
interface DiskFault {
  readonly path: string;
  readonly call: "open" | "read" | "half" | "list" | "stat" | "full" | "write" | "all";
  readonly code: string;
}

/** A command line whose arguments hold no spaces, with this folder for `@`. */
const words = (text: string) => text.split(" ").map((word) => word.replace("@", folder));

async function done(text: string): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await ichor([...words(text), "--json"]);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Record<string, unknown>;
}

/** The same in a process of its own whose disk has faults. */
function onFailingDisk(text: string, faults: readonly DiskFault[]) {
  const flags = ["--import", "tsx", "--import", join(import.meta.dirname, "failing-disk.mjs")];
  const main = join(import.meta.dirname, "../../src/cli/main.ts");
  const run = spawnSync(process.execPath, [...flags, main, ...words(text), "--json"], {
    encoding: "utf8",
    env: { ...process.env, ICHOR_TEST_DISK_FAULTS: JSON.stringify(faults) },
  });
  assert.ok(run.stdout.startsWith("{"), `${run.status}: ${run.stderr}`);
  return { code: run.status, document: JSON.parse(run.stdout) as Record<string, unknown> };
}

/** The lines of a ledger but those of used files, without the folder. */
function unused(ledger: string): string[] {
  const [, ...lines] = readFileSync(join(folder, ledger), "utf8").trimEnd().split("\n");
  return lines.filter((line) => !/,used,/.test(line)).map((line) => line.replaceAll(`${folder}/`, ""));
}

interface Account {
  readonly ledger: { readonly found: number; readonly used: number; readonly failed: number };
}

const settings = "--model mlp2020-brain --set epochs=1 --set batchSize=16";
await done("phantom --out @/data --studies 12 --seed 3 --matrix 64 --slices 5 --test-studies 2");
const names = readdirSync(join(folder, "data/stage_2_train"));
const [inFolder = "", ...tests] = readdirSync(join(folder, "data/stage_2_test"));
mkdirSync(join(folder, "data/stage_2_test/deep"));
renameSync(join(folder, "data/stage_2_test", inFolder), join(folder, "data/stage_2_test/deep", inFolder));

test("ichor index tells of every file that the disk does not give, and the next one takes them up", async () => {
  const calls = ["open EIO", "open ESTALE", "open ENODEV", "open ENXIO", "open ENOTCONN", "read EIO", "stat EIO"];
  const faults = calls.map((call, at): DiskFault => {
    const [what, code] = call.split(" ") as [DiskFault["call"], string];
    return { path: names[at]!, call: what, code };
  });
  const folderFault: DiskFault = { path: "deep", call: "list", code: "ESTALE" };
  const { code, document } = onFailingDisk("index @/data --out @/index", [...faults, folderFault]);
  const { ledger } = document as unknown as Account;
  assert.deepEqual([code, ledger.used, ledger.failed], [0, 70 - 8, 8]);
  const lines = unused("index/ledger.csv");
  for (const { path, code: said } of [...faults, folderFault]) {
    const line = lines.find((one) => one.includes(path)) ?? assert.fail(`${path} is not in the ledger`);
    assert.match(line, new RegExp(`,failed,disk error,.*${said}`), line);
  }
  const { ledger: whole } = (await done("index @/data --out @/index")) as unknown as Account;
  assert.deepEqual([whole.used, whole.failed], [70, 0]);
});

test("ichor train goes on without what the disk does not give, and does not hold it against a file later", async () => {
  const half: readonly DiskFault[] = [
    { path: names[0]!, call: "half", code: "EIO" },
    { path: names[1]!, call: "open", code: "ESTALE" },
    { path: names[2]!, call: "stat", code: "ENODEV" },
    { path: names[3]!, call: "open", code: "EHOSTDOWN" },
  ];
  const { code, document } = onFailingDisk(`train --data @/index --run @/run ${settings}`, half);
  assert.equal(code, 0, JSON.stringify(document));
  assert.match(String(document["notes"]), /4 slices left out, as their pixels cannot be read: 4 disk error/);
  const again = await done(`train --data @/index --run @/run-2 ${settings}`);
  assert.doesNotMatch(String(again["notes"]), /left out/);
});

test("ichor train stops where the disk is gone, and says so", () => {
  rmSync(join(folder, "index/cache"), { recursive: true });
  const gone: DiskFault = { path: "data", call: "all", code: "ENODEV" };
  const { code, document } = onFailingDisk(`train --data @/index --run @/run-3 ${settings}`, [gone]);
  const { problem } = document as { problem: Record<string, string> };
  assert.deepEqual([code, problem["kind"], problem["where"]], [1, "disk error", join(folder, "data")]);
  assert.match(problem["next"]!, /disk/);
});

test("ichor predict reads the rest of a study, and the next one all of it", async () => {
  const faults: readonly DiskFault[] = [
    { path: tests[0]!, call: "half", code: "EIO" },
    { path: tests[2]!, call: "half", code: "END" },
    { path: tests[1]!, call: "open", code: "ESTALE" },
    { path: "deep", call: "list", code: "EIO" },
  ];
  const line = "predict @/data/stage_2_test --model @/run-2/model.onnx --out @/found";
  const { code, document } = onFailingDisk(line, faults);
  assert.deepEqual([code, (document as unknown as Account).ledger.used], [0, 6]);
  const lines = unused("found/ledger.csv");
  for (const fault of faults) assert.ok(lines.some(tells(fault)), lines.join("\n"));
  const { ledger } = (await done(line)) as unknown as Account;
  assert.deepEqual([ledger.used, ledger.failed], [10, 0]);
});

test("ichor evaluate of other data indexes them again where a fault of the disk may have passed", async () => {
  const line = "evaluate --run @/run-2 --data @/data";
  const failed = () => {
    const name = readdirSync(join(folder, "run-2")).find((one) => one.startsWith("index-")) ?? assert.fail();
    return unused(`run-2/${name}/ledger.csv`).filter((row) => row.includes(",failed,"));
  };
  const { code } = onFailingDisk(line, [{ path: names[0]!, call: "open", code: "EIO" }]);
  assert.deepEqual([code, failed().length], [0, 1]);
  await done(line);
  assert.deepEqual(failed(), []);
});

test("ichor deidentify writes the rest, no half of a file, and with --resume what was left", async () => {
  const faults: readonly DiskFault[] = [
    { path: tests[0]!, call: "half", code: "EIO" },
    { path: tests[2]!, call: "half", code: "END" },
    { path: tests[1]!, call: "open", code: "ENODEV" },
    { path: "deep", call: "list", code: "EIO" },
  ];
  const line = "deidentify @/data/stage_2_test @/new --key @/key";
  const { code, document } = onFailingDisk(line, faults);
  assert.deepEqual([code, (document as unknown as Account).ledger.used], [0, 6]);
  const lines = unused("new.ledger.csv");
  for (const fault of faults) assert.ok(lines.some(tells(fault)), lines.join("\n"));
  const files = () => readdirSync(join(folder, "new"), { recursive: true, encoding: "utf8" }).filter(isFile);
  assert.equal(files().length, 6);
  const { ledger } = (await done(`${line} --resume`)) as unknown as Account;
  assert.deepEqual([ledger.used, ledger.failed, files().length], [10, 0, 10]);
});

/** What a command is refused with. */
function refusedOn(text: string, fault: DiskFault): Record<"kind" | "where" | "next", string> {
  const { code, document } = onFailingDisk(text, [fault]);
  assert.equal(code, 1);
  return document["problem"] as Record<"kind" | "where" | "next", string>;
}

test("a full disk says the command that goes on, or what to remove, and leaves nothing half written", () => {
  const full = { call: "full", code: "ENOSPC" } as const;
  const { kind, next } = refusedOn(`train --data @/index --run @/run-4 ${settings}`, {
    ...full,
    path: "last.safetensors",
  });
  assert.equal(kind, "disk full");
  assert.match(next, /^free some space and go on: ichor train --data \S+index --run \S+run-4 --resume$/);
  const phantom = refusedOn("phantom --out @/full --studies 2 --matrix 32 --slices 4", { ...full, path: ".dcm" });
  assert.equal(phantom.kind, "disk full");
  assert.match(phantom.next, /^remove \S+full, then free some space and run the same command again$/);
  const left = readdirSync(join(folder, "full"), { recursive: true, encoding: "utf8" });
  assert.deepEqual(left.filter(isFile), []);
});

test("ichor evaluate of another user's run says what can be done before it scores", () => {
  const { kind, next } = refusedOn("evaluate --run @/run-2", { path: "run-2", call: "write", code: "EACCES" });
  assert.equal(kind, "no permission");
  assert.match(next, /copy it to a folder of your own \(cp -r \S+run-2 DIR\)/);
});

const tells =
  ({ path, code }: DiskFault) =>
  (line: string) =>
    line.includes(`${path},failed,${code === "END" ? "truncated" : "disk error"},`) &&
    (code === "END" || line.includes(code));

const isFile = (name: string) => /\.[a-z]+$/.test(name);
