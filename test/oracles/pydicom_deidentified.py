"""Reads files and tells, as JSON, what they say of their de-identification and a digest of their pixels.

Usage: pydicom_deidentified.py FILE...
"""
import hashlib
import json
import sys
import warnings

import pydicom

warnings.simplefilter("ignore")
answers = []
for path in sys.argv[1:]:
    ds = pydicom.dcmread(path)
    ds.walk(lambda _, element: str(element.value))  # every value can be decoded
    answers.append(
        {
            "removed": ds.PatientIdentityRemoved,
            "codes": [item.CodeValue for item in ds.DeidentificationMethodCodeSequence],
            "syntax": str(ds.file_meta.TransferSyntaxUID),
            "patient": str(ds.get("PatientName", "")),
            "pixels": hashlib.sha256(ds.PixelData).hexdigest(),
        }
    )
print(json.dumps(answers))
