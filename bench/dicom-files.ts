// Files like the competition's: 512×512 int16, explicit little endian, 33 elements before the pixels, UIDs such as ID_0123abcd.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { random } from "../src/base/index.ts";
import { ctImageStorage, type WritableElements, writeDicom } from "../src/dicom/index.ts";

const slicesAStudy = 40;
const filesAFolder = 1000;

/** An identity of nine digits; no two numbers have one, as the factor is odd. */
const id = (what: string, number: number) =>
  `ID_${((Math.imul(number, 0x9e3779b1) + what.length * 40503) >>> 0).toString(16).padStart(9, "0")}`;

/** The elements of slice `number`, without its pixels. */
function headerOf(number: number, side: number): WritableElements {
  const study = Math.floor(number / slicesAStudy);
  const place = number % slicesAStudy;
  return {
    SpecificCharacterSet: "ISO_IR 100",
    ImageType: ["ORIGINAL", "PRIMARY", "AXIAL"],
    SOPClassUID: ctImageStorage,
    SOPInstanceUID: id("instance", number),
    Modality: "CT",
    PatientID: id("patient ID", study),
    SliceThickness: 5,
    StudyInstanceUID: id("study UID", study),
    SeriesInstanceUID: id("series", study),
    StudyID: "",
    InstanceNumber: place + 1,
    ImagePositionPatient: [-125, -141.318451, 62.72094 + place * 5.013],
    ImageOrientationPatient: [1, 0, 0, 0, 0.927184, -0.374607],
    SamplesPerPixel: 1,
    PhotometricInterpretation: "MONOCHROME2",
    Rows: side,
    Columns: side,
    PixelSpacing: [0.488281, 0.488281],
    BitsAllocated: 16,
    BitsStored: 16,
    HighBit: 15,
    PixelRepresentation: 1,
    WindowCenter: 30,
    WindowWidth: 80,
    RescaleIntercept: -1024,
    RescaleSlope: 1,
  };
}

/** A head of soft tissue in a skull, noise over all, −2000 beyond the scanner's circle; in the units that are stored. */
function pixelsOf(seed: number, side: number): Int16Array {
  const source = random(seed, "head");
  const pixels = new Int16Array(side * side);
  for (let at = 0; at < pixels.length; at++) {
    const [x, y] = [(at % side) - side / 2, Math.floor(at / side) - side / 2];
    const [away, head] = [Math.hypot(x, y), Math.hypot(x / side / 0.33, y / side / 0.4)];
    const hu = head > 1 ? -1000 : head > 0.93 ? 1200 : 35;
    pixels[at] = away > side / 2 ? -2000 : hu + 1024 + source.integer(21) - 10;
  }
  return pixels;
}

/** Writes so many files under a folder, in folders of a thousand; answers their paths. Their pixels are those of eight heads. */
export function writeSlices(folder: string, count: number, side = 512): readonly string[] {
  const heads = Array.from({ length: 8 }, (_, seed) => pixelsOf(seed, side));
  return Array.from({ length: count }, (_, number) => {
    const part = join(folder, String(Math.floor(number / filesAFolder)).padStart(4, "0"));
    if (number % filesAFolder === 0) mkdirSync(part, { recursive: true });
    const path = join(part, `${id("instance", number)}.dcm`);
    const pixels = heads[number % heads.length]!.slice();
    pixels[number % pixels.length] = number % 4096; // no two slices are the same
    writeFileSync(path, writeDicom({ ...headerOf(number, side), PixelData: pixels }));
    return path;
  });
}
