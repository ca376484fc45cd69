import { createHash } from "node:crypto";
import { bytesOf, type DataSet, formatTag, items, numbers, text } from "../src/dicom/index.ts";
import { askOracle, pythonSays, without } from "./python.ts";

/** Why tests that ask pydicom are skipped, or false. */
export const withoutPydicom = without("python3-pydicom", "pydicom", "numpy");

/** The folder of the files that pydicom brings; empty where there is none. */
export const pydicomFiles = pythonSays("import pydicom.data; print(pydicom.data.__path__[0])") ?? "";

/** One element as pydicom tells it (test/oracles/pydicom_elements.py). */
export type Told = readonly [tag: number, kind: "items" | "numbers" | "text" | "bytes", value: unknown];

/** The elements of each file below a folder by its path, or why pydicom does not read it. */
export function askPydicom(folder: string): Readonly<Record<string, readonly Told[] | { readonly error: string }>> {
  return JSON.parse(askOracle("pydicom_elements.py", [folder]));
}

/** Differences of a data set to what pydicom reads, each in a few words. */
export function differences(dataSet: DataSet, told: readonly Told[]): string[] {
  const tags = [...dataSet.elements.keys()].filter((tag) => tag >>> 16 !== 0x7fe0).sort((a, b) => a - b);
  const wanted = told.map(([tag]) => tag);
  const found = [
    ...tags.filter((tag) => !wanted.includes(tag)).map((tag) => `${formatTag(tag)} is not pydicom's`),
    ...wanted.filter((tag) => !tags.includes(tag)).map((tag) => `${formatTag(tag)} is missed`),
  ];
  for (const [tag, kind, value] of told.filter(([tag]) => tags.includes(tag))) {
    if (kind === "items") {
      const [ours, theirs] = [items(dataSet, tag), value as readonly (readonly Told[])[]];
      if (ours.length !== theirs.length) found.push(`${formatTag(tag)} has ${ours.length} items, not ${theirs.length}`);
      else found.push(...theirs.flatMap((item, index) => differences(ours[index]!, item)));
    } else {
      const [ours, theirs] = [comparable(dataSet, tag, kind), kind === "text" ? plain(value as string | null) : value];
      if (JSON.stringify(ours) !== JSON.stringify(theirs))
        found.push(`${formatTag(tag)} ${kind} ${JSON.stringify(ours)}, not ${JSON.stringify(theirs)}`);
    }
  }
  return found;
}

function comparable(dataSet: DataSet, tag: number, kind: Told[1]): unknown {
  if (kind === "numbers") return numbers(dataSet, tag) ?? null;
  if (kind === "text") return plain(text(dataSet, tag) ?? null);
  const bytes = bytesOf(dataSet, tag)!;
  return [bytes.length, createHash("sha1").update(bytes).digest("hex")];
}

/** Padding around each value is no part of it, nor are a name's empty groups; of text without any, nothing is left. */
function plain(joined: string | null): string | null {
  const trimmed = joined?.split("\\").map((value) => value.replace(/^[ \0]+|[ \0\n\r=]+$/g, ""));
  return trimmed?.join("\\") || null;
}
