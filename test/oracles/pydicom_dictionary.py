"""Writes src/dicom/standard-dictionary.ts: the dictionary of PS3.6 as Debian's python3-pydicom 2.3.1 carries it (MIT).

usage: pydicom_dictionary.py > src/dicom/standard-dictionary.ts
"""
import textwrap

from pydicom._dicom_dict import DicomDictionary, RepeatersDictionary

# "US or SS" depends on PixelRepresentation; in implicit VR all others are words (PS3.5 A.1).
CHOICES = {"US or SS": "xs", "OB or OW": "OW", "US or OW": "OW", "US or SS or OW": "OW"}

rows = {f"{tag:08x}": row for tag, row in DicomDictionary.items()}
rows |= {mask.lower(): row for mask, row in RepeatersDictionary.items()}
words = [tag + CHOICES.get(row[0], row[0]) + row[4] for tag, row in sorted(rows.items()) if row[0] != "NONE"]
print(
    """/**
 * Every element of PS3.6, written by test/oracles/pydicom_dictionary.py from the dictionary of pydicom 2.3.1 (MIT): tag in
 * hexadecimal (`x` stands for any digit), VR (`xs` for "US or SS"), keyword. Do not edit.
 */
export const standardRows = `"""
)
print(textwrap.fill(" ".join(words), 118, break_long_words=False))
print("`;")
