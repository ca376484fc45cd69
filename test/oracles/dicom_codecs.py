"""Compressed DICOM files made by DCMTK, GDCM and pydicom, and what they decode to: the oracle of src/dicom/codecs.test.ts,
of the committed files beside it and of docs/conformance.md.

usage: dicom_codecs.py make FOLDER [--small]   writes files; --small: those that are committed, 12 x 16 pixels
           (make src/dicom/fixtures --small > src/dicom/fixtures/expected.json; npm run format)
       dicom_codecs.py read FOLDER             prints JSON: for each *.dcm that pydicom decodes to grey values, the
                                               SHA-256 of each frame (int32 little endian), with shape and syntax
make prints JSON: {tools: {name: version}, files: [{file, image, syntax, encoder, oracle, shape, values}]}; values are
base64 of int32 little endian, by the oracle: the source image where the encoder is lossless (and every decoder that
reads it has to agree), else the decoders named, which have to agree with each other.
"""
import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import warnings

import gdcm
import numpy
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

warnings.filterwarnings("ignore")
CT = "1.2.840.10008.5.1.4.1.1.2"

# name: BitsAllocated, BitsStored, signed, frames
IMAGES = {
    "u8": (8, 8, 0, 1),
    "u8in16": (16, 8, 0, 1),
    "u12": (16, 12, 0, 1),
    "s12": (16, 12, 1, 1),
    "s13": (16, 13, 1, 1),
    "s16": (16, 16, 1, 1),
    "u16": (16, 16, 0, 1),
    "full": (16, 16, 1, 1),
    "u12x3": (16, 12, 0, 3),
    "u32": (32, 32, 0, 1),
}

LOSSLESS = {f"dcmcjpeg +el +sv {sv}": ["dcmcjpeg", "+el", "+sv", str(sv)] for sv in range(1, 8)}
LOSSLESS.update({
    "dcmcjpeg +e1": ["dcmcjpeg", "+e1"],
    "dcmcjpls": ["dcmcjpls"],
    "dcmcrle": ["dcmcrle"],
    "dcmconv +te": ["dcmconv", "+te"],
    "dcmconv +ti": ["dcmconv", "+ti"],
    "dcmconv +tb": ["dcmconv", "+tb"],
    "dcmconv +td": ["dcmconv", "+td"],
    "gdcmconv --jpeg": ["gdcmconv", "--jpeg"],
    "gdcmconv --jpegls": ["gdcmconv", "--jpegls"],
    "gdcmconv --j2k": ["gdcmconv", "--j2k"],
    "gdcmconv --rle": ["gdcmconv", "--rle"],
})
# name: command, images, decoder of DCMTK
LOSSY = {
    "dcmcjpeg +eb": (["dcmcjpeg", "+eb"], ["u8"], "dcmdjpeg"),
    "dcmcjpeg +ee": (["dcmcjpeg", "+ee"], ["u8"], "dcmdjpeg"),
    "dcmcjpeg +ee +bt": (["dcmcjpeg", "+ee", "+bt"], ["u12", "s12", "u16", "u12x3"], "dcmdjpeg"),
    "dcmcjpeg +es": (["dcmcjpeg", "+es"], ["u8"], "dcmdjpeg"),
    "dcmcjpeg +es +bt": (["dcmcjpeg", "+es", "+bt"], ["u12"], "dcmdjpeg"),
    "dcmcjpeg +ep": (["dcmcjpeg", "+ep"], ["u8"], "dcmdjpeg"),
    "dcmcjpeg +ep +bt": (["dcmcjpeg", "+ep", "+bt"], ["u12"], "dcmdjpeg"),
    "dcmcjpls +en": (["dcmcjpls", "+en", "+md", "3"], ["u8", "u12", "u16"], "dcmdjpls"),
    "gdcmconv --jpegls --lossy": (["gdcmconv", "--jpegls", "--lossy", "-e", "3"], ["u12", "s16", "full"], "dcmdjpls"),
    "gdcmconv --j2k --lossy": (["gdcmconv", "--j2k", "--lossy", "-q", "40"], ["u8", "u12", "s12", "s16", "u16"], None),
}

SMALL = [
    ("dcmconv +tb", "s16"), ("dcmconv +td", "s16"), ("dcmcrle", "u8"), ("dcmcrle", "s16"), ("dcmcrle", "u32"),
    ("dcmcjpeg +eb", "u8"), ("dcmcjpeg +ee", "u8"), ("dcmcjpeg +ee +bt", "u12"), ("dcmcjpeg +es", "u8"),
    ("dcmcjpeg +ep", "u8"), ("dcmcjpeg +el +sv 6", "s12"), ("dcmcjpeg +el +sv 7", "s16"),
    ("dcmcjpeg +e1", "s13"), ("dcmcjpeg +e1", "full"), ("dcmcjpeg +e1", "u12x3"), ("gdcmconv --jpeg", "u16"),
    ("dcmcjpls", "s16"), ("gdcmconv --jpegls", "s12"), ("dcmcjpls +en", "u12"), ("gdcmconv --jpegls --lossy", "full"),
    ("gdcmconv --j2k", "u8"), ("gdcmconv --j2k", "s12"), ("gdcmconv --j2k", "full"), ("gdcmconv --j2k --lossy", "u12"),
]


def picture(name, rows, columns):
    """Smooth waves with noise that reach both ends of the range; "full" jumps from end to end, pixel by pixel."""
    _, stored, signed, frames = IMAGES[name]
    low = -(2 ** (stored - 1)) if signed else 0
    high = low + 2**stored - 1
    random = numpy.random.RandomState(sum(map(ord, name)))
    frame, row, column = numpy.mgrid[0:frames, 0:rows, 0:columns]
    wave = (numpy.sin(column / 5 + frame) * numpy.cos(row / 7) + 1) / 2
    values = numpy.rint(low + wave * (high - low) + random.randint(-4, 5, wave.shape)).astype(numpy.int64)
    values = numpy.clip(values, low, high)
    values[:, 0, 0], values[:, 0, 1] = low, high
    if name == "full":
        values[:, ::2, ::2], values[:, ::2, 1::2] = low, high
    return values


def write(path, name, values):
    allocated, stored, signed, frames = IMAGES[name]
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CT
    meta.MediaStorageSOPInstanceUID = "2.25.1"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = Dataset()
    data.file_meta = meta
    data.is_little_endian, data.is_implicit_VR = True, False
    data.SOPClassUID, data.SOPInstanceUID, data.Modality = CT, "2.25.1", "CT"
    data.StudyInstanceUID, data.SeriesInstanceUID = "2.25.2", "2.25.3"
    data.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    for keyword in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID",
                    "AccessionNumber", "ReferringPhysicianName", "SeriesNumber", "InstanceNumber"):
        setattr(data, keyword, "")
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.Rows, data.Columns = values.shape[1:]
    if frames > 1:
        data.NumberOfFrames = frames
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = allocated, stored, stored - 1, signed
    data.RescaleIntercept, data.RescaleSlope = -1024, 1
    data.PixelData = values.astype(f"<{'i' if signed else 'u'}{allocated // 8}").tobytes()
    data["PixelData"].VR = "OB" if allocated == 8 else "OW"
    if len(data.PixelData) % 2:
        data.PixelData += b"\0"
    data.save_as(path, write_like_original=False)


def run(command, source, target):
    # GDCM's tools are silent about files they do not take; what was written is judged.
    done = subprocess.run([*command, source, target], capture_output=True)
    return done.returncode == 0 and os.path.exists(target)


LOSSY_SYNTAXES = {"1.2.840.10008.1.2.4." + end for end in ("50", "51", "53", "55", "81", "91", "203")}


def frames_of(path, lossy=False):
    """Stored values of a file as [frames, rows, columns], by pydicom (numpy, RLE, else GDCM); None where it cannot. pydicom
    leaves what goes beyond BitsStored: lossy samples overshoot and are cut to the range, other cells are masked."""
    try:
        data = pydicom.dcmread(path)
        if data.get("SamplesPerPixel", 1) != 1 or data.BitsAllocated not in (8, 16, 32):
            return None
        bits, signed = data.BitsStored, data.PixelRepresentation == 1  # first: pydicom may change them while it decodes
        values = data.pixel_array.astype(numpy.int64)
    except Exception:
        return None
    if values.ndim == 2:
        values = values[None]
    if lossy or str(data.file_meta.TransferSyntaxUID) in LOSSY_SYNTAXES:
        low = -(1 << (bits - 1)) if signed else 0
        return numpy.clip(values, low, low + (1 << bits) - 1)
    values &= (1 << bits) - 1
    if signed:
        values = values - ((values >> (bits - 1)) << bits)
    return values


def make(folder, small):
    shape = (12, 16) if small else (33, 41)
    tools = {
        "DCMTK": subprocess.run(["dcmcjpeg", "--version"], capture_output=True, text=True).stdout.split()[2].lstrip("v"),
        "GDCM": gdcm.Version.GetVersion(),
        "pydicom": pydicom.__version__,
        "numpy": numpy.__version__,
    }
    files, work = [], tempfile.mkdtemp()
    for image in IMAGES:
        values = picture(image, *shape)
        source = os.path.join(work, image + ".dcm")
        write(source, image, values)
        cases = [(encoder, command, None) for encoder, command in LOSSLESS.items()]
        cases += [(encoder, command, decoder) for encoder, (command, images, decoder) in LOSSY.items() if image in images]
        for encoder, command, decoder in cases:
            if small and (encoder, image) not in SMALL:
                continue
            if image == "u32" and encoder.split()[0] not in ("dcmcrle", "dcmconv"):
                continue
            target = os.path.join(folder, f"{image}-{re.sub('[^a-z0-9]+', '-', encoder)}.dcm")
            if not run(command, source, target):
                continue
            case = judge(target, encoder, values, decoder, work)
            if case is None:
                os.remove(target)
                continue
            files.append({"file": os.path.basename(target), "image": image, "encoder": encoder, **case})
    shutil.rmtree(work)
    json.dump({"tools": tools, "files": files}, sys.stdout)


def judge(target, encoder, source, decoder, work):
    """What the file holds, and who says so; None where the encoder did not keep the image and no decoder vouches."""
    meta = pydicom.dcmread(target, stop_before_pixels=True)
    syntax = str(meta.file_meta.TransferSyntaxUID)
    by_pydicom = frames_of(target)
    if encoder in LOSSLESS:
        if by_pydicom is not None and not numpy.array_equal(by_pydicom, source):
            return None
        by = "the source" + ("" if by_pydicom is None else " and pydicom")
        return case(syntax, by, source)
    witnesses = {} if by_pydicom is None else {"pydicom with GDCM": by_pydicom}
    if decoder:
        decoded = os.path.join(work, "decoded.dcm")
        if os.path.exists(decoded):
            os.remove(decoded)
        if run([decoder], target, decoded):
            witnesses[decoder] = frames_of(decoded, lossy=True)
    known = [values for values in witnesses.values() if values is not None]
    if not known:
        return None
    agreed = all(numpy.array_equal(known[0], values) for values in known)
    if not agreed and decoder is None:
        return None
    chosen = known[-1]  # DCMTK's where it decodes
    return case(syntax, " and ".join(witnesses) if agreed else list(witnesses)[-1], chosen)


def case(syntax, oracle, values):
    return {
        "syntax": syntax,
        "oracle": oracle,
        "shape": list(values.shape),
        "values": base64.b64encode(values.astype("<i4").tobytes()).decode(),
    }


def read(folder):
    answer = {}
    for path, _, names in os.walk(folder):
        for name in sorted(names):
            values = frames_of(os.path.join(path, name)) if name.endswith(".dcm") else None
            if values is not None:
                hashes = [hashlib.sha256(frame.astype("<i4").tobytes()).hexdigest() for frame in values]
                answer[os.path.relpath(os.path.join(path, name), folder)] = {"frames": hashes, "shape": list(values.shape)}
    json.dump(answer, sys.stdout)


if sys.argv[1] == "make":
    make(sys.argv[2], "--small" in sys.argv[3:])
else:
    read(sys.argv[2])
