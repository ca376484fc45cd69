import { sep } from "node:path";
import { chooseSeries, type FoundSeries, findRepeats, orderSeries, type SeriesSlice, whyNotRead } from "../ct/index.ts";
import type { Database } from "./database.ts";
import { selectSeries, tableTypes } from "./index-sql.ts";

/** A used slice, as the database has it. */
interface Row extends SeriesSlice {
  readonly file: number;
  readonly frame: number | undefined;
  /** Relative to the data folder. */
  readonly path: string;
  /** Patient and study: careless anonymisation gives studies of different patients one UID. */
  readonly study: string;
  readonly series: string;
  /** Never set aside by the choice of series. */
  readonly kept: boolean;
}

/**
 * Chooses among the series of each study and orders the slices of those that are used along their normal. Fills tables
 * `places` and `aside`; gives what was unusual, by kind. A study at a time is in memory.
 */
export async function orderAllSeries(
  database: Database,
  { root, signal }: { readonly root: string; readonly signal: AbortSignal },
): Promise<ReadonlyMap<string, number>> {
  const places = await database.writer("places", tableTypes.places);
  const aside = await database.writer("aside", tableTypes.aside);
  const remarks = new Map<string, number>();
  const remark = (kind: string, count: number) => remarks.set(kind, (remarks.get(kind) ?? 0) + count);
  const place = (slices: readonly Row[]) => {
    const order = orderSeries(slices);
    for (const [index, { file, frame }] of order.ordered.entries()) {
      const { spacingMm, tiltDegrees } = order;
      const shift = order.shiftsMm[index] ?? [0, 0];
      places.append([file, frame, index, order.alongNormalMm[index], spacingMm, tiltDegrees, ...shift]);
    }
    for (const { kind, count } of order.remarks) remark(kind, count);
  };
  try {
    for await (const study of studiesOf(database, signal)) {
      const { verdicts, setAside } = chooseSeries(study, ({ kept }) => kept);
      for (const { slice, kind, detail } of setAside) aside.append([slice.file, slice.frame, kind, detail]);
      for (const { status, facts, slices } of verdicts) {
        if (slices.length === 0) continue;
        const repeats = status === "kept" ? [] : await repeatsIn(slices, root);
        for (const { slice, kind, detail } of repeats) aside.append([slice.file, slice.frame, kind, detail]);
        const repeated = new Set(repeats.map(({ slice }) => slice));
        place(slices.filter((slice) => !repeated.has(slice)));
        const doubt = status === "kept" ? whyNotRead(facts) : undefined;
        if (doubt !== undefined) remark(`labelled, although the series looks like: ${doubt.kind}`, slices.length);
      }
    }
  } finally {
    places.close();
    aside.close();
  }
  return remarks;
}

function repeatsIn(slices: readonly Row[], root: string): ReturnType<typeof findRepeats<Row>> {
  return findRepeats(slices, ({ path, frame }) => ({ path: `${root}${sep}${path}`, frame }));
}

/** The series of each study, a study at a time. */
async function* studiesOf(database: Database, signal: AbortSignal): AsyncGenerator<readonly FoundSeries<Row>[]> {
  let rows: Row[] = [];
  for await (const chunk of database.stream(selectSeries)) {
    signal.throwIfAborted();
    for (const cells of chunk) {
      const row = rowOf(cells);
      if (rows.length > 0 && rows[0]!.study !== row.study) {
        yield seriesOf(rows);
        rows = [];
      }
      rows.push(row);
    }
  }
  if (rows.length > 0) yield seriesOf(rows);
}

function seriesOf(rows: readonly Row[]): readonly FoundSeries<Row>[] {
  const series = new Map<string, Row[]>();
  for (const row of rows) {
    const known = series.get(row.series);
    if (known === undefined) series.set(row.series, [row]);
    else known.push(row);
  }
  return [...series].map(([uid, slices]) => ({ uid, slices }));
}

/** A row of `selectSeries`. */
function rowOf(cells: readonly unknown[]): Row {
  const [file, frame, path, patient, study, series, sliceId, kept, x, y, z, a, b, c, d, e, f, ...more] = cells;
  const [rows, columns, down, right, thickness, kernel, imageType, description, bodyPart, contrast, ...last] = more;
  const [acquisition, seriesNumber, instanceNumber] = last;
  return {
    file: Number(file),
    frame: number(frame),
    path: String(path),
    study: JSON.stringify([patient, study]),
    series: String(series),
    sliceId: String(sliceId),
    kept: kept === 1,
    position: numbers([x, y, z]) as Row["position"],
    orientation: numbers([a, b, c, d, e, f]) as Row["orientation"],
    rows: Number(rows),
    columns: Number(columns),
    pixelSpacing: numbers([down, right]) as Row["pixelSpacing"],
    sliceThicknessMm: number(thickness),
    kernel: text(kernel),
    imageType: text(imageType)?.split("\\") ?? [],
    seriesDescription: text(description),
    bodyPart: text(bodyPart),
    contrast: contrast === "yes" || contrast === "no" ? contrast : "unknown",
    acquisition: number(acquisition),
    seriesNumber: number(seriesNumber),
    instanceNumber: number(instanceNumber),
  };
}

const number = (cell: unknown) => (typeof cell === "number" ? cell : undefined);
const text = (cell: unknown) => (typeof cell === "string" ? cell : undefined);
const numbers = (cells: readonly unknown[]) => (cells.every((cell) => typeof cell === "number") ? cells : undefined);
