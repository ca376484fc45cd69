import assert from "node:assert/strict";
import { test } from "node:test";
import { terminalPicture } from "./terminal-picture.ts";

const grey = (rows: number, columns: number, value: (row: number, column: number) => number) => ({
  kind: "grey" as const,
  pixels: Uint8Array.from({ length: rows * columns }, (_, at) => value(Math.floor(at / columns), at % columns)),
  rows,
  columns,
});

test("a square picture becomes half as many lines as characters a line", () => {
  const text = terminalPicture(
    grey(64, 64, () => 255),
    { width: 16, kind: "characters" },
  );
  assert.equal(text, `${"@".repeat(16)}\n`.repeat(8));
});

test("dark is blank and light is ink, in the place where it is in the picture", () => {
  const text = terminalPicture(
    grey(8, 8, (row, column) => (row < 4 && column >= 4 ? 255 : 0)),
    { width: 8, kind: "characters" },
  );
  assert.equal(text, "    @@@@\n    @@@@\n\n\n");
});

test("a pixel of the small picture is the mean of those that it stands for", () => {
  const text = terminalPicture(
    grey(4, 4, (_, column) => (column % 2 === 0 ? 0 : 200)),
    { width: 2, kind: "shades" },
  );
  assert.equal(text, "\x1b[38;2;100;100;100;48;2;100;100;100m▀▀\x1b[0m\n");
});

test("a picture is never made larger, and a single pixel is shown", () => {
  assert.equal(
    terminalPicture(
      grey(1, 1, () => 255),
      { width: 80, kind: "characters" },
    ),
    "@\n",
  );
});
