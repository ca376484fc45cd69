"""Times runs of an ONNX model in Python's onnxruntime: a line {"ms": [...]} to each line {"steps": n, "shape": [...]}.

usage: onnxruntime_peer.py MODEL THREADS
"""

import json
import sys
import time

import numpy
import onnxruntime

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(sys.argv[2])
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
(feed,) = session.get_inputs()
for line in sys.stdin:
    request = json.loads(line)
    values = numpy.random.default_rng(1).standard_normal(request["shape"], dtype=numpy.float32)
    times = []
    for _ in range(request["steps"]):
        start = time.perf_counter()
        session.run(None, {feed.name: values})
        times.append((time.perf_counter() - start) * 1e3)
    print(json.dumps({"ms": times, "version": onnxruntime.__version__}), flush=True)
