"""CT files with every way to store HU, and their HU: the oracle of src/ct/values.test.ts and src/ct/enhanced.test.ts.

usage: pydicom_hu.py FOLDER   writes FOLDER/*.dcm with pydicom and prints JSON: for each file its frames' HU, each a list,
                              or the reason for which it has none. HU are pydicom's where it knows the rule (apply_modality_lut),
                              else NumPy's from the values that were stored. Halves are rounded up, the result cut to int16,
                              padding that the header names is -1000.
"""
import json
import os
import sys
import warnings

import numpy
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixel_data_handlers.util import apply_modality_lut
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless,
)

CT = "1.2.840.10008.5.1.4.1.1.2"
ENHANCED, CONVERTED = CT + ".1", CT + ".2"
ROWS, COLUMNS, AIR = 7, 9, -1000
random = numpy.random.RandomState(10)
answers = {}


def to_hu(measured, padded=None):
    hu = numpy.clip(numpy.floor(numpy.asarray(measured, dtype=float) + 0.5), -32768, 32767).astype(int)
    return hu if padded is None else numpy.where(padded, AIR, hu)


def draw(stored, signed, frames=1):
    low, high = (-(2 ** (stored - 1)), 2 ** (stored - 1)) if signed else (0, 2**stored)
    values = random.randint(low, high, size=(frames, ROWS, COLUMNS), dtype=numpy.int64)
    values[:, 0, :2] = low, high - 1
    return values if frames > 1 else values[0]


def cells(values, allocated, stored, high_bit, garbage):
    """Values as unsigned cells: their bits below HighBit, and noise in all other bits where garbage is asked for."""
    shift = high_bit + 1 - stored
    mask = (2**stored - 1) << shift
    bits = (values & (2**stored - 1)) << shift
    noise = random.randint(0, 2**allocated, size=values.shape, dtype=numpy.int64) if garbage else 0
    return (bits | (noise & ~mask)).astype(f"<u{allocated // 8}")


def ordered(words, syntax):
    """Bytes of words in the byte order of a syntax."""
    return words.astype(words.dtype.newbyteorder("<" if syntax.is_little_endian else ">")).tobytes()


def base(name, pixels, syntax, allocated, stored, signed, high_bit=None, sop_class=CT):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = sop_class, "1.2.3." + str(len(answers) + 1)
    meta.TransferSyntaxUID = syntax
    ds = Dataset()
    ds.file_meta = meta
    ds.is_little_endian, ds.is_implicit_VR = syntax.is_little_endian, syntax.is_implicit_VR
    ds.SOPClassUID, ds.SOPInstanceUID, ds.Modality = sop_class, meta.MediaStorageSOPInstanceUID, "CT"
    ds.PatientID, ds.StudyInstanceUID, ds.SeriesInstanceUID = "P", "1.2.4", "1.2.5"
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = ROWS, COLUMNS
    ds.BitsAllocated, ds.BitsStored, ds.PixelRepresentation = allocated, stored, signed
    ds.HighBit = stored - 1 if high_bit is None else high_bit
    data = ordered(pixels, syntax)
    ds.add_new(0x7FE00010, "OB" if allocated == 8 and not syntax.is_implicit_VR else "OW", data + b"\0" * (len(data) % 2))
    return ds


def save(name, ds, frames, by_pydicom=False):
    path = name + ".dcm"
    ds.save_as(os.path.join(sys.argv[1], path), write_like_original=False)
    if by_pydicom:
        read = pydicom.dcmread(os.path.join(sys.argv[1], path))
        # in 64 bits, as pydicom 2.3 subtracts the first mapped value in the cells' own type, which wraps
        said = to_hu(apply_modality_lut(read.pixel_array.astype(numpy.int64), read))
        assert (said == frames[0]).all(), name
    answers[path] = frames if isinstance(frames, str) else [numpy.asarray(frame).ravel().tolist() for frame in frames]


def layouts():
    for syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian):
        for allocated, stored, high_bit in (
            (8, 6, 5), (8, 6, 7), (8, 8, 7), (16, 10, 9), (16, 12, 11), (16, 12, 13), (16, 12, 15), (16, 15, 15),
            (16, 16, 15), (32, 12, 11), (32, 20, 19), (32, 20, 31), (32, 32, 31),
        ):
            for signed in (0, 1):
                values = draw(stored, signed)
                plain = allocated == stored
                ds = base("", cells(values, allocated, stored, high_bit, True), syntax, allocated, stored, signed, high_bit)
                ds.RescaleSlope, ds.RescaleIntercept = "1", "-1024"
                name = f"layout-{allocated}-{stored}-{high_bit}-{signed}-{'ie'[syntax.is_implicit_VR ^ 1]}"
                save(name, ds, [to_hu(values - 1024)], by_pydicom=plain)


def overlays():
    """An overlay plane in bit 12, PS3.5 8.1.2: group 6000 says where."""
    values = draw(12, 0)
    drawn = (values > 2000).astype(numpy.int64)
    ds = base("", (values | (drawn << 12)).astype("<u2"), ExplicitVRLittleEndian, 16, 12, 0)
    ds.RescaleSlope, ds.RescaleIntercept = "1", "-1024"
    for element, vr, value in ((0x10, "US", ROWS), (0x11, "US", COLUMNS), (0x40, "CS", "G"), (0x50, "SS", [1, 1]),
                               (0x100, "US", 16), (0x102, "US", 12)):
        ds.add_new(0x60000000 | element, vr, value)
    save("overlay", ds, [to_hu(values - 1024)])


def lines():
    for at, (slope, intercept) in enumerate((
        ("0.5", "0.25"), ("1.5", "-1024"), ("0.9876543", "-1000.5"), ("2", "-1024"), ("1e-1", "-3"), ("-1", "24"),
        ("1", "-0.5"), ("100", "-1024"), ("1", "31000"), ("1", "-31000"), ("1.0000001", "-1024"), ("+1.", " -1024 "),
    )):
        for signed in (0, 1):
            values = draw(16, signed)
            values[1, :6] = -3 if signed else 3, 1, 2, 3, 4, 5
            ds = base("", values.astype("<i2" if signed else "<u2"), ExplicitVRLittleEndian, 16, 16, signed)
            ds.RescaleSlope, ds.RescaleIntercept = slope, intercept
            save(f"line-{at}-{signed}", ds, [to_hu(float(slope) * values + float(intercept))], by_pydicom=True)
    for at, (slope, intercept) in enumerate((("NaN", "0"), ("inf", "0"), ("1", "-inf"), ("1e999", "0"), ("0", "-1024"),
                                             ("1", "99999999"), ("1", "-200000"), ("a", "0"))):
        ds = base("", draw(16, 1).astype("<i2"), ExplicitVRLittleEndian, 16, 16, 1)
        ds.add_new(0x00281053, "LO", slope)  # as text, which a decimal string refuses
        ds.add_new(0x00281052, "LO", intercept)
        save(f"noline-{at}", ds, "failed: rescale")
    for term in ("HU", "US", "", "Z_EFF", "PCT"):
        values = draw(16, 1)
        ds = base("", values.astype("<i2"), ExplicitVRLittleEndian, 16, 16, 1)
        ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType = "1", "-1024", term
        save(f"type-{term}", ds, "set aside: not HU" if term in ("Z_EFF", "PCT") else [to_hu(values - 1024)])
    values = draw(16, 1)
    ds = base("", values.astype("<i2"), ExplicitVRLittleEndian, 16, 16, 1)
    ds.RescaleSlope, ds.RescaleIntercept, ds.PhotometricInterpretation = "1", "-1024", "MONOCHROME1"
    save("monochrome1", ds, [to_hu(values - 1024)], by_pydicom=True)


def tables():
    for syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian):
        for at, (stored, signed, first, entries, vr, kind) in enumerate((
            (12, 0, 0, 4096, "US", "HU"), (12, 0, 100, 300, "OW", "US"), (16, 1, -1024, 2048, "US", "HU"),
            (16, 1, -1024, 2048, "OW", ""), (16, 0, 0, 65536, "OW", "HU"), (16, 0, 40000, 20000, "OW", "US"),
            (16, 1, 5, 2, "US", "HU"), (12, 0, 0, 4096, "US", "OD"),
        )):
            values = draw(stored, signed)
            ds = base("", values.astype("<i2" if signed else "<u2"), syntax, 16, stored, signed)
            item = Dataset()
            count = entries % 65536
            item.add_new(0x00283002, "SS" if signed else "US", [count, first, 16])
            table = random.randint(0, 65536, size=entries).astype("<u2")
            item.add_new(0x00283006, vr, ordered(table, syntax) if vr == "OW" else table.tolist())
            if kind:
                item.ModalityLUTType = kind
            ds.ModalityLUTSequence = Sequence([item])
            hu = to_hu(table[numpy.clip(values - first, 0, entries - 1)])
            name = f"table-{at}-{syntax.replace('.', '')[-3:]}"
            save(name, ds, "set aside: not HU" if kind == "OD" else [hu], by_pydicom=kind != "OD")
    values = draw(8, 0)
    ds = base("", values.astype("u1"), ExplicitVRLittleEndian, 8, 8, 0)
    item = Dataset()
    item.add_new(0x00283002, "US", [256, 0, 8])
    table = random.randint(0, 256, size=256).astype("u1")  # two entries in a word
    item.add_new(0x00283006, "OW", table.tobytes())
    ds.ModalityLUTSequence = Sequence([item])
    save("table-packed", ds, [to_hu(table[values])])
    ds = base("", values.astype("u1"), ExplicitVRLittleEndian, 8, 8, 0)
    item = Dataset()
    item.add_new(0x00283002, "US", [256, 0, 16])
    item.add_new(0x00283006, "OW", bytes(100))
    ds.ModalityLUTSequence = Sequence([item])
    save("table-short", ds, "failed: modality LUT")


def paddings():
    for syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian):
        for at, (stored, signed, value, limit) in enumerate((
            (16, 1, -2000, None), (16, 1, -2000, -1500), (16, 1, -1500, -2000), (16, 0, 0, None), (16, 0, 65535, 65000),
            (12, 0, 4095, None), (12, 1, -2048, -2000), (16, 1, 0, None),
        )):
            values = draw(stored, signed)
            low, high = sorted((value, value if limit is None else limit))
            values[2, :] = value
            values[3, :4] = low, high, low - 1 if low > -32768 and low > 0 else high + 1 if high < 4095 else 7, 3
            padded = (values >= low) & (values <= high)
            ds = base("", cells(values, 16, stored, stored - 1, stored < 16), syntax, 16, stored, signed)
            ds.RescaleSlope, ds.RescaleIntercept = "1", "-1024"
            # "US or SS", and writers that take US for what is signed
            vr, number = ("SS", int) if signed and at % 2 else ("US", lambda v: v & 0xFFFF)
            ds.add_new(0x00280120, vr, number(value))
            if limit is not None:
                ds.add_new(0x00280121, vr, number(limit))
            save(f"padding-{at}-{'ie'[syntax.is_implicit_VR ^ 1]}", ds, [to_hu(values - 1024, padded)])


def group(**elements):
    item = Dataset()
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return Sequence([item])


def enhanced():
    """Enhanced CT: rescale and position a frame; orientation and spacing shared or a frame, lengths defined or not."""
    for at, (syntax, allocated, stored, signed, undefined) in enumerate((
        (ExplicitVRLittleEndian, 16, 16, 1, False), (ExplicitVRLittleEndian, 16, 12, 0, True),
        (ImplicitVRLittleEndian, 16, 12, 0, False), (ImplicitVRLittleEndian, 8, 8, 0, True),
        (ExplicitVRLittleEndian, 32, 20, 1, False), (ExplicitVRBigEndian, 16, 16, 1, True),
        (DeflatedExplicitVRLittleEndian, 16, 12, 0, False),
    )):
        frames = 5
        values = draw(stored, signed, frames)
        pixels = cells(values, allocated, stored, stored - 1, stored < allocated)
        ds = base("", pixels, syntax, allocated, stored, signed, sop_class=ENHANCED)
        ds.NumberOfFrames, ds.ImageType = frames, ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
        shared, own, expected = Dataset(), [], []
        measures = dict(PixelSpacing=["0.5", "0.25"], SliceThickness="2.5")
        shared.CTReconstructionSequence = group(ConvolutionKernel="H40s", ConvolutionKernelGroup="BRAIN")
        shared.PlaneOrientationSequence = group(ImageOrientationPatient=["1", "0", "0", "0", "1", "0"])
        if at % 2:
            shared.PixelMeasuresSequence = group(**measures)
        for frame in range(frames):
            item = Dataset()
            slope, intercept = (1 + frame * 0.5, -1024 + frame * 10.25)
            item.PlanePositionSequence = group(ImagePositionPatient=["-4", "-3", str(frame * 2.5)])
            item.PixelValueTransformationSequence = group(
                RescaleIntercept=str(intercept), RescaleSlope=str(slope), RescaleType="HU")
            item.FrameContentSequence = group(StackID="1", InStackPositionNumber=frame + 1, TemporalPositionIndex=1,
                                              FrameAcquisitionNumber=2, DimensionIndexValues=[1, frame + 1])
            item.CTImageFrameTypeSequence = group(FrameType=["ORIGINAL", "PRIMARY", "AXIAL", "NONE"])
            item.ContrastBolusUsageSequence = group(ContrastBolusAgentAdministered="NO")
            if not at % 2:
                item.PixelMeasuresSequence = group(**measures)
            own.append(item)
            expected.append(to_hu(slope * values[frame] + intercept))
        ds.SharedFunctionalGroupsSequence = Sequence([shared])
        ds.PerFrameFunctionalGroupsSequence = Sequence(own)
        if undefined:
            for element in ds.iterall():
                if element.VR == "SQ":
                    element.is_undefined_length = True
                    for item in element.value:
                        item.is_undefined_length_sequence_item = True
        save(f"enhanced-{at}", ds, expected)
        if allocated == stored and syntax == ExplicitVRLittleEndian:
            ds.compress(RLELossless)
            save(f"enhanced-{at}-rle", ds, expected)


def converted():
    """Legacy converted: what no macro of the standard holds lies among the unassigned attributes."""
    values = draw(12, 0, 3)
    ds = base("", values.astype("<u2"), ExplicitVRLittleEndian, 16, 12, 0, sop_class=CONVERTED)
    ds.NumberOfFrames = 3
    shared, own = Dataset(), []
    shared.PixelMeasuresSequence = group(PixelSpacing=["0.5", "0.5"])
    shared.PlaneOrientationSequence = group(ImageOrientationPatient=["1", "0", "0", "0", "1", "0"])
    shared.PixelValueTransformationSequence = group(RescaleIntercept="-1024", RescaleSlope="1", RescaleType="HU")
    shared.UnassignedSharedConvertedAttributesSequence = group(ConvolutionKernel="BONE", BodyPartExamined="HEAD")
    for frame in range(3):
        item = Dataset()
        item.PlanePositionSequence = group(ImagePositionPatient=["0", "0", str(5 * frame)])
        item.UnassignedPerFrameConvertedAttributesSequence = group(InstanceNumber=str(frame + 7), SliceThickness="5")
        own.append(item)
    ds.SharedFunctionalGroupsSequence = Sequence([shared])
    ds.PerFrameFunctionalGroupsSequence = Sequence(own)
    save("converted", ds, [to_hu(frame - 1024) for frame in values])


warnings.simplefilter("ignore")
pydicom.config.settings.reading_validation_mode = 0
pydicom.config.settings.writing_validation_mode = 0
for make in (layouts, overlays, lines, tables, paddings, enhanced, converted):
    make()
print(json.dumps(answers))
