"""Layers of PyTorch, each exported by torch.onnx.export: the oracle of test/exported-layers.test.ts.

usage: torch_layers.py FOLDER OPSET    writes FOLDER/NAME.onnx for each row and answers a JSON object: for each name the
input "x" with its "shape", the output "y", "weights" as large as y, and "gradients" of sum(y * weights) by parameter.
"""
import json
import sys
import warnings

import torch
import torch.nn.functional as F
from torch import nn

warnings.filterwarnings("ignore")
torch.set_num_threads(1)


class Layer(nn.Module):
    """Modules under a function of the input and of them."""

    def __init__(self, function, modules):
        super().__init__()
        self.function, self.parts = function, nn.ModuleList(modules)

    def forward(self, x):
        return self.function(x, *self.parts)


def chain(x, *modules):
    for module in modules:
        x = module(x)
    return x


def activations(x, dense):
    z = dense(x)
    alike = [F.selu, F.softplus, F.logsigmoid, F.hardsigmoid, F.hardswish, F.mish, F.softsign, F.tanhshrink, F.relu6]
    return torch.cat([*(f(z) for f in alike), F.celu(z, 0.5), F.glu(z), F.hardtanh(z), F.gelu(z, approximate="tanh")], 1)


def moments(x, dense):
    z = dense(x)
    return F.normalize(z, dim=-1) + z.norm(dim=-1, keepdim=True) + z.std(-1, keepdim=True) + z.var(-1, keepdim=True)


def arithmetic(x, dense):
    z = dense(x)
    powers = torch.sqrt(z**2 + 1) + torch.pow(z.abs() + 1, 1.5) + torch.rsqrt(z**2 + 1)
    return powers + torch.exp(-z) + torch.erf(z) + torch.log1p(z**2) + torch.remainder(z, 2) + torch.floor(z)


def selection(x, dense):
    z = dense(x)
    picked = z.gather(1, torch.tensor([[0, 2, 1, 1], [1, 3, 0, 0]]))
    placed = torch.zeros(2, 4).scatter(1, torch.tensor([[0, 2], [1, 3]]), z[:, :2])
    return picked + placed + z.flip(1) + z.cumsum(1) + torch.where(z > 0, z, -z).clamp(-0.5, 0.5)


def reductions(x, dense):
    z = dense(x)
    return torch.logsumexp(z, 1) + z.max(1).values + z.amin(1) + z.prod(1) + z.topk(2, 1).values.sum(1)


def causal(x, dense):
    z = dense(x)
    hidden = torch.triu(torch.ones(4, 4), 1).bool()
    return (z @ z.transpose(1, 2) / 2).masked_fill(hidden, -1e4).softmax(-1) @ x


def rearranged(x, dense):
    z = dense(x)
    parts = torch.stack(z.chunk(2, 1), 1).unbind(1)
    tiled = z[:, None].expand(-1, 3, -1).repeat(1, 2, 1).reshape(2, -1)
    return torch.cat([parts[0] * torch.outer(z[0], z[1])[:2, :2], tiled[:, ::5], torch.roll(z, 1, 1)], 1)


def distances(x, dense):
    z = dense(x)
    return F.cosine_similarity(z, x, dim=1) + (z - x).abs().mean(1) + torch.cdist(z, x).sum(1)


# A row: the input's shape, the function, its modules.
ROWS = {
    "activations": ((2, 8), activations, nn.Linear(8, 8)),
    "adaptive pooling": ((2, 3, 8, 8), chain, nn.Conv2d(3, 4, 1), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 2)),
    "arithmetic": ((2, 4), arithmetic, nn.Linear(4, 4)),
    "attention": ((3, 2, 8), lambda x, m: m(x, x, x)[0], nn.MultiheadAttention(8, 2)),
    "causal attention": ((2, 4, 4), causal, nn.Linear(4, 4)),
    "columns of an image": ((1, 2, 5, 5), lambda x, conv: F.unfold(conv(x), 3, padding=1), nn.Conv2d(2, 2, 1)),
    "distances": ((2, 4), distances, nn.Linear(4, 4)),
    "dropout": ((2, 4), chain, nn.Linear(4, 4), nn.Dropout(0.5)),
    "einsum": ((2, 3, 4), lambda x, dense: torch.einsum("bij,bkj->bik", dense(x), x), nn.Linear(4, 4)),
    "embedding": ((2, 4), lambda x, table, dense: dense(table((x * 10).long() % 5)), nn.Embedding(5, 3), nn.Linear(3, 2)),
    "GRU": ((2, 4, 3), lambda x, gru: gru(x)[0][:, -1], nn.GRU(3, 4, batch_first=True, bidirectional=True)),
    "GRU without bias": ((4, 2, 3), lambda x, gru: gru(x)[0], nn.GRU(3, 4, bias=False)),
    "GRU cell": ((4, 2, 3), lambda x, cell: cell(x[1], cell(x[0])), nn.GRUCell(3, 4)),
    "layer norms": ((2, 3, 8), chain, nn.LayerNorm((3, 8)), nn.Linear(8, 4), nn.LayerNorm(4), nn.Softmax(-1)),
    "lines": ((2, 3, 9), chain, nn.Conv1d(3, 4, 3, 2, 2, 2), nn.BatchNorm1d(4), nn.AvgPool1d(2, ceil_mode=True)),
    "local responses": ((2, 4, 5, 5), chain, nn.Conv2d(4, 6, 1), nn.LocalResponseNorm(3)),
    "LSTM": ((4, 2, 3), lambda x, lstm: lstm(x)[0] + lstm(x)[1][1][-1], nn.LSTM(3, 4, 2)),
    "LSTM cell": ((4, 2, 3), lambda x, cell: cell(x[1], cell(x[0]))[0], nn.LSTMCell(3, 4)),
    "moments": ((2, 4, 5), moments, nn.Linear(5, 5)),
    "one output": ((4, 3), chain, nn.Linear(3, 1)),
    "paddings": ((2, 3, 6, 6), chain, nn.ReflectionPad2d(1), nn.Conv2d(3, 4, 3), nn.ReplicationPad2d(1),
                 nn.Conv2d(4, 2, 3, padding_mode="circular", padding=1)),
    "pixel shuffle": ((2, 4, 4, 4), chain, nn.Conv2d(4, 8, 1), nn.PixelShuffle(2), nn.PReLU(2), nn.PixelUnshuffle(2)),
    "power pooling": ((2, 2, 6, 6), chain, nn.Conv2d(2, 2, 1), nn.LPPool2d(2, 2)),
    "rearranged": ((2, 4), rearranged, nn.Linear(4, 4)),
    "reductions": ((2, 5), reductions, nn.Linear(5, 5)),
    "RNN": ((4, 2, 3), lambda x, rnn: rnn(x)[1], nn.RNN(3, 4, nonlinearity="relu", bidirectional=True)),
    "selection": ((2, 4), selection, nn.Linear(4, 4)),
    "slices": ((2, 3, 6, 6), lambda x, conv: F.pad(conv(x), (-1, 1, 2, -1))[:, :, 1:-1, ::2], nn.Conv2d(3, 2, 1)),
    "squeeze and excite": ((2, 4, 4, 4), lambda x, a, b: x * torch.sigmoid(b(a(x).mean((2, 3), keepdim=True))),
                           nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1)),
    "transformer": ((3, 2, 8), chain, nn.TransformerEncoderLayer(8, 2, 16)),
    "transposed convolutions": ((2, 4, 5, 5), chain, nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, groups=2, bias=False),
                                nn.GroupNorm(3, 6), nn.ConvTranspose2d(6, 2, 3, dilation=2, padding=1)),
    "transposed in one axis": ((2, 4, 5), chain, nn.ConvTranspose1d(4, 6, 3, 3, 1, 2), nn.ELU()),
    "transposed in three axes": ((1, 2, 3, 3, 3), chain, nn.ConvTranspose3d(2, 2, 2, 2), nn.LeakyReLU()),
    "upsampled": ((2, 2, 4, 4), chain, nn.Conv2d(2, 2, 1), nn.Upsample(scale_factor=2), nn.Conv2d(2, 2, 1)),
    "upsampled by cubes": ((2, 2, 4, 4), chain, nn.Conv2d(2, 2, 1), nn.Upsample((7, 6), mode="bicubic")),
    "upsampled by cubes, corners": ((2, 2, 4, 4), chain, nn.Conv2d(2, 2, 1),
                                    nn.Upsample((7, 6), mode="bicubic", align_corners=True)),
    "upsampled by lines": ((2, 2, 4, 4), chain, nn.Conv2d(2, 2, 1), nn.Upsample((3, 9), mode="bilinear")),
    "volumes": ((2, 2, 5, 6, 6), chain, nn.Conv3d(2, 4, 3, 1, 1, groups=2), nn.BatchNorm3d(4), nn.ReLU(),
                nn.MaxPool3d(2, ceil_mode=True), nn.AdaptiveAvgPool3d(1)),
    "weight norm": ((2, 3), chain, nn.utils.weight_norm(nn.Linear(3, 4))),
}


def answer(folder, opset, name, shape, layer):
    x = torch.randn(*shape)
    torch.onnx.export(layer, x, f"{folder}/{name}.onnx", opset_version=opset, do_constant_folding=False,
                      training=torch.onnx.TrainingMode.PRESERVE, input_names=["x"], output_names=["y"])
    y = layer(x)
    weights = torch.randn(*y.shape)
    named = dict(layer.named_parameters())
    found = torch.autograd.grad((y * weights).sum(), list(named.values()))
    return {"x": x.flatten().tolist(), "shape": shape, "y": y.flatten().tolist(), "weights": weights.flatten().tolist(),
            "gradients": {key: one.flatten().tolist() for key, one in zip(named, found)}}


def main():
    folder, opset = sys.argv[1], int(sys.argv[2])
    torch.manual_seed(5)
    answers = {name: answer(folder, opset, name, shape, Layer(function, modules).eval())
               for name, (shape, function, *modules) in ROWS.items()}
    print(json.dumps(answers), flush=True)


main()
