import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { askPydicom, differences, withoutPydicom } from "../../test/pydicom-oracle.ts";
import { must } from "../base/index.ts";
import type { DataSet } from "./data-set.ts";
import { formatTag, pixelDataTag } from "./dictionary.ts";
import { readHeader } from "./header.ts";
import { readDataSet } from "./parse.ts";
import { items } from "./sequences.ts";
import { standardRows } from "./standard-dictionary.ts";
import { isNative } from "./transfer-syntaxes.ts";
import { text } from "./values.ts";
import { wordBytes } from "./vr.ts";
import { elementsOf, splitFragments } from "./writable-elements.ts";
import { type WritableElement, writeDataSet } from "./write-data-set.ts";

const folder = mkdtempSync(join(tmpdir(), "ichor-write-"));
after(() => rmSync(folder, { recursive: true }));

const usual = new Set(
  (
    "ImageType StudyDate StudyDescription ReferencedImageSequence PatientName OtherPatientIDs PatientComments WindowCenter " +
    "InstanceNumber SOPInstanceUID ContentSequence PerFrameFunctionalGroupsSequence RedPaletteColorLookupTableData Rows"
  ).split(" "),
);
/** Public elements of each VR: those of hanging protocols that select by any VR, and some that every image has. */
const tagsOf = new Map<string, number[]>();
for (const row of standardRows.trim().split(/\s+/)) {
  const [tag, vr, keyword] = [Number.parseInt(row.slice(0, 8), 16), row.slice(8, 10), row.slice(10)];
  if (keyword === `Selector${vr}Value` || usual.has(keyword)) tagsOf.set(vr, [...(tagsOf.get(vr) ?? []), tag]);
}

const letters = fc.stringMatching(/^[A-Za-z0-9 ]{0,11}[A-Za-z0-9]$/);
const decimals = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 });
const single = (vr: string): fc.Arbitrary<string> => {
  if (vr === "DS") return decimals.map((value) => value.toPrecision(9));
  if (vr === "IS") return fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }).map(String);
  if (vr === "PN") return fc.tuple(letters, letters).map(([family, given]) => `${family}^${given}`);
  return vr === "UI" ? fc.stringMatching(/^[1-9](\.[1-9][0-9]{0,4}){1,9}$/) : letters;
};

/** Values of a VR as bytes in little endian: none, one or several, of odd lengths too. */
function valuesOf(vr: string): fc.Arbitrary<Uint8Array> {
  const size = vr === "AT" ? 4 : wordBytes(vr);
  if (vr === "FL" || vr === "OF")
    return fc
      .array(fc.float({ noNaN: true, noDefaultInfinity: true }), { maxLength: 4 })
      .map((values) => bytesOf(Float32Array.from(values)));
  if (vr === "FD" || vr === "OD")
    return fc.array(decimals, { maxLength: 4 }).map((values) => bytesOf(Float64Array.from(values)));
  if (size > 0)
    return fc.uint8Array({ maxLength: 4 }).chain((bytes) =>
      fc.constant(
        new Uint8Array(
          Array(size)
            .fill([...bytes])
            .flat(),
        ),
      ),
    );
  const most = ["LT", "ST", "UT", "UR", "AS"].includes(vr) ? 1 : 4;
  return fc.array(single(vr), { maxLength: most }).map((values) => new TextEncoder().encode(values.join("\\")));
}

const bytesOf = (array: Float32Array | Float64Array): Uint8Array => new Uint8Array(array.buffer);

const vrs = [...tagsOf.keys(), "UN"];
const { dataSets } = fc.letrec<{ dataSets: WritableElement[]; element: WritableElement }>((tie) => ({
  element: fc.constantFrom(...vrs).chain((vr): fc.Arbitrary<WritableElement> => {
    const tag = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...(tagsOf.get(vr) ?? [0x00080fff])) }, privateTags);
    if (vr !== "SQ") return fc.record({ tag, vr: fc.constant(vr), value: valuesOf(vr) });
    return fc.record({ tag, vr: fc.constant(vr), value: fc.array(tie("dataSets"), { maxLength: 3 }) });
  }),
  dataSets: fc.uniqueArray(tie("element"), { selector: ({ tag }) => tag, maxLength: 8, depthIdentifier: "nested" }),
}));
const privateTags = fc.integer({ min: 0x00111001, max: 0x001110ff });

const syntaxes = ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"];
const files = fc.record({
  elements: dataSets,
  transferSyntax: fc.constantFrom(...syntaxes),
  lengths: fc.constantFrom("defined" as const, "undefined" as const),
});

/** Asserts that a data set holds exactly what was written: padded values, items in items, private elements. */
function assertHolds(dataSet: DataSet, written: readonly WritableElement[]): void {
  const found = new Map(elementsOf(dataSet).map((element) => [element.tag, element]));
  for (const tag of found.keys()) assert.ok(tag >>> 16 === 2 || written.some((element) => element.tag === tag));
  for (const { tag, vr, value } of written) {
    const name = `${dataSet.where}: ${formatTag(tag)} ${vr}`;
    const read = found.get(tag);
    assert.ok(read, name);
    if (dataSet.vr === "explicit" || tag >>> 16 !== 0x0011) assert.equal(read.vr, vr, name);
    if (value instanceof Uint8Array) {
      const padding = value.length % 2 === 0 ? [] : [wordBytes(vr) > 0 || vr === "UI" ? 0 : 0x20];
      assert.deepEqual([...(read.value as Uint8Array)], [...value, ...padding], name);
    } else {
      const nested = items(dataSet, tag);
      assert.equal(nested.length, (value as readonly unknown[]).length, name);
      nested.forEach((item, index) => {
        assertHolds(item, (value as readonly (readonly WritableElement[])[])[index]!);
      });
    }
  }
}

test("whatever is written in any syntax is read as it was, nested and private elements too", () => {
  const identity = fc.property(files, ({ elements, ...options }) => {
    const dataSet = must(readDataSet(writeDataSet(elements, options), "made here"));
    if (elements.length > 0 && isNative(options.transferSyntax))
      assert.equal(dataSet.transferSyntax, options.transferSyntax);
    assertHolds(dataSet, elements);
  });
  fc.assert(identity, { numRuns: 500, seed: 3 });
});

test("what was read can be written in another syntax, and means the same", () => {
  const identity = fc.property(
    files,
    fc.constantFrom(...syntaxes.slice(1)),
    ({ elements, ...options }, transferSyntax) => {
      const first = must(readDataSet(writeDataSet(elements, options), "made here"));
      const second = must(readDataSet(writeDataSet(elementsOf(first), { transferSyntax }), "copied here"));
      assertHolds(
        second,
        elementsOf(first).filter(({ tag }) => tag >>> 16 !== 2),
      );
    },
  );
  fc.assert(identity, { numRuns: 200, seed: 4 });
});

test("pydicom reads what is written as it is read here", { skip: withoutPydicom }, () => {
  fc.sample(files, { numRuns: 150, seed: 5 }).forEach(({ elements, ...options }, index) => {
    writeFileSync(join(folder, `${index}.dcm`), writeDataSet(elements, options));
  });
  const answers = Object.entries(askPydicom(folder));
  assert.equal(answers.length, 150);
  for (const [path, told] of answers) {
    assert.ok(!("error" in told), JSON.stringify(told));
    assert.deepEqual(differences(must(readHeader(path)), told), [], path);
  }
});

test("compressed pixels keep their offset table and fragments, in an icon too", () => {
  const value = { offsetTable: Uint8Array.of(0, 0, 0, 0), fragments: [Uint8Array.of(1, 2), Uint8Array.of(3)] };
  const pixels: WritableElement = { tag: pixelDataTag, vr: "OB", value };
  const iconSequence: WritableElement = { tag: 0x00880200, vr: "SQ", value: [[pixels]] };
  for (const lengths of ["defined", "undefined"] as const) {
    const bytes = writeDataSet([iconSequence, pixels], { transferSyntax: "1.2.840.10008.1.2.5", lengths });
    const dataSet = must(readDataSet(bytes, "made here"));
    const read = { offsetTable: value.offsetTable, fragments: [value.fragments[0], Uint8Array.of(3, 0)] };
    assert.equal(dataSet.pixelData?.length, "encapsulated");
    assert.deepEqual(splitFragments(bytes.subarray(dataSet.pixelData.offset)), read);
    const icon = elementsOf(dataSet).find(({ tag }) => tag === 0x00880200)!;
    assert.deepEqual(icon, { ...iconSequence, value: [[{ ...pixels, value: read }]] });
  }
});

test("a value that is too long for its VR is written as UN, and the syntax says so", () => {
  const value = new TextEncoder().encode("x".repeat(70_000));
  const bytes = writeDataSet([{ tag: 0x00104000, vr: "LT", value }], { transferSyntax: "1.2.840.10008.1.2.1" });
  const dataSet = must(readDataSet(bytes, "made here"));
  assert.equal(dataSet.elements.get(0x00104000)?.vr, "UN");
  assert.equal(text(dataSet, "PatientComments")?.length, 70_000);
});
