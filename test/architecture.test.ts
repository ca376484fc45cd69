// Holds the house to its plan: the rooms table of docs/architecture.md, doors, cycles, file lengths, dependencies.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "..");
const plan = readFileSync(join(root, "docs/architecture.md"), "utf8");
const generated = new Set(["src/onnx/onnx_pb.ts", "src/dicom/standard-dictionary.ts"]);
const longest = 400;

/** Rows of the table under a heading: the cells of each, without the head. */
function table(heading: string): string[][] {
  const section = plan.split(`## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("|"));
  return rows.slice(2).map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}
const names = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1]!);

const allowed = new Map<string, "all" | ReadonlySet<string>>(
  table("Rooms").map(([room = "", , may = ""]) => [names(room)[0]!, may === "all" ? "all" : new Set(names(may))]),
);
const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts"))
  .map((path) => join("src", path));
const roomOf = (path: string) => path.split("/")[1]!;

/** Files of src that a file imports, also lazily and as workers; tests and the package's doors are left out. */
function importsOf(path: string): string[] {
  const text = readFileSync(join(root, path), "utf8");
  const found = [...text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)].map((match) => match[1]!);
  return found.map((target) => relative(root, join(root, dirname(path), target)));
}
const isDoor = (path: string) => path.split("/").length === 2;
const production = sources.filter((path) => !path.endsWith(".test.ts") && !isDoor(path));

test("the table names every room and no other", () => {
  const rooms = [...new Set(production.map(roomOf))].sort();
  assert.deepEqual([...allowed.keys()].sort(), rooms);
});

test("a room imports only what its row allows, and only through the door", () => {
  const wrong = production.flatMap((path) =>
    importsOf(path)
      .filter((target) => roomOf(target) !== roomOf(path))
      .filter((target) => {
        const may = allowed.get(roomOf(path));
        return !(target.endsWith("/index.ts") && (may === "all" || may?.has(roomOf(target))));
      })
      .map((target) => `${path} imports ${target}`),
  );
  assert.deepEqual(wrong, []);
});

test("no file imports itself in a circle", () => {
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    assert.ok(!trail.includes(path), `circle: ${[...trail, path].join(" → ")}`);
    if (done.has(path)) return;
    for (const target of importsOf(path)) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of production) visit(path, []);
});

test("ichor/autodiff loads in a browser: what it imports on loading needs nothing of Node", () => {
  // Libraries that run in browsers, and are found there through an import map.
  const everywhere = /^(@bufbuild\/protobuf|pure-rand)(\/|$)/;
  const reached = new Set<string>();
  const visit = (path: string): void => {
    if (reached.has(path)) return;
    reached.add(path);
    const text = readFileSync(join(root, path), "utf8");
    for (const [, type, target = ""] of text.matchAll(/^(?:import|export) (type )?(?:[^;"]*? from )?"([^"]+)";/gm)) {
      if (type !== undefined) continue;
      if (target.startsWith(".")) visit(join(dirname(path), target));
      else assert.match(target, everywhere, `${path} imports ${target}; import it when it is used`);
    }
  };
  visit("src/autodiff.ts");
  assert.ok(reached.size > 20);
});

test("no file is longer than 400 lines and no door longer than 40", () => {
  const lines = (path: string) => readFileSync(join(root, path), "utf8").split("\n").length - 1;
  const long = sources.filter(
    (path) => !generated.has(path) && lines(path) > (path.endsWith("/index.ts") ? 40 : longest),
  );
  assert.deepEqual(
    long.map((path) => `${path}: ${lines(path)}`),
    [],
  );
});

test("dependencies are those of the list, pinned exactly, and the lock file names no host", () => {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
    devDependencies: Record<string, string>;
  };
  assert.deepEqual(
    Object.keys(manifest.dependencies).sort(),
    table("Libraries")
      .map(([name = ""]) => names(name)[0])
      .sort(),
  );
  for (const version of Object.values({ ...manifest.dependencies, ...manifest.devDependencies }))
    assert.match(version, /^\d/);
  const lock = readFileSync(join(root, "package-lock.json"), "utf8");
  const { packages } = JSON.parse(lock) as { packages: Record<string, { resolved?: string }> };
  const addressed = Object.entries(packages).filter(([, { resolved }]) => resolved !== undefined);
  assert.deepEqual(addressed, []);
  assert.doesNotMatch(lock, /"resolved":/);
});
