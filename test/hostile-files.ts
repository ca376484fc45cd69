import { deflateRawSync } from "node:zlib";
import { must } from "../src/base/index.ts";
import {
  ctImageStorage,
  type DataSet,
  encodeElements,
  items,
  readDataSet,
  type WritableElement,
  type WritableElements,
  writeDataSet,
} from "../src/dicom/index.ts";

// Files that are damaged on purpose, each in one way, from a small CT slice that is sound.

const slice: WritableElements = {
  SpecificCharacterSet: "ISO 2022 IR 6\\ISO 2022 IR 87",
  ImageType: "ORIGINAL\\PRIMARY\\AXIAL",
  SOPClassUID: ctImageStorage,
  SOPInstanceUID: "1.2.3.1",
  Modality: "CT",
  PatientName: "Yamada^Tarou=\u001b$B;3ED\u001b(B",
  PatientID: "ID_patient",
  StudyInstanceUID: "1.2.1",
  SeriesInstanceUID: "1.2.2",
  ReferencedImageSequence: [{ ReferencedSOPInstanceUID: "1.2.3" }, { ReferencedSOPInstanceUID: "1.2.4" }],
  RequestAttributesSequence: [{ ReferencedStudySequence: [{ ReferencedSOPInstanceUID: "1.2.5" }] }],
  ImagePositionPatient: [-8, -8, 0],
  ImageOrientationPatient: [1, 0, 0, 0, 1, 0],
  SamplesPerPixel: 1,
  PhotometricInterpretation: "MONOCHROME2",
  Rows: 8,
  Columns: 8,
  PixelSpacing: [1, 1],
  BitsAllocated: 16,
  BitsStored: 16,
  HighBit: 15,
  PixelRepresentation: 1,
  PixelPaddingValue: -2000,
  RescaleIntercept: -1024,
  RescaleSlope: 1,
  PixelData: Int16Array.from({ length: 64 }, (_, index) => 1000 + index),
};
const privateElements: readonly WritableElement[] = [
  { tag: 0x00110010, vr: "LO", value: new TextEncoder().encode("MAKER") },
  { tag: 0x00111001, vr: "UN", value: Uint8Array.of(1, 2, 3, 4) },
  { tag: 0x00111002, vr: "SQ", value: [encodeElements({ PatientComments: "nested" })] },
];
const elements: readonly WritableElement[] = [...encodeElements(slice), ...privateElements];

const implicit = "1.2.840.10008.1.2";
const explicit = "1.2.840.10008.1.2.1";
const bigEndian = "1.2.840.10008.1.2.2";
const deflated = "1.2.840.10008.1.2.1.99";

/** A sound file of a syntax, with sequences of undefined length. */
function sound(transferSyntax: string, more: readonly WritableElement[] = []): Uint8Array {
  const tags = new Set(more.map(({ tag }) => tag));
  return writeDataSet([...elements.filter(({ tag }) => !tags.has(tag)), ...more], {
    transferSyntax,
    lengths: "undefined",
  });
}

/** Every element of a data set and of its items at any depth, with where its value begins and ends. */
function places(dataSet: DataSet): { readonly vr: string; readonly offset: number; readonly end: number }[] {
  return [...dataSet.elements.values()].flatMap(({ tag, vr, offset, length }) => [
    { vr, offset, end: offset + length },
    ...items(dataSet, tag).flatMap(places),
  ]);
}

function* truncations(): Generator<Named> {
  for (const [name, syntax] of Object.entries({ implicit, explicit, bigEndian })) {
    const bytes = sound(syntax);
    const dataSet = must(readDataSet(bytes, name));
    const { offset } = dataSet.pixelData!;
    const ends = places(dataSet).flatMap((place) => [place.offset - 8, place.offset - 4, place.offset, place.end]);
    for (const cut of new Set([0, 1, 127, 128, 131, 132, ...ends, offset - 4, offset, offset + 64, bytes.length - 1]))
      yield [`cut-${name}-${cut}`, bytes.subarray(0, cut)];
  }
  const whole = sound(deflated);
  for (let cut = 200; cut < whole.length; cut += 7) yield [`cut-deflated-${cut}`, whole.subarray(0, cut)];
  const plain = sound(explicit);
  const at = metaEnd(plain);
  const head = sound(deflated).subarray(0, metaEnd(whole));
  for (let cut = at; cut < plain.length; cut += 31)
    yield [`cut-then-deflated-${cut}`, Buffer.concat([head, deflateRawSync(plain.subarray(at, cut))])];
}

/** Where the meta header ends: its group's length stands at 140. */
function metaEnd(bytes: Uint8Array): number {
  return 144 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(140, true);
}

type Named = readonly [name: string, bytes: Uint8Array];

function* flippedLengths(): Generator<Named> {
  for (const [name, syntax] of Object.entries({ implicit, explicit, bigEndian })) {
    const bytes = sound(syntax);
    for (const { vr, offset } of places(must(readDataSet(bytes, name)))) {
      const wide = name === "implicit" || /^(O.|SQ|U[CNRTV]|SV)$/.test(vr);
      for (const length of wide ? [0, 1, 0xfffe, 0x7fffffff, 0xfffffffe, 0xffffffff] : [0, 1, 0x7fff, 0xfffe, 0xffff]) {
        const view = new DataView(bytes.slice().buffer);
        if (wide) view.setUint32(offset - 4, length, name !== "bigEndian");
        else view.setUint16(offset - 2, length, name !== "bigEndian");
        yield [`length-${name}-${offset}-${length}`, new Uint8Array(view.buffer)];
      }
    }
  }
}

function* flippedVrs(): Generator<Named> {
  for (const [name, syntax] of Object.entries({ explicit, bigEndian })) {
    const bytes = sound(syntax);
    for (const { vr, offset } of places(must(readDataSet(bytes, name)))) {
      const at = offset - (/^(O.|SQ|U[CNRTV]|SV)$/.test(vr) ? 8 : 4);
      for (const other of ["SQ", "OB", "UN", "DS", "PN", "FD", "AT", "ZZ", "\0\0"]) {
        const changed = Buffer.from(bytes);
        changed.write(other, at, "latin1");
        yield [`vr-${name}-${offset}-${other.replaceAll("\0", "0")}`, changed];
      }
    }
  }
}

function* nested(): Generator<Named> {
  let inner: WritableElement[] = encodeElements({ PatientComments: "deep" });
  for (let depth = 0; depth < 1000; depth++) inner = [{ tag: 0x0040a730, vr: "SQ", value: [inner] }];
  for (const [name, syntax] of Object.entries({ implicit, explicit, bigEndian, deflated })) {
    yield [`nested-${name}`, sound(syntax, inner)];
    yield [`nested-defined-${name}`, writeDataSet([...elements, ...inner], { transferSyntax: syntax })];
  }
}

function* numbersThatAreNone(): Generator<Named> {
  for (const value of ["NaN", "Infinity", "-inf", "1e999", "1e-999", "--1", "0x10", "1\\", "\\", "9".repeat(400)])
    for (const keyword of ["RescaleSlope", "RescaleIntercept", "ImagePositionPatient", "PixelSpacing"])
      yield [
        `number-${keyword}-${Buffer.from(value.slice(0, 9)).toString("hex")}`,
        sound(explicit, encodeElements({ [keyword]: value })),
      ];
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY])
    yield [`double-${value}`, sound(explicit, encodeElements({ SpiralPitchFactor: value, RescaleSlope: 1 }))];
}

/** Deflated data sets that inflate to a little more than the 256 MiB that are allowed. */
function* bombs(): Generator<Named> {
  const head = sound(deflated).subarray(0, metaEnd(sound(deflated)));
  const body = sound(explicit).subarray(metaEnd(sound(explicit)));
  const zeros = new Uint8Array(257 * 2 ** 20);
  yield ["bomb-zeros", Buffer.concat([head, deflateRawSync(zeros, { level: 1 })])];
  zeros.set(body);
  yield ["bomb-behind-pixels", Buffer.concat([head, deflateRawSync(zeros, { level: 1 })])];
}

function* mutations(seed: number): Generator<Named> {
  const draw = drawer(seed);
  for (const [name, syntax] of Object.entries({ implicit, explicit, bigEndian, deflated }))
    for (let index = 0; index < 100; index++) {
      const bytes = sound(syntax).slice();
      for (let change = draw(6); change >= 0; change--) bytes[draw(bytes.length)] = draw(256);
      yield [`mutated-${name}-${index}`, bytes];
    }
}

/** Whole numbers below a bound, the same for a seed (a linear congruence of 32 bits is random enough to damage files). */
function drawer(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

/** About two thousand files by name; those whose name begins with "cut" end before their last pixel. */
export function hostileFiles(): ReadonlyMap<string, Uint8Array> {
  return new Map([
    ...truncations(),
    ...flippedLengths(),
    ...flippedVrs(),
    ...nested(),
    ...numbersThatAreNone(),
    ...bombs(),
    ...mutations(6),
  ]);
}
