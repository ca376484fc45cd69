"""Packs the same files into archives of every kind that Python's own modules write; prints names and bytes as JSON."""

import io
import json
import os
import sys
import tarfile
import zipfile

folder = sys.argv[1]
files = {
    "one.dcm": bytes(range(256)) * 40,
    "deep/" * 40 + "without extension": b"x" * 5000,
    "größe/Привет.dcm": os.urandom(0) + bytes((i * i) & 255 for i in range(70000)),
    "empty": b"",
}


def pack_zip(name, **options):
    with zipfile.ZipFile(os.path.join(folder, name), "w", **options) as archive:
        archive.comment = b"PK\x05\x06 no end of the archive" if "comment" in name else b""
        for path, data in files.items():
            force = {"force_zip64": True} if "zip64" in name else {}
            with archive.open(path, "w", **force) as entry:
                entry.write(data)


def pack_tar(name, mode, layout):
    with tarfile.open(os.path.join(folder, name), mode, format=layout) as archive:
        for path, data in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


pack_zip("stored.zip")
pack_zip("deflated.zip", compression=zipfile.ZIP_DEFLATED)
pack_zip("comment.zip", compression=zipfile.ZIP_DEFLATED)
pack_zip("zip64.zip", compression=zipfile.ZIP_DEFLATED)
for kind, layout in {"gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}.items():
    pack_tar(f"{kind}.tar", "w", layout)
    pack_tar(f"{kind}.tar.gz", "w:gz", layout)
print(json.dumps({path: data.hex() for path, data in files.items()}))
