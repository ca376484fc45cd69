"""pydicom as bench/dicom.bench.ts times it: a JSON line of what to do in, a JSON line of the milliseconds out.

Its check of values is off, as Ichor takes UIDs such as ID_0123abcd as they are too: pydicom would warn of each.
"""
import json
import os
import sys
import time
import warnings

import numpy
import pydicom

pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
warnings.simplefilter("ignore")

VALUES = (
    "SOPInstanceUID StudyInstanceUID SeriesInstanceUID PatientID Modality Rows Columns BitsStored PixelRepresentation "
    "PhotometricInterpretation RescaleSlope RescaleIntercept ImagePositionPatient ImageOrientationPatient PixelSpacing "
    "InstanceNumber"
).split()


def header(path):
    data_set = pydicom.dcmread(path, stop_before_pixels=True)
    return [getattr(data_set, keyword) for keyword in VALUES]


def hu_int16(path):
    data_set = pydicom.dcmread(path)
    hu = data_set.pixel_array * int(data_set.RescaleSlope) + int(data_set.RescaleIntercept)
    return hu.astype(numpy.int16, copy=False)


def hu_float64(path):
    data_set = pydicom.dcmread(path)
    return data_set.pixel_array * data_set.RescaleSlope + data_set.RescaleIntercept


def evict(path):
    """Takes a file out of the page cache; what was written must be on the disk before."""
    file = os.open(path, os.O_RDONLY)
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(file)
    return [path]


WORK = {"header": header, "hu int16": hu_int16, "hu float64": hu_float64, "evict": evict}

for line in sys.stdin:
    request = json.loads(line)
    work = WORK[request["work"]]
    if request["work"] == "evict":
        os.sync()
    begun, cpu = time.perf_counter(), time.process_time()
    last = [work(path) for path in request["paths"]][-1]
    ms, cpu_ms = (time.perf_counter() - begun) * 1e3, (time.process_time() - cpu) * 1e3
    told = int(last.astype(int).sum()) if isinstance(last, numpy.ndarray) else str(last[0])
    print(json.dumps({"ms": ms, "cpuMs": cpu_ms, "last": told, "version": pydicom.__version__}), flush=True)
