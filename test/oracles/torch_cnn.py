"""The CNN of src/models/cnn.ts in PyTorch, written independently: the oracle of test/torch.test.ts and the peer of
bench/train.bench.ts.

usage: torch_cnn.py bench SETTINGS    answers a line {"ms": [...], "version": ...} to each line
                                      {"what": "train" | "infer", "format": ..., "steps": n}
       torch_cnn.py train SETTINGS    reads FOLDER/{parameters,hu,labels}.f32, trains some steps in float32, writes
                                      FOLDER/{gradient,losses,trained,buffers}.f64; the first gradient is taken in float64
SETTINGS is JSON: batch, size, neighbours, width, threads, and for train: folder, steps, rate, decay.
"""
import copy
import json
import sys
import time

import numpy
import torch
import torch.nn.functional as F

mode, settings = sys.argv[1], json.loads(sys.argv[2])
torch.set_num_threads(settings["threads"])
torch.manual_seed(1)


class Cnn(torch.nn.Module):
    def __init__(self, width, neighbours):
        super().__init__()
        windows = [(40, 80), (80, 200), (600, 2800)]
        self.window = torch.nn.Conv2d(neighbours, neighbours * len(windows), 1)
        self.window.requires_grad_(False)
        with torch.no_grad():
            self.window.weight.zero_()
            for k in range(neighbours):
                for i, (center, span) in enumerate(windows):
                    self.window.weight[k * len(windows) + i, k] = 1 / span
                    self.window.bias[k * len(windows) + i] = 0.5 - center / span
        blocks, channels = [], neighbours * len(windows)
        for factor in (1, 2, 4, 8):
            for stride in (2, 1):
                blocks.append(torch.nn.Conv2d(channels, width * factor, 3, stride, 1, bias=False))
                blocks.append(torch.nn.BatchNorm2d(width * factor))
                blocks.append(torch.nn.ReLU(inplace=True))
                channels = width * factor
        self.blocks = torch.nn.Sequential(*blocks)
        self.head = torch.nn.Conv2d(channels, 6, 1)

    def forward(self, hu):
        return self.head(self.blocks(self.window(hu).clamp_(0, 1))).mean((2, 3))


def weighted_loss(model, hu, labels):
    weights = torch.tensor([1, 1, 1, 1, 1, 2], dtype=hu.dtype) / 7
    return (F.binary_cross_entropy_with_logits(model(hu), labels, reduction="none") * weights).sum(1).mean()


def stepper(memory_format):
    model = Cnn(settings["width"], settings["neighbours"]).to(memory_format=memory_format)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    n, k, s = settings["batch"], settings["neighbours"], settings["size"]
    hu = (torch.randn(n, k, s, s) * 60 + 30).contiguous(memory_format=memory_format)
    labels = (torch.rand(n, 6) > 0.7).float()

    def step():
        optimiser.zero_grad(set_to_none=True)
        loss = weighted_loss(model, hu, labels)
        loss.backward()
        optimiser.step()
        return loss.item()

    return step


def reader(memory_format):
    model = Cnn(settings["width"], settings["neighbours"]).to(memory_format=memory_format).eval()
    n, k, s = settings["batch"], settings["neighbours"], settings["size"]
    hu = (torch.randn(n, k, s, s) * 60 + 30).contiguous(memory_format=memory_format)

    def step():
        with torch.inference_mode():
            model(hu)

    return step


def bench():
    makers = {"train": stepper, "infer": reader}
    formats = {"channels_last": torch.channels_last, "contiguous": torch.contiguous_format}
    known = {}
    for line in sys.stdin:
        request = json.loads(line)
        key = (request["what"], request["format"])
        if key not in known:
            known[key] = makers[key[0]](formats[key[1]])
        times = []
        for _ in range(request["steps"]):
            start = time.perf_counter()
            known[key]()
            times.append((time.perf_counter() - start) * 1e3)
        print(json.dumps({"ms": times, "version": torch.__version__}), flush=True)


def train():
    folder = settings["folder"]
    read = lambda name: torch.from_numpy(numpy.fromfile(f"{folder}/{name}.f32", dtype=numpy.float32))
    write = lambda name, arrays: numpy.concatenate([a.detach().double().numpy().ravel() for a in arrays]).tofile(f"{folder}/{name}.f64")
    n, k, s = settings["batch"], settings["neighbours"], settings["size"]
    hu, labels, flat = read("hu").reshape(n, k, s, s), read("labels").reshape(n, 6), read("parameters")
    model = Cnn(settings["width"], k)
    trained = [p for p in model.parameters() if p.requires_grad]
    offset = 0
    with torch.no_grad():
        for p in trained:
            p.copy_(flat[offset : offset + p.numel()].reshape(p.shape))
            offset += p.numel()
    assert offset == flat.numel(), "the parameters do not fit the network"
    exact = copy.deepcopy(model).double()
    weighted_loss(exact, hu.double(), labels.double()).backward()
    write("gradient", [p.grad for p in exact.parameters() if p.requires_grad])
    weights = [p for p in trained if p.dim() > 1]
    rest = [p for p in trained if p.dim() == 1]
    groups = [{"params": weights, "weight_decay": settings["decay"]}, {"params": rest, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=settings["rate"])
    losses = []
    for _ in range(settings["steps"]):
        optimiser.zero_grad()
        loss = weighted_loss(model, hu, labels)
        loss.backward()
        optimiser.step()
        losses.append(loss)
    write("losses", [torch.stack(losses)])
    write("trained", trained)
    write("buffers", [b for name, b in model.named_buffers() if "num_batches" not in name])


{"bench": bench, "train": train}[mode]()
