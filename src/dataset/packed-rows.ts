import type { Cell } from "./database.ts"; // a type alone: threads that read headers need no database

/**
 * Rows of cells on their way from one thread to another: two arrays that are handed over, and their texts, each once. Of
 * arrays of arrays the other thread would have to make all anew, and to clear away what it no longer needs of them.
 */
export interface PackedRows {
  /** Cells of a row. */
  readonly columns: number;
  /** [rows, columns]: numbers; NaN in all other cells. */
  readonly numbers: Float64Array<ArrayBuffer>;
  /** [rows, columns]: places in `texts`; −1 where there is no text. */
  readonly places: Int32Array<ArrayBuffer>;
  readonly texts: readonly string[];
}

/** Packs rows, all of one length, in which no number is NaN. */
export function packRows(rows: readonly (readonly Cell[])[]): PackedRows {
  const columns = rows[0]?.length ?? 0;
  const numbers = new Float64Array(rows.length * columns).fill(Number.NaN);
  const places = new Int32Array(rows.length * columns).fill(-1);
  const known = new Map<string, number>();
  let at = 0;
  for (const row of rows) {
    for (const cell of row) {
      if (typeof cell === "number") numbers[at] = cell;
      else if (cell !== undefined) {
        const place = known.get(cell) ?? known.size;
        if (place === known.size) known.set(cell, place);
        places[at] = place;
      }
      at++;
    }
  }
  return { columns, numbers, places, texts: [...known.keys()] };
}

/** The rows again, one after the other in one array, which is lent until the next. */
export function* unpackRows({ columns, numbers, places, texts }: PackedRows): Generator<Cell[], void, void> {
  const row = new Array<Cell>(columns);
  for (let first = 0; first < numbers.length; first += columns) {
    for (let column = 0; column < columns; column++) {
      const place = places[first + column]!;
      const number = numbers[first + column]!;
      row[column] = place >= 0 ? texts[place] : Number.isNaN(number) ? undefined : number;
    }
    yield row;
  }
}
