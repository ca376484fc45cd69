import assert from "node:assert/strict";
import { test } from "node:test";
import { must } from "../base/index.ts";
import { readDataSet, type WritableElements, writeDicom } from "../dicom/index.ts";
import { classicElements } from "./functional-groups.ts";
import { makingOf } from "./making.ts";

const of = (elements: WritableElements) => makingOf(classicElements(must(readDataSet(writeDicom(elements), "made"))));

test("how a slice was made is read from its header", () => {
  const making = of({
    ImageType: ["ORIGINAL", "PRIMARY", "AXIAL"],
    SliceThickness: 1.25,
    ConvolutionKernel: "H40s",
    SeriesDescription: "HEAD 1.25 ",
    BodyPartExamined: "HEAD",
    ContrastBolusAgent: "OMNIPAQUE 300",
    AcquisitionNumber: 2,
    SeriesNumber: 4,
    InstanceNumber: 17,
    TemporalPositionIdentifier: 3,
    BurnedInAnnotation: "NO",
  });
  assert.deepEqual(making, {
    sliceThicknessMm: 1.25,
    kernel: "H40s",
    imageType: ["ORIGINAL", "PRIMARY", "AXIAL"],
    seriesDescription: "HEAD 1.25",
    bodyPart: "HEAD",
    contrast: "yes",
    acquisition: 2,
    seriesNumber: 4,
    instanceNumber: 17,
    temporalPosition: 3,
    stack: undefined,
    inStackPosition: undefined,
    burnedIn: "no",
  });
});

test("what a header does not say is not known, empty elements included", () => {
  const absent = of({ Modality: "CT" });
  assert.deepEqual([absent.imageType, absent.contrast, absent.burnedIn], [[], "unknown", "unknown"]);
  assert.deepEqual(
    of({ Modality: "CT", ImageType: "", SliceThickness: "", ConvolutionKernel: "", ContrastBolusAgent: "" }),
    absent,
  );
  assert.equal(of({ SliceThickness: 0 }).sliceThicknessMm, undefined);
});

test("contrast is told by the agent, or by its volume where no agent is named", () => {
  for (const agent of ["NONE", "no", "No contrast", "W/O CONTRAST", "without", "N/A", "0"])
    assert.equal(of({ ContrastBolusAgent: agent }).contrast, "no", agent);
  for (const agent of ["Iohexol", "NONIONIC", "W/ CONTRAST", "APPLIED", "CE"])
    assert.equal(of({ ContrastBolusAgent: agent }).contrast, "yes", agent);
  assert.equal(of({ ContrastBolusVolume: 80 }).contrast, "yes");
  assert.equal(of({ ContrastBolusVolume: 0 }).contrast, "no");
});
