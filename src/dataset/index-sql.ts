import { labels } from "../labels/index.ts";
import { type ColumnType, sqlPath, sqlText } from "./database.ts";
import { headerColumns } from "./header-columns.ts";

/** Version of the index's columns, in the file's metadata. 2: how slices were made, and frames of one file. */
export const indexVersion = 2;

/** The six labels as columns; quoted, since `any` is a word of SQL. */
const labelColumns = labels.map((label) => `"${label}"`).join(", ");

const foundTypes = {
  file: "INTEGER",
  path: "VARCHAR",
  size_bytes: "DOUBLE",
  mtime_ms: "DOUBLE",
  part: "VARCHAR",
} as const;
const outcomeTypes = {
  file: "INTEGER",
  frame: "INTEGER",
  status: "VARCHAR",
  kind: "VARCHAR",
  detail: "VARCHAR",
} as const;
const placeTypes = {
  file: "INTEGER",
  frame: "INTEGER",
  place: "INTEGER",
  along_normal_mm: "DOUBLE",
  spacing_mm: "DOUBLE",
  tilt_degrees: "DOUBLE",
  shift_down_mm: "DOUBLE",
  shift_right_mm: "DOUBLE",
} as const;
const asideTypes = { file: "INTEGER", frame: "INTEGER", kind: "VARCHAR", detail: "VARCHAR" } as const;

/** Types of the columns of the tables that rows are appended to. */
export const tableTypes = {
  found: Object.values(foundTypes),
  outcomes: [...Object.values(outcomeTypes), ...headerColumns.map(({ type }) => type)],
  places: Object.values(placeTypes),
  aside: Object.values(asideTypes),
} as const satisfies Record<string, readonly ColumnType[]>;

function createTable(name: string, columns: Readonly<Record<string, ColumnType>>): string {
  const lines = Object.entries(columns).map(([column, type]) => `${column} ${type}`);
  return `CREATE TABLE ${name} (${lines.join(", ")});`;
}

/** Empty tables: files found, what headers said, where slices lie, which the choice of series leaves out, labels a slice. */
export const createTables = `
  ${createTable("found", foundTypes)}
  ${createTable("outcomes", { ...outcomeTypes, ...Object.fromEntries(headerColumns.map(({ name, type }) => [name, type])) })}
  ${createTable("places", placeTypes)}
  ${createTable("aside", asideTypes)}
  CREATE TABLE slice_labels (slice_id VARCHAR, entries INTEGER, ${labels.map((label) => `"${label}" DOUBLE`).join(", ")});
`;

/** Files still to be opened, in the order in which they were found. */
export const selectFound = `
  SELECT file, path FROM found WHERE file NOT IN (SELECT file FROM outcomes) ORDER BY file`;

/** Of several files with one slice ID, the largest is used, as a copy that was cut off is smaller; then the first found. */
export const setDuplicatesAside = `
  UPDATE outcomes
  SET status = 'set aside', kind = 'duplicate slice', detail = 'the same slice ID as ' || best_path
  FROM (
    SELECT slice_id AS id, file AS other,
      first_value(file) OVER best AS best_file, first_value(path) OVER best AS best_path
    FROM outcomes JOIN found USING (file)
    WHERE status = 'used' WINDOW best AS (PARTITION BY slice_id ORDER BY size_bytes DESC, file)
  )
  WHERE status = 'used' AND slice_id = id AND file = other AND other <> best_file`;

/** What chooseSeries and orderSeries need of a slice, beside its names. */
const placing = `position_0, position_1, position_2,
    ${[0, 1, 2, 3, 4, 5].map((axis) => `orientation_${axis}`).join(", ")}, rows, columns, spacing_row, spacing_column,
    slice_thickness_mm, kernel, image_type, series_description, body_part, contrast, acquisition, series_number,
    instance_number`;

/**
 * Used slices, study by study and in it series by series. `kept`: it has labels, or lies in a folder of the competition,
 * which wants an answer for each of its slices.
 */
export const selectSeries = `
  SELECT file, frame, path, patient, study, series, slice_id,
    (part <> '' OR slice_id IN (SELECT slice_id FROM slice_labels))::INTEGER AS kept, ${placing}
  FROM outcomes JOIN found USING (file) WHERE status = 'used' ORDER BY patient, study, series, file, frame`;

/** Sets aside what the choice of series left out. */
export const setSeriesAside = `
  UPDATE outcomes SET status = 'set aside', kind = aside.kind, detail = aside.detail
  FROM aside WHERE aside.file = outcomes.file AND aside.frame IS NOT DISTINCT FROM outcomes.frame`;

/**
 * Table `files`: everything known of every file, a row a file; of a file of several frames a row a frame. Table `accounts`:
 * a row a file. One of several frames is used if any frame is; else it failed if any frame did.
 */
export const joinFiles = `
  CREATE TABLE files AS
  SELECT found.*, outcomes.* EXCLUDE (file), places.* EXCLUDE (file, frame), labels.* EXCLUDE (slice_id, entries),
    entries IS NOT NULL AS labelled
  FROM found JOIN outcomes ON outcomes.file = found.file
  LEFT JOIN places ON places.file = outcomes.file AND places.frame IS NOT DISTINCT FROM outcomes.frame
  LEFT JOIN slice_labels AS labels ON labels.slice_id = outcomes.slice_id;

  CREATE TABLE accounts AS
  SELECT file, path, status, kind, detail FROM files WHERE frame IS NULL
  UNION ALL
  SELECT file, path, status, kind, CASE WHEN left_out = 0 THEN ''
    ELSE concat(left_out, ' of ', frames, ' frames left out: ', reasons) END
  FROM (
    SELECT file, path, status, kind FROM files WHERE frame IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY file ORDER BY status <> 'used', status <> 'failed', frame) = 1
  ) JOIN (
    SELECT file, count(*) AS frames, count(*) FILTER (status <> 'used') AS left_out,
      string_agg(DISTINCT kind, ', ' ORDER BY kind) FILTER (kind <> '') AS reasons
    FROM files WHERE frame IS NOT NULL GROUP BY file
  ) USING (file)`;

/** Three or six numbers as a list, or NULL where the file does not say. */
function listOf(name: string, count: number): string {
  const parts = Array.from({ length: count }, (_, axis) => `${name}_${axis}`);
  return `CASE WHEN ${name}_0 IS NULL THEN NULL ELSE [${parts.join(", ")}] END AS ${name}`;
}

/**
 * Writes `index.parquet`: a row a file, or a frame where it has several; the used ones first, by patient, study, series
 * and place in the series. `frame` counts from 0.
 */
export function writeIndex(path: string, root: string): string {
  const metadata = sqlText(JSON.stringify({ version: indexVersion, root }));
  return `
  COPY (
    SELECT path, size_bytes::BIGINT AS size_bytes, mtime_ms, part, status, kind AS reason, detail,
      slice_id, patient, study, series, sop, place AS "order", along_normal_mm, spacing_mm, tilt_degrees,
      CASE WHEN shift_down_mm IS NULL THEN NULL ELSE [shift_down_mm, shift_right_mm] END AS shift_mm,
      ${listOf("position", 3)}, ${listOf("orientation", 6)},
      CASE WHEN spacing_row IS NULL THEN NULL ELSE [spacing_row, spacing_column] END AS pixel_spacing,
      rows, columns, bits_allocated, bits_stored, high_bit, sign, hu_by, slope, intercept, photometric,
      CASE WHEN padding_low IS NULL THEN NULL ELSE [padding_low, padding_high] END AS padding,
      transfer_syntax, pixel_group, slice_thickness_mm, kernel, image_type, series_description, body_part, contrast,
      acquisition, series_number, instance_number, temporal_position, stack, in_stack_position,
      burned_in, frame, ${labelColumns}
    FROM files
    ORDER BY status <> 'used', patient, study, series, place, file, frame
  ) TO ${sqlText(path)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 61440, KV_METADATA {ichor: ${metadata}})`;
}

/** Writes `ledger.csv` in the form of base's ledgerLine, in the order in which files were found. */
export function writeLedger(path: string): string {
  return `
  COPY (SELECT path, status, nullif(kind, '') AS kind, nullif(detail, '') AS detail FROM accounts ORDER BY file)
  TO ${sqlText(path)} (FORMAT csv, HEADER, NULLSTR '')`;
}

/** Writes the slices that have labels and no used file. */
export function writeUnmatched(path: string): string {
  return `
  COPY (
    SELECT slice_id FROM slice_labels ANTI JOIN (SELECT slice_id FROM files WHERE status = 'used') USING (slice_id)
    ORDER BY slice_id
  ) TO ${sqlText(path)} (FORMAT csv, HEADER)`;
}

/** The figures of the summary. Counts as DOUBLE, since BIGINT would come as bigint. */
export const figures = {
  reasons:
    "SELECT status, coalesce(kind, '') AS kind, count(*)::DOUBLE AS files FROM accounts GROUP BY ALL ORDER BY ALL",
  totals: `
    SELECT count(DISTINCT patient)::DOUBLE AS patients, count(DISTINCT study)::DOUBLE AS studies,
      count(DISTINCT (patient, study, series))::DOUBLE AS series, count(*) FILTER (labelled)::DOUBLE AS labelled,
      count(*) FILTER (NOT labelled)::DOUBLE AS unlabelled, count(*) FILTER (patient = study)::DOUBLE AS nameless
    FROM files WHERE status = 'used'`,
  parts: "SELECT part, count(*)::DOUBLE AS slices FROM files WHERE status = 'used' GROUP BY part",
  groups: `
    SELECT pixel_group, count(*)::DOUBLE AS slices FROM files WHERE status = 'used'
    GROUP BY pixel_group ORDER BY slices DESC, pixel_group`,
  positives: `SELECT ${labels
    .map(
      (label) => `count(*) FILTER ("${label}" >= 0.5)::DOUBLE AS ${label}_slices,
      count(DISTINCT patient) FILTER ("${label}" >= 0.5)::DOUBLE AS ${label}_patients`,
    )
    .join(", ")} FROM files WHERE status = 'used'`,
  labelTable: `
    SELECT count(*)::DOUBLE AS slices, coalesce(sum(entries), 0)::DOUBLE AS entries, count(*) FILTER (
      slice_id NOT IN (SELECT slice_id FROM files WHERE status = 'used'))::DOUBLE AS unmatched
    FROM slice_labels`,
} as const;

const labelPattern = sqlText(`^([^"\\s]+)_(${labels.join("|")})$`);

/** Reads a label table as it stands. Quotes are cut off by hand, as one that is left open would swallow lines. */
export function readLabels(path: string): string {
  const columns = "columns = {id: 'VARCHAR', label: 'VARCHAR'}";
  return `
  CREATE TABLE label_rows AS
  SELECT id, label, try_cast(label AS DOUBLE) AS value,
    regexp_extract(id, ${labelPattern}, 1) AS slice_id, regexp_extract(id, ${labelPattern}, 2) AS name
  FROM (
    SELECT regexp_replace(coalesce(id, ''), '^"(.*)"$', '\\1') AS id,
      regexp_replace(coalesce(label, ''), '^"(.*)"$', '\\1') AS label
    FROM read_csv(${sqlPath(path)}, ${columns}, header = true, auto_detect = false, delim = ',', quote = '',
      escape = '', null_padding = true)
  )`;
}

/** Rows of a label table that no label can be read from; the first, and how many. */
export const malformedLabels = `
  SELECT id, label, name, count(*) OVER ()::DOUBLE AS found FROM label_rows
  WHERE name = '' OR value IS NULL OR NOT (value BETWEEN 0 AND 1)
  ORDER BY name <> '', id LIMIT 1`;

/** One row a slice: rows of the table that speak of it, and the least and greatest value of each label. */
export const gatherLabels = `
  CREATE TABLE gathered AS
  SELECT slice_id, count(*)::INTEGER AS entries, ${labels
    .map(
      (label) =>
        `min(value) FILTER (name = '${label}') AS "${label}", max(value) FILTER (name = '${label}') AS ${label}_max`,
    )
    .join(", ")}
  FROM label_rows GROUP BY slice_id`;

/** Slices that a label is missing of; the first, and how many. */
export const incompleteLabels = `
  SELECT slice_id, concat_ws(' ', ${labels.map((label) => `CASE WHEN "${label}" IS NULL THEN '${label}' END`).join(", ")})
    AS missing, count(*) OVER ()::DOUBLE AS found
  FROM gathered WHERE ${labels.map((label) => `"${label}" IS NULL`).join(" OR ")} ORDER BY slice_id LIMIT 1`;

/** Slices that have one label twice with different values; the first, and how many. */
export const conflictingLabels = `
  SELECT slice_id, CASE ${labels.map((label) => `WHEN "${label}" <> ${label}_max THEN '${label}'`).join(" ")} END AS name,
    count(*) OVER ()::DOUBLE AS found
  FROM gathered WHERE ${labels.map((label) => `"${label}" <> ${label}_max`).join(" OR ")} ORDER BY slice_id LIMIT 1`;

/** Fills `slice_labels` and drops what it was made from. */
export const keepLabels = `
  INSERT INTO slice_labels SELECT slice_id, entries, ${labelColumns} FROM gathered;
  DROP TABLE gathered;
  DROP TABLE label_rows`;

/** What `writeIndex` left in the metadata of an index. */
export function readMetadata(path: string): string {
  return `SELECT decode(value) AS value FROM parquet_kv_metadata(${sqlPath(path)}) WHERE decode(key) = 'ichor'`;
}

/** Number of used slices of an index. */
export function countUsed(path: string): string {
  return `SELECT count(*)::DOUBLE AS slices FROM read_parquet(${sqlPath(path)}) WHERE status = 'used'`;
}

/** The used slices of an index in the order of the file, which writeIndex sorted. */
export function selectUsed(path: string): string {
  return `
  SELECT path, frame, size_bytes::DOUBLE, mtime_ms, part, slice_id, patient, study, series, pixel_group,
    shift_mm[1] AS shift_down_mm, shift_mm[2] AS shift_right_mm, ${labelColumns}
  FROM read_parquet(${sqlPath(path)}) WHERE status = 'used'`;
}
