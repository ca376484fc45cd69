import type { Picture } from "./png.ts";

/** How a terminal shows grey. */
export interface TerminalStyle {
  /** Characters a line, at most. */
  readonly width: number;
  /** `shades`: 24 bits of colour, two rows of pixels a line; `characters`: letters only, for files and plain terminals. */
  readonly kind: "shades" | "characters";
}

/** From dark to light; chosen for even steps of ink. */
const ramp = " .:-=+*#%@";

/** A grey picture as lines of text. Pixels are averaged down to the width; a character is taken as twice as high as wide. */
export function terminalPicture(picture: Picture, { width, kind }: TerminalStyle): string {
  if (picture.kind !== "grey") throw new Error("a terminal is given grey pictures");
  const columns = Math.min(width, picture.columns);
  const rows = 2 * Math.max(1, Math.round((picture.rows * columns) / picture.columns / 2));
  const small = shrink(picture, { rows, columns });
  const lines: string[] = [];
  for (let row = 0; row < rows; row += 2) {
    const upper = small.subarray(row * columns, (row + 1) * columns);
    const lower = small.subarray((row + 1) * columns, (row + 2) * columns);
    lines.push(kind === "shades" ? shadesLine(upper, lower) : charactersLine(upper, lower));
  }
  return `${lines.join("\n")}\n`;
}

/** The mean of the pixels that fall into each place. */
function shrink(picture: Picture, { rows, columns }: { readonly rows: number; readonly columns: number }): Uint8Array {
  const small = new Uint8Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const [top, bottom] = span(row, rows, picture.rows);
    for (let column = 0; column < columns; column++) {
      const [left, right] = span(column, columns, picture.columns);
      let sum = 0;
      for (let y = top; y < bottom; y++) {
        for (let x = left; x < right; x++) sum += picture.pixels[y * picture.columns + x]!;
      }
      small[row * columns + column] = Math.round(sum / ((bottom - top) * (right - left)));
    }
  }
  return small;
}

/** The pixels [from, to) of place `at` of `places`, at least one. */
function span(at: number, places: number, pixels: number): readonly [number, number] {
  const from = Math.min(pixels - 1, Math.floor((at * pixels) / places));
  return [from, Math.max(from + 1, Math.floor(((at + 1) * pixels) / places))];
}

/** An upper half block in the colour of the upper pixel on the colour of the lower one (ECMA-48 SGR 38;2 and 48;2). */
function shadesLine(upper: Uint8Array, lower: Uint8Array): string {
  let line = "";
  let last = "";
  for (const [column, up] of upper.entries()) {
    const down = lower[column]!;
    const style = `\x1b[38;2;${up};${up};${up};48;2;${down};${down};${down}m`;
    line += style === last ? "▀" : `${style}▀`;
    last = style;
  }
  return `${line}\x1b[0m`;
}

function charactersLine(upper: Uint8Array, lower: Uint8Array): string {
  const letters = Array.from(upper, (up, column) => {
    const mean = (up + lower[column]!) / 2;
    return ramp[Math.min(ramp.length - 1, Math.floor((mean * ramp.length) / 256))]!;
  });
  return letters.join("").trimEnd();
}
