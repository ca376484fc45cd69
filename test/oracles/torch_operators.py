"""Operators with attributes in PyTorch with their gradients in float64: the oracle of test/torch-operators.test.ts.

Reads a JSON list of {"name", "inputs": [{"data", "shape"}], "attributes"} from standard input, attributes as ONNX names
them, and answers one of {"y", "gradients"}: y is all outputs flat, one after the other, L = sum of y with weights
1/8, 2/8, ..., 7/8, 1/8, ... and gradients are dL/d(input), flat.
"""
import json
import sys

import torch
import torch.nn.functional as F

torch.set_num_threads(1)


def sliding(a, axes):
    """Strides, dilations and pads of a convolution or pooling, as ONNX has them; pads before and after each axis."""
    pads = a.get("pads", [0] * 2 * axes)
    return a.get("strides", [1] * axes), a.get("dilations", [1] * axes), pads[:axes], pads[axes:]


def padded(x, before, after, value=0.0):
    """x with pads on its last axes; F.pad counts from the last one."""
    flat = [pad for pair in zip(before, after) for pad in pair[::-1]][::-1]
    return F.pad(x, flat, value=value)


def conv(a, x, w, b=None):
    axes = x.dim() - 2
    strides, dilations, before, after = sliding(a, axes)
    slide = [F.conv1d, F.conv2d, F.conv3d][axes - 1]
    if a.get("auto_pad") == "SAME_UPPER":
        return slide(x, w, b, padding="same")
    return slide(padded(x, before, after), w, b, strides, 0, dilations, a.get("group", 1))


def conv_transpose(a, x, w, b=None):
    axes = x.dim() - 2
    strides, dilations, before, after = sliding(a, axes)
    spread = [F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d][axes - 1]
    extra = a.get("output_padding", [0] * axes)
    assert before == after
    return spread(x, w, b, strides, before, extra, a.get("group", 1), dilations)


def max_pool(a, x):
    axes = x.dim() - 2
    strides, dilations, before, after = sliding(a, axes)
    slide = [F.max_pool1d, F.max_pool2d, F.max_pool3d][axes - 1]
    assert before == after
    return slide(x, a["kernel_shape"], strides, before, dilations, bool(a.get("ceil_mode", 0)))


def average_pool(a, x):
    axes = x.dim() - 2
    strides, _, before, after = sliding(a, axes)
    slide = [F.avg_pool1d, F.avg_pool2d, F.avg_pool3d][axes - 1]
    counted, ceil = bool(a.get("count_include_pad", 0)), bool(a.get("ceil_mode", 0))
    assert before == after
    return slide(x, a["kernel_shape"], strides, before, ceil, counted)


def running_batch_norm(a, x, scale, bias):
    mean, variance = (torch.tensor(a[name], dtype=x.dtype) for name in ("mean", "variance"))
    return F.batch_norm(x, mean, variance, scale, bias, False, 0.0, a["epsilon"])


def resize(a, x):
    axes = x.dim() - 2
    lines = {"nearest": "nearest", "linear": ["linear", "bilinear", "trilinear"][axes - 1], "cubic": "bicubic"}
    corners = {} if a["mode"] == "nearest" else {"align_corners": a["coordinate_transformation_mode"] == "align_corners"}
    smooth = {"antialias": True} if a.get("antialias", 0) else {}
    return F.interpolate(x, size=a["sizes"][2:], mode=lines[a["mode"]], **corners, **smooth)


def reordered(rows, order):
    """Gates in another order along the first axis."""
    parts = rows.chunk(len(order))
    return torch.cat([parts[gate] for gate in order])


def recurrent(run, order, states):
    """PyTorch's recurrent layer; `order` has its gates in ONNX's numbering."""

    def layer(a, x, w, r, b, *initial):
        backward = a["direction"] == "reverse"
        weights = []
        for d in range(w.shape[0]):
            half = b[d].chunk(2)
            weights += [reordered(one, order) for one in (w[d], r[d], half[0], half[1])]
        start = initial or [x.new_zeros(w.shape[0], x.shape[1], r.shape[2])] * states
        state = start[0] if states == 1 else tuple(start)
        fed = x.flip(0) if backward else x
        arguments = (True, 1, 0.0, False, w.shape[0] == 2, False)
        y, *last = run(a)(fed, state, weights, *arguments)
        y = y.flip(0) if backward else y
        return [y.reshape(*y.shape[:2], w.shape[0], -1).transpose(1, 2), *last]

    return layer


def rnn(a):
    return torch._VF.rnn_relu if a.get("activations", ["Tanh"])[0] == "Relu" else torch._VF.rnn_tanh


rows = {
    "AveragePool": average_pool,
    "BatchNormalization": running_batch_norm,
    "BatchNormalizationTraining": lambda a, x, s, b: F.batch_norm(x, None, None, s, b, True, 0.0, a["epsilon"]),
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "Dropout": lambda a, x: F.dropout(x, a["ratio"], False),
    "GlobalAveragePool": lambda a, x: x.mean(tuple(range(2, x.dim())), keepdim=True),
    "GlobalMaxPool": lambda a, x: [F.adaptive_max_pool1d, F.adaptive_max_pool2d, F.adaptive_max_pool3d][x.dim() - 3](x, 1),
    "GroupNormalization": lambda a, x, s, b: F.group_norm(x, a["num_groups"], s, b, a["epsilon"]),
    "GRU": recurrent(lambda a: torch._VF.gru, [1, 0, 2], 1),
    "InstanceNormalization": lambda a, x, s, b: F.instance_norm(x, None, None, s, b, True, 0.0, a["epsilon"]),
    "LayerNormalization": lambda a, x, s, b: F.layer_norm(x, x.shape[a["axis"] :], s, b, a["epsilon"]),
    "LpNormalization": lambda a, x: F.normalize(x, a["p"], a["axis"]),
    "LSTM": recurrent(lambda a: torch._VF.lstm, [0, 2, 3, 1], 2),
    "MaxPool": max_pool,
    "Resize": resize,
    "RNN": recurrent(rnn, [0], 1),
}


def answer(case):
    inputs = [
        torch.tensor(one["data"], dtype=torch.float64).reshape(one["shape"]).requires_grad_() for one in case["inputs"]
    ]
    found = rows[case["name"]](case["attributes"], *inputs)
    outputs = found if isinstance(found, list) else [found]
    y = torch.cat([one.reshape(-1) for one in outputs])
    weights = torch.arange(y.numel(), dtype=torch.float64).remainder(7).add(1).div(8)
    gradients = torch.autograd.grad((y * weights).sum(), inputs, allow_unused=True)
    zeros = [torch.zeros_like(one) if gradient is None else gradient for one, gradient in zip(inputs, gradients)]
    return {"y": y.tolist(), "gradients": [gradient.reshape(-1).tolist() for gradient in zeros]}


print(json.dumps([answer(case) for case in json.load(sys.stdin)]))
