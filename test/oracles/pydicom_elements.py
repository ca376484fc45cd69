"""What pydicom says of the elements of DICOM files: the oracle of src/dicom/public-files.test.ts and its neighbours.

usage: pydicom_elements.py FOLDER...   prints JSON: for each file below the folders, by path, its elements before the
pixel data as [tag, kind, value] in order of the tags, or {"error": ...} where pydicom cannot read it. kind is "items"
(a list of such lists), "numbers", "text" (values joined by a backslash) or "bytes" (length and SHA-1); an empty value
is null.
"""
import hashlib
import json
import os
import sys
import warnings

import pydicom

NUMERIC = {"US", "SS", "UL", "SL", "FL", "FD", "AT", "SV", "UV"}
TEXT = {"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT"}


def describe(element, raw, raw_vr):
    value, vr = element.value, element.VR
    if element.tag.is_private and raw_vr in (None, "UN") and vr != "SQ":
        raw = raw or b""
        return "bytes", [len(raw), hashlib.sha1(raw).hexdigest()]  # not by pydicom's dictionary of private elements
    if vr == "SQ":
        return "items", [elements(item) for item in value]
    if vr in NUMERIC:
        values = value if isinstance(value, (list, pydicom.multival.MultiValue)) else [value]
        return "numbers", None if element.is_empty else [float(number) for number in values]
    if vr in TEXT:
        values = value if isinstance(value, (list, pydicom.multival.MultiValue)) else [value]
        written = [str(getattr(v, "original_string", v) or "") if vr in ("DS", "IS") else str(v or "") for v in values]
        return "text", None if element.is_empty else "\\".join(written)
    content = value or b""
    return "bytes", [len(content), hashlib.sha1(content).hexdigest()]


def elements(dataset):
    found = []
    for tag in sorted(dataset.keys()):
        if tag.group != 0x7FE0:
            raw = dataset.get_item(tag)
            found.append([int(tag), *describe(dataset[tag], raw.value, raw.VR)])
    return found


def read(path):
    try:
        dataset = pydicom.dcmread(path, force=True, stop_before_pixels=True)
        return elements(dataset.file_meta) + elements(dataset)
    except Exception as error:  # whatever pydicom raises is its answer
        return {"error": f"{type(error).__name__}: {error}"}


pydicom.config.settings.reading_validation_mode = 0
warnings.simplefilter("ignore")
answers = {}
for folder in sys.argv[1:]:
    for parent, _, names in os.walk(folder):
        for name in sorted(names):
            if name.endswith((".py", ".pyc", ".json", ".txt", ".dump", ".md", ".gz")):
                continue
            path = os.path.join(parent, name)
            answers[path] = read(path)
json.dump(answers, sys.stdout)
