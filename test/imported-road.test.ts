// The lines of docs/imported-networks.md, run as they stand: from PyTorch's exporter to findings.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ichor } from "./cli/terminal.ts";

const python = "/usr/bin/python3"; // Debian's, which is the one that has python3-torch
const there = spawnSync(python, ["-c", "import torch"]).status === 0;
const skip = there ? false : "python3-torch is not installed (Debian: apt-get install python3-torch)";

const page = readFileSync(new URL("../docs/imported-networks.md", import.meta.url), "utf8");
const network = readFileSync(new URL("./oracles/torch_backbone.py", import.meta.url), "utf8");
const blockOf = (language: string) => new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, "s").exec(page)?.[1] ?? "";
/** The words of a line as a shell has them; quotes of one kind, around parts that hold blanks. */
const wordsOf = (line: string) => (line.match(/(?:'[^']*'|[^\s'])+/g) ?? []).map((word) => word.replaceAll("'", ""));

test("the page's lines export a network, train it with layers frozen, evaluate it and predict", { skip }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "ichor-imported-road-"));
  after(() => rmSync(folder, { recursive: true }));
  const inFolder = (line: string) => line.replaceAll(/(?<=[ =])(heads|runs|found|resnet\.onnx)\b/g, `${folder}/$1`);
  const exported = spawnSync(python, ["-W", "ignore", "-c", `${network}\n${blockOf("python")}`], {
    encoding: "utf8",
    cwd: folder,
  });
  assert.equal(exported.status, 0, exported.stderr);
  const lines = blockOf("sh").trim().split("\n");
  assert.equal(lines.length, 4);
  for (const line of lines) {
    const [program, ...words] = wordsOf(inFolder(line));
    assert.equal(program, "ichor");
    const { code, stdout, stderr } = await ichor(words);
    assert.equal(code, 0, `${line}\n${stdout}${stderr}`);
  }
  const { studies } = JSON.parse(readFileSync(join(folder, "found", "findings.json"), "utf8")) as {
    studies: unknown[];
  };
  assert.equal(studies.length, 2);
});
