// The command line over a table of fake commands: what every command gets without asking.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fail, ok, type Problem } from "../../src/base/index.ts";
import { type CommonFlags, command, show } from "../../src/cli/index.ts";
import { ichor } from "./terminal.ts";

interface PaintFlags extends CommonFlags {
  readonly coats: number;
  readonly dryingHours?: number;
}

const problem: Problem = {
  kind: "wet paint",
  where: "fence: plank 3",
  got: "a wet plank",
  expected: "a dry one",
  next: "wait an hour",
};

const paint = command<PaintFlags, [string]>({
  summary: "Paint something",
  description: "Paints it, coat by coat.",
  examples: ["ichor paint fence --coats 2"],
  positional: { kind: "tuple", parameters: [{ parse: String, brief: "What to paint", placeholder: "THING" }] },
  flags: {
    coats: { kind: "parsed", parse: Number, brief: "How many coats", placeholder: "N" },
    dryingHours: { kind: "parsed", parse: Number, brief: "Between two coats", optional: true },
  },
  load: async () =>
    async function (flags, thing) {
      if (thing === "bug") throw new Error("the brush broke");
      const { coats, dryingHours } = flags;
      const result =
        thing === "wet" ? fail(problem) : thing === "stopped" ? fail({ ...problem, kind: "interrupted" }) : undefined;
      show(this, result ?? ok({ thing, coats, dryingHours }), {
        flags,
        text: (done) => `painted the ${done.thing}\n`,
      });
    },
});

let loaded = false;
const heavy = command<CommonFlags>({
  summary: "Load something heavy",
  description: "Loads it.",
  examples: ["ichor heavy"],
  flags: {},
  load: async () => {
    loaded = true;
    return async () => {};
  },
});

const commands = { paint, heavy };

test("a result is text, or one JSON document with --json", async () => {
  assert.deepEqual(await ichor(["paint", "fence", "--coats", "2"], { commands }), {
    code: 0,
    stdout: "painted the fence\n",
    stderr: "",
  });
  const { stdout } = await ichor(["paint", "fence", "--coats", "2", "--drying-hours", "3", "--json"], { commands });
  assert.deepEqual(JSON.parse(stdout), { thing: "fence", coats: 2, dryingHours: 3 });
});

test("a problem is readable, exits with 1, and is a document too with --json", async () => {
  const refused = await ichor(["paint", "wet", "--coats", "1"], { commands });
  assert.equal(refused.code, 1);
  assert.equal(refused.stdout, "");
  assert.equal(
    refused.stderr,
    [
      "wet paint",
      "  where     fence: plank 3",
      "  got       a wet plank",
      "  expected  a dry one",
      "  next      wait an hour",
      "",
    ].join("\n"),
  );
  const { stdout, code } = await ichor(["paint", "wet", "--coats", "1", "--json"], { commands });
  assert.deepEqual([JSON.parse(stdout), code], [{ problem }, 1]);
});

test("an interrupt exits with 130", async () => {
  assert.equal((await ichor(["paint", "stopped", "--coats", "1"], { commands })).code, 130);
});

test("a throw is called a fault of our own, with its lines, and exits with 1", async () => {
  const { code, stderr } = await ichor(["paint", "bug", "--coats", "1"], { commands });
  assert.equal(code, 1);
  assert.match(stderr, /^A fault of Ichor.*\nError: the brush broke\n +at /);
});

test("wrong usage exits with 2 and names the nearest", async () => {
  const wrong = {
    "No command registered for `pain`, did you mean `paint`?": ["pain"],
    "No flag registered for --coast, did you mean --coats?": ["paint", "fence", "--coast", "2"],
    "No flag registered for --drying, did you mean": ["paint", "fence", "--coats", "2", "--drying", "1"],
    "Expected input for flag --coats": ["paint", "fence"],
    "Expected argument for THING": ["paint", "--coats", "1"],
    "Too many arguments": ["paint", "fence", "gate", "--coats", "1"],
    'Failed to parse "0" for threads: not a whole number from 1 to 256': ["heavy", "--threads", "0"],
  };
  for (const [words, inputs] of Object.entries(wrong)) {
    const { code, stderr, stdout } = await ichor(inputs, { commands });
    assert.ok(stderr.startsWith(words), `${words} in: ${stderr}`);
    assert.match(stderr, /\nHelp: ichor (paint |heavy )?--help\n$/);
    assert.deepEqual([code, stdout], [2, ""]);
  }
});

test("help has the examples and the common flags, and loads nothing", async () => {
  const { code, stdout } = await ichor(["heavy", "--help"], { commands });
  assert.equal(code, 0);
  for (const words of ["EXAMPLES\n  ichor heavy\n", "[--json]", "[--threads]"])
    assert.ok(stdout.includes(words), words);
  assert.equal(loaded, false);
  await ichor(["heavy"], { commands });
  assert.equal(loaded, true);
});

test("nothing at all is a request for help", async () => {
  assert.equal((await ichor([], { commands })).stdout, (await ichor(["--help"], { commands })).stdout);
});

test("colour is for terminals that want it", async () => {
  const coloured = "\u001b[";
  const line = ["paint", "wet", "--coats", "1"];
  assert.ok((await ichor(line, { commands, isTTY: true })).stderr.includes(coloured));
  for (const setting of [{ isTTY: false }, { isTTY: true, env: { NO_COLOR: "1" } }]) {
    assert.ok(!(await ichor(line, { commands, ...setting })).stderr.includes(coloured));
    assert.ok(!(await ichor(["--help"], { commands, ...setting })).stdout.includes(coloured));
  }
});
