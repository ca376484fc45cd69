"""Holds ONNX files against onnx.checker and onnx.shape_inference.

Reads paths from the command line; prints one JSON object a file: {"outputs": {name: shape}} as inferred with the declared
shapes of outputs taken away, or {"error": ...}. Needs python3-onnx.
"""

import json
import sys

import onnx


def outputs_of(path):
    onnx.checker.check_model(path, full_check=False)
    model = onnx.load(path)
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True)

    def shape(value):
        dims = value.type.tensor_type.shape.dim
        return [dim.dim_value if dim.HasField("dim_value") else dim.dim_param for dim in dims]

    return {value.name: shape(value) for value in inferred.graph.output}


for path in sys.argv[1:]:
    try:
        answer = {"outputs": outputs_of(path)}
    except Exception as error:  # the checker's own and shape inference's
        answer = {"error": str(error)[:500]}
    print(json.dumps(answer))
