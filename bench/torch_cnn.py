"""The CNN of src/models/cnn.ts in PyTorch, as the peer of bench/train.bench.ts.

Reads one JSON request a line ({"format": "channels_last" | "contiguous", "steps": n}), answers the milliseconds of each
step. Same network, batch, optimiser (AdamW) and thread count; the batch is constant.
"""
import json
import sys
import time

import torch
import torch.nn.functional as F

settings = json.loads(sys.argv[1])
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


def make(memory_format):
    model = Cnn(settings["width"], settings["neighbours"]).to(memory_format=memory_format)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    n, k, s = settings["batch"], settings["neighbours"], settings["size"]
    hu = (torch.randn(n, k, s, s) * 60 + 30).contiguous(memory_format=memory_format)
    labels = (torch.rand(n, 6) > 0.7).float()
    weights = torch.tensor([1, 1, 1, 1, 1, 2.0]) / 7

    def step():
        optimiser.zero_grad(set_to_none=True)
        loss = (F.binary_cross_entropy_with_logits(model(hu), labels, reduction="none") * weights).sum(1).mean()
        loss.backward()
        optimiser.step()
        return loss.item()

    return step


steppers = {
    "channels_last": make(torch.channels_last),
    "contiguous": make(torch.contiguous_format),
}
print(json.dumps({"version": torch.__version__}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    times = []
    for _ in range(request["steps"]):
        start = time.perf_counter()
        steppers[request["format"]]()
        times.append((time.perf_counter() - start) * 1e3)
    print(json.dumps({"ms": times}), flush=True)
