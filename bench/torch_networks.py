"""The networks of the benchmarks in PyTorch, and a server that times their training steps and forward passes.

Reads one JSON request a line: {"network": {kind, base, size}, "batch", "format", "steps", "what": "train" | "infer"},
answers {"ms": [...], "peakMb": ...}; {"what": "version"} is answered by {"version": ...}.
"""

import json
import os
import resource
import sys
import time

import torch
import torch.nn.functional as functional

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
CLASSES = 10


class ConvNorm(torch.nn.Module):
    def __init__(self, inputs, outputs, kernel, stride, group=1):
        super().__init__()
        self.conv = torch.nn.Conv2d(inputs, outputs, kernel, stride, (kernel - 1) // 2, groups=group, bias=False)
        torch.nn.init.kaiming_normal_(self.conv.weight, mode="fan_out")
        self.norm = torch.nn.BatchNorm2d(outputs)

    def forward(self, x):
        return self.norm(self.conv(x))


class Block(torch.nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.first = ConvNorm(inputs, outputs, 3, stride)
        self.second = ConvNorm(outputs, outputs, 3, 1)
        self.shortcut = ConvNorm(inputs, outputs, 1, stride) if stride == 2 else torch.nn.Identity()

    def forward(self, x):
        y = self.second(functional.relu_(self.first(x)))
        return functional.relu_(y.add_(self.shortcut(x)))


class ResNet(torch.nn.Module):
    def __init__(self, base):
        super().__init__()
        self.stem = ConvNorm(3, base, 7, 2)
        blocks, inputs = [], base
        for stage, factor in enumerate([1, 2, 4, 8]):
            for block in range(2):
                blocks.append(Block(inputs, base * factor, 2 if stage > 0 and block == 0 else 1))
                inputs = base * factor
        self.blocks = torch.nn.Sequential(*blocks)
        self.head = torch.nn.Linear(inputs, CLASSES)

    def forward(self, x):
        x = functional.max_pool2d(functional.relu_(self.stem(x)), 3, 2, 1)
        return self.head(self.blocks(x).mean((2, 3)))


class Separable(torch.nn.Module):
    def __init__(self, base):
        super().__init__()
        layers, inputs = [ConvNorm(3, base, 3, 2), torch.nn.ReLU(inplace=True)], base
        plan = [(2, 1), (4, 2), (4, 1), (8, 2), (8, 1), (16, 2)] + [(16, 1)] * 5 + [(32, 2), (32, 1)]
        for factor, stride in plan:
            layers += [ConvNorm(inputs, inputs, 3, stride, inputs), torch.nn.ReLU(inplace=True)]
            layers += [ConvNorm(inputs, base * factor, 1, 1), torch.nn.ReLU(inplace=True)]
            inputs = base * factor
        self.layers = torch.nn.Sequential(*layers)
        self.head = torch.nn.Linear(inputs, CLASSES)

    def forward(self, x):
        return self.head(self.layers(x).mean((2, 3)))


def build(network, batch, layout):
    torch.manual_seed(1)
    model = (ResNet if network["kind"] == "resnet" else Separable)(network["base"])
    image = torch.randn(batch, 3, network["size"], network["size"])
    if layout == "channels_last":
        model = model.to(memory_format=torch.channels_last)
        image = image.contiguous(memory_format=torch.channels_last)
    return model, image


def trainer(network, batch, layout):
    model, image = build(network, batch, layout)
    labels = (torch.rand(batch, CLASSES) > 0.5).float()
    optimiser = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9, weight_decay=1e-4)

    def step():
        optimiser.zero_grad(set_to_none=True)
        functional.binary_cross_entropy_with_logits(model(image), labels).backward()
        optimiser.step()

    return step


def reader(network, batch, layout):
    model, image = build(network, batch, layout)
    model.eval()

    def step():
        with torch.inference_mode():
            model(image)

    return step


def main():
    known = {}
    for line in sys.stdin:
        request = json.loads(line)
        if request["what"] == "version":
            print(json.dumps({"version": torch.__version__}), flush=True)
            continue
        key = json.dumps([request["network"], request["what"], request["format"]])
        if key not in known:
            make = trainer if request["what"] == "train" else reader
            known[key] = make(request["network"], request["batch"], request["format"])
        times = []
        for _ in range(request["steps"]):
            start = time.perf_counter()
            known[key]()
            times.append((time.perf_counter() - start) * 1000)
        print(json.dumps({"ms": times, "peakMb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}), flush=True)


main()
