# Straightens a sheared volume with SciPy: reads JSON {values: [slice][row][column], rowsASlice, middle} on stdin, writes
# the resampled values on stdout, rounded half up. A slice is taken rowsASlice · (middle − its number) rows further down.
import json
import sys

import numpy
from scipy import ndimage

task = json.load(sys.stdin)
volume = numpy.array(task["values"], dtype=numpy.float64)
shear = task["rowsASlice"]
matrix = numpy.array([[1, 0, 0], [-shear, 1, 0], [0, 0, 1]], dtype=numpy.float64)
offset = [0, shear * task["middle"], 0]
moved = ndimage.affine_transform(volume, matrix, offset, order=1, mode="grid-constant", cval=-1000)
json.dump(numpy.floor(moved + 0.5).astype(int).tolist(), sys.stdout)
