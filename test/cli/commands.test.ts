// The commands of Ichor: their words, their examples, their reference page.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type CommandRow, commands, reference, version } from "../../src/cli/index.ts";
import { ichor } from "./terminal.ts";

const root = join(import.meta.dirname, "../..");

test("docs/cli.md is what the declarations say", () => {
  const written = readFileSync(join(root, "docs/cli.md"), "utf8");
  assert.equal(written, reference(commands), "run `npm run docs`");
});

test("the version is that of package.json", async () => {
  const manifest: unknown = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  assert.equal((manifest as { version: string }).version, version);
  assert.equal((await ichor(["--version"])).stdout, `${version}\n`);
});

test("every example is a line that its command takes", async () => {
  for (const [name, row] of Object.entries(commands) as [string, CommandRow][]) {
    assert.ok(row.examples.length > 0, `${name} has no example`);
    for (const example of row.examples) {
      const words = example.match(/"[^"]*"|\S+/g) ?? [];
      const [program, first, ...rest] = words.map((word) => word.replaceAll('"', ""));
      assert.deepEqual([program, first], ["ichor", name], example);
      let taken = false;
      const loader = async () => () => {
        taken = true;
      };
      const { stderr, code } = await ichor([name, ...rest], {
        commands: { [name]: { ...row, built: { ...row.built, loader } } },
      });
      assert.deepEqual([code, taken], [0, true], `${example}: ${stderr}`);
    }
  }
});

test("every registry can be listed", async () => {
  for (const what of ["commands", "models", "metrics", "codecs", "gradients"]) {
    const { code, stdout } = await ichor(["list", what]);
    assert.equal(code, 0);
    const documents: unknown = JSON.parse((await ichor(["list", what, "--json"])).stdout);
    assert.ok(Array.isArray(documents) && documents.length > 0);
    assert.equal(stdout.split("\n").length - 1, documents.length);
  }
  assert.match((await ichor(["list", "modles"])).stderr, /did you mean models\?/);
});

test("help needs neither ONNX Runtime nor DuckDB", () => {
  const help = ["--help", "train --help", "predict --help", "list --help", "--version"];
  const script = `
    import { runLine, commands } from ${JSON.stringify(join(root, "src/cli/index.ts"))};
    import { silent } from ${JSON.stringify(join(root, "src/base/index.ts"))};
    const out = { write() {} };
    for (const line of ${JSON.stringify(help)}) await runLine(commands, line.split(" "),
      { stdout: out, stderr: out, env: {}, progress: silent, signal: new AbortController().signal });
    const loaded = [...new Set(process.report.getReport().sharedObjects)].filter((name) => /onnxruntime|duckdb/.test(name));
    console.log(JSON.stringify(loaded));`;
  const run = spawnSync(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
    cwd: root,
    encoding: "utf8",
  });
  assert.equal(run.stdout, "[]\n", run.stderr);
});

test("what cannot be done is refused by name before any work", async () => {
  const refused = {
    "not found": ["index", "nowhere-at-all", "--out", "nowhere-at-all-index"],
    "not a run": ["evaluate", "--run", "nowhere-at-all"],
  };
  for (const [kind, inputs] of Object.entries(refused)) {
    const { code, stdout } = await ichor([...inputs, "--json"]);
    assert.equal(code, 1);
    assert.equal((JSON.parse(stdout) as { problem: { kind: string } }).problem.kind, kind);
  }
});
