"""pydicom's side of bench/codecs.bench.ts: for each JSON line {folder, steps} decodes every file of the folder that many
times with pydicom (GDCM, numpy or its own RLE) from files in memory, and answers {ms: [processor
time of each pass]}."""
import io
import json
import os
import sys
import time
import warnings

import pydicom

os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # GDCM's warnings
warnings.filterwarnings("ignore")
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE

for line in sys.stdin:
    request = json.loads(line)
    folder = request["folder"]
    files = [open(os.path.join(folder, name), "rb").read() for name in sorted(os.listdir(folder))]
    times = []
    for _ in range(request["steps"]):
        start = time.process_time()
        for data in files:
            pydicom.dcmread(io.BytesIO(data)).pixel_array
        times.append((time.process_time() - start) * 1000)
    print(json.dumps({"ms": times}), flush=True)
