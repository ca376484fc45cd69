import assert from "node:assert/strict";
import { truncateSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { dicomSlice, folderOf } from "./folder-fixture.test.ts";
import { openHeaderReader } from "./header-reader.ts";
import { readHeaders } from "./header-worker.ts";
import type { Usage } from "./reading-pace.ts";

test("headers are the same whether their files are read ahead or not", async () => {
  const numbers = Array.from({ length: 12 }, (_, number) => number);
  const folder = folderOf({
    ...Object.fromEntries(numbers.map((number) => [`${number}.dcm`, dicomSlice({ seed: number, z: number })])),
    "long.dcm": dicomSlice({ seed: 90, ImageComments: "x".repeat(9000) }), // a header of more than a page
    "empty.dcm": "",
    "text.txt": "no image",
    "cut.dcm": dicomSlice({ seed: 91 }),
  });
  truncateSync(join(folder, "cut.dcm"), 700);
  const names = [
    ...numbers.map((number) => `${number}.dcm`),
    "long.dcm",
    "empty.dcm",
    "text.txt",
    "cut.dcm",
    "gone.dcm",
  ];
  const paths = names.map((name) => join(folder, name));
  let asked = 0;
  const cold = (): Usage => ({ wallMs: 100 * ++asked, processorMs: 0, diskReads: 1000 * asked });
  const reader = openHeaderReader({ threads: 1, files: paths.length, usage: cold });
  try {
    const wanted = readHeaders({ paths });
    const tasks = [reader.tasks];
    for (let task = 0; task < 6; task++) {
      assert.deepEqual(await reader.read(paths), wanted);
      tasks.push(reader.tasks);
    }
    assert.ok(tasks.at(-1)! > tasks[0]!, `read ahead at last: ${tasks}`);
  } finally {
    await reader.close();
  }
});
