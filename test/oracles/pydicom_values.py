"""What pydicom says of DICOM files: the oracle of src/dicom/pydicom.test.ts.

usage: pydicom_values.py make FOLDER   writes files of many pixel layouts with pydicom
       pydicom_values.py read FOLDER   prints JSON: for each *.dcm the SHA-256 of its stored values (int32 little endian)
                                       and of its HU (rounded, cut to int16, padding -1000)
"""
import hashlib
import json
import os
import sys

import numpy
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixel_data_handlers.util import apply_modality_lut
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

CT = "1.2.840.10008.5.1.4.1.1.2"


def make(folder):
    number = 0
    random = numpy.random.RandomState(1)
    for syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian):
        for allocated, stored in ((8, 8), (16, 8), (16, 12), (16, 13), (16, 16), (32, 20), (32, 32)):
            for signed in (0, 1):
                for slope, intercept in ((1, -1024), (0.5, 3), (2, -1000.5)):
                    for photometric in ("MONOCHROME2", "MONOCHROME1") if allocated == 16 and slope == 1 else ("MONOCHROME2",):
                        number += 1
                        low, high = (-(2 ** (stored - 1)), 2 ** (stored - 1)) if signed else (0, 2**stored)
                        values = random.randint(low, high, size=(7, 9), dtype=numpy.int64)
                        values[0, 0], values[0, 1] = low, high - 1
                        write(os.path.join(folder, f"made{number:03d}.dcm"), values, dict(
                            syntax=syntax, allocated=allocated, stored=stored, signed=signed, slope=slope,
                            intercept=intercept, photometric=photometric))


def write(path, values, kind):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CT, "1.2.3"
    meta.TransferSyntaxUID = kind["syntax"]
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID, ds.Modality = CT, "1.2.3", "CT"
    ds.PatientID, ds.StudyInstanceUID, ds.SeriesInstanceUID = "P", "1.2.4", "1.2.5"
    inner = Dataset()
    inner.ReferencedSOPClassUID, inner.ReferencedSOPInstanceUID = CT, "1.2.6"
    ds.ReferencedImageSequence = Sequence([inner])
    ds["ReferencedImageSequence"].is_undefined_length = True
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, kind["photometric"]
    ds.Rows, ds.Columns = values.shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = kind["allocated"], kind["stored"], kind["stored"] - 1
    ds.PixelRepresentation = kind["signed"]
    ds.PixelPaddingValue = int(values.min()) if kind["allocated"] == 16 else 0
    ds.RescaleSlope, ds.RescaleIntercept = kind["slope"], kind["intercept"]
    name = f"{'int' if kind['signed'] else 'uint'}{kind['allocated']}"
    ds.PixelData = values.astype(name).tobytes()
    if len(ds.PixelData) % 2:
        ds.PixelData += b"\0"
    ds["PixelData"].VR = "OB" if kind["allocated"] == 8 and not kind["syntax"].is_implicit_VR else "OW"
    ds.file_meta = meta
    ds.is_little_endian, ds.is_implicit_VR = True, kind["syntax"].is_implicit_VR
    ds.save_as(path, write_like_original=False)


def read(folder):
    answers = {}
    for name in sorted(n for n in os.listdir(folder) if n.endswith(".dcm")):
        ds = pydicom.dcmread(os.path.join(folder, name))
        stored = ds.pixel_array.astype(numpy.int64)
        hu = numpy.clip(numpy.floor(apply_modality_lut(ds.pixel_array, ds).astype(float) + 0.5), -32768, 32767)
        if "PixelPaddingValue" in ds:  # outside the reconstruction nothing is measured: air
            hu[stored == ds.PixelPaddingValue] = -1000
        digest = lambda a, kind: hashlib.sha256(a.astype(kind).tobytes()).hexdigest()
        answers[name] = {"stored": digest(stored, "<i8"), "hu": digest(hu, "<i2"), "rows": ds.Rows, "columns": ds.Columns}
    print(json.dumps(answers))


pydicom.config.settings.reading_validation_mode = 0
{"make": make, "read": read}[sys.argv[1]](sys.argv[2])
