import { fail, ok, type Problem, type Result } from "../../base/index.ts";
import { applyWindow, readHu, readSliceHeader, type Window } from "../../ct/index.ts";
import {
  type DataSet,
  type DescribedElement,
  describeElements,
  loadCodecs,
  nameTransferSyntax,
  readFrame,
  readHeader,
} from "../../dicom/index.ts";
import { writeFileAtomic } from "../../machine/index.ts";
import { encodePng, type Picture, terminalPicture } from "../../report/index.ts";
import type { CommonFlags, Context } from "../context.ts";
import { oneLine, show } from "../output.ts";

/** Flags of `ichor inspect`. */
export interface InspectFlags extends CommonFlags {
  readonly window: Window;
  readonly png?: string;
  readonly frame: number;
  readonly width: number;
}

/** What a file holds. */
interface Inspection {
  readonly file: string;
  readonly bytes: number;
  readonly transferSyntax: string;
  readonly elements: readonly DescribedElement[];
  /** What the picture shows, or why there is none. */
  readonly picture: string;
}

/** `ichor inspect`. */
export async function runInspect(this: Context, flags: InspectFlags, file: string): Promise<void> {
  const header = readHeader(file);
  if (header.kind === "problem") return show(this, fail(oneOfMany(header.problem)), { flags, text: () => "" });
  await loadCodecs([header.value.transferSyntax]);
  const drawn = draw(file, header.value, flags);
  const inspection: Inspection = {
    file,
    bytes: header.value.sizeBytes,
    transferSyntax: nameTransferSyntax(header.value.transferSyntax),
    elements: [...describeElements(header.value)],
    picture: drawn.words,
  };
  const saved = save(drawn, flags, file);
  const { stdout, env } = this.process;
  const kind = stdout.isTTY && !env["NO_COLOR"] ? "shades" : "characters";
  const sketch = drawn.picture === undefined ? "" : terminalPicture(drawn.picture, { width: flags.width, kind });
  const result = saved.kind === "problem" ? saved : ok(inspection);
  show(this, result, { flags, text: (value) => `${textOf(value)}${flags.width > 0 ? sketch : ""}` });
}

/** Folders and archives are the input of the other commands: here one file of them is to be named. */
function oneOfMany(problem: Problem): Problem {
  const { kind, where } = problem;
  if (kind === "a folder") return { ...problem, next: "name a file in it" };
  if (kind !== "not DICOM" || !/\.(zip|tar|tar\.gz|tgz)$/i.test(where)) return problem;
  return { ...problem, next: `name an entry of the archive: ichor inspect '${where}!/ENTRY'` };
}

interface Drawn {
  readonly picture: Picture | undefined;
  readonly words: string;
}

/** A slice of a CT through the window; any other picture of one sample a pixel from its least to its greatest value. */
function draw(file: string, header: DataSet, { window, frame }: InspectFlags): Drawn {
  const outcome = readSliceHeader(file, frame - 1);
  if (outcome.kind === "slice") {
    const slice = readHu(file, outcome);
    if (slice.kind === "problem") return none(slice.problem.kind, seenAndWanted(slice.problem));
    const { hu, rows, columns } = slice.value;
    const words = `frame ${frame} in HU, window ${window.center}/${window.width}`;
    return { picture: { kind: "grey", pixels: applyWindow(hu, window), rows, columns }, words };
  }
  if (header.pixelData === undefined) return none("no pixel data", "no element (7FE0,0010)");
  if (outcome.reason === "colour") return none(outcome.reason, outcome.detail);
  const stored = readFrame(file, header, frame - 1);
  if (stored.kind === "problem") return none(stored.problem.kind, seenAndWanted(stored.problem));
  const { values, rows, columns } = stored.value;
  const [low, high] = extremes(values);
  const pixels = Uint8Array.from(values, (value) => Math.round((255 * (value - low)) / Math.max(1, high - low)));
  const words = `frame ${frame} as stored, ${low} to ${high}; no slice of a CT: ${outcome.reason}`;
  return { picture: { kind: "grey", pixels, rows, columns }, words };
}

const seenAndWanted = ({ got, expected }: Problem) => `${got}; expected ${expected}`;

const none = (kind: string, detail: string): Drawn => ({ picture: undefined, words: `none: ${kind} (${detail})` });

function extremes(values: ArrayLike<number>): readonly [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let index = 0; index < values.length; index++) {
    low = Math.min(low, values[index]!);
    high = Math.max(high, values[index]!);
  }
  return [low, high];
}

function save({ picture, words }: Drawn, { png }: InspectFlags, file: string): Result<void> {
  if (png === undefined) return ok(undefined);
  if (picture !== undefined) return writeFileAtomic(png, encodePng(picture));
  const next = "leave --png out, or name a file with pixels";
  return fail({ kind: "no picture", where: file, got: words, expected: "a picture to write", next });
}

/** Longer values are cut: a line is for a glance, `--json` has all of it. */
const longestValue = 96;

function textOf({ file, bytes, transferSyntax, elements, picture }: Inspection): string {
  const widest = Math.max(...elements.map(({ depth, keyword }) => 2 * depth + keyword.length), 0);
  const lines = elements.map(({ depth, tag, vr, keyword, value }) => {
    const indent = "  ".repeat(depth);
    if (vr === "" && keyword === "") return `${indent}${tag}`;
    const name = keyword.padEnd(Math.min(48, widest) - 2 * depth);
    return oneLine(`${indent}${tag} ${vr.padEnd(2)} ${name} ${glance(value)}`).trimEnd();
  });
  const head = oneLine(`${file}: ${bytes} bytes, ${transferSyntax}`);
  return `${head}\n${lines.join("\n")}\npicture: ${oneLine(picture)}\n`;
}

function glance(value: string): string {
  return value.length > longestValue ? `${value.slice(0, longestValue)}…` : value;
}
