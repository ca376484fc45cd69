"""Training craft in PyTorch: the oracle of test/craft.test.ts.

Reads one line of JSON {"image": [...], "labels": [...], "shape": [n, c, h, w], "parameters": {name: {shape, values}}, "steps"},
answers one line: for each way of training its losses and the parameters after it.
"""
import json
import sys

import torch
import torch.nn.functional as F

torch.set_num_threads(1)
request = json.loads(sys.stdin.readline())
x = torch.tensor(request["image"]).reshape(request["shape"])
y = torch.tensor(request["labels"], dtype=torch.float32).reshape(x.shape[0], -1)
steps = request["steps"]


def start():
    return {
        name: torch.tensor(p["values"]).reshape(p["shape"]).requires_grad_()
        for name, p in request["parameters"].items()
    }


def loss_of(p, x, y):
    z = F.conv2d(x, p["first.weight"], p["first.bias"], padding=1)
    z = F.conv2d(torch.tanh(z), p["second.weight"], None, stride=2, padding=1)
    z = torch.tanh(z).mean((2, 3))
    return F.binary_cross_entropy_with_logits(F.linear(z, p["head.weight"], p["head.bias"]), y)


def told(p, losses, **more):
    return {"losses": losses, "parameters": torch.cat([v.detach().flatten() for v in p.values()]).tolist(), **more}


def train(p, optimiser, pieces=1, clip=lambda: None, after=lambda: None):
    """Losses of some steps, each the mean over the pieces of the batch."""
    losses = []
    for _ in range(steps):
        optimiser.zero_grad()
        total = 0.0
        for part, labels in zip(x.chunk(pieces), y.chunk(pieces)):
            loss = loss_of(p, part, labels) / pieces
            loss.backward()
            total += loss.item()
        clip()
        optimiser.step()
        after()
        losses.append(total)
    return losses


def clipped_and_averaged():
    p = start()
    optimiser = torch.optim.SGD(p.values(), lr=0.5, momentum=0.9, nesterov=True, weight_decay=0.01)
    average = [v.detach().clone() for v in p.values()]

    def move_average():
        for mean, now in zip(average, p.values()):
            mean.mul_(0.9).add_(now.detach(), alpha=0.1)

    clip = lambda: torch.nn.utils.clip_grad_norm_(p.values(), 0.05)
    losses = train(p, optimiser, clip=clip, after=move_average)
    return told(p, losses, average=torch.cat([v.flatten() for v in average]).tolist())


def by_layers():
    p = start()
    groups = [
        {"params": [p["second.weight"]], "lr": 0.002},
        {"params": [p["head.weight"], p["head.bias"]], "lr": 0.01},
    ]
    return told(p, train(p, torch.optim.AdamW(groups, weight_decay=0.1)))


def in_pieces():
    p = start()
    return told(p, train(p, torch.optim.SGD(p.values(), lr=0.5, momentum=0.9), pieces=2))


def by_value():
    p = start()
    clip = lambda: torch.nn.utils.clip_grad_value_(p.values(), 0.01)
    return told(p, train(p, torch.optim.SGD(p.values(), lr=0.5), clip=clip))


ways = {"clippedAndAveraged": clipped_and_averaged, "byLayers": by_layers, "inPieces": in_pieces, "byValue": by_value}
print(json.dumps({name: way() for name, way in ways.items()}))
