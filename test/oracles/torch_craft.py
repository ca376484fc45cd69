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


def clipped_and_averaged():
    p, losses = start(), []
    optimiser = torch.optim.SGD(p.values(), lr=0.5, momentum=0.9, nesterov=True, weight_decay=0.01)
    average = [v.detach().clone() for v in p.values()]
    for _ in range(steps):
        optimiser.zero_grad()
        loss = loss_of(p, x, y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(p.values(), 0.05)
        optimiser.step()
        losses.append(loss.item())
        for mean, now in zip(average, p.values()):
            mean.mul_(0.9).add_(now.detach(), alpha=0.1)
    return told(p, losses, average=torch.cat([v.flatten() for v in average]).tolist())


def by_layers():
    p, losses = start(), []
    groups = [
        {"params": [p["second.weight"]], "lr": 0.002},
        {"params": [p["head.weight"], p["head.bias"]], "lr": 0.01},
    ]
    optimiser = torch.optim.AdamW(groups, weight_decay=0.1)
    for _ in range(steps):
        optimiser.zero_grad()
        loss = loss_of(p, x, y)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return told(p, losses)


def in_pieces():
    p, losses = start(), []
    optimiser = torch.optim.SGD(p.values(), lr=0.5, momentum=0.9)
    for _ in range(steps):
        optimiser.zero_grad()
        total = 0.0
        for part, labels in zip(x.chunk(2), y.chunk(2)):
            loss = loss_of(p, part, labels) / 2
            loss.backward()
            total += loss.item()
        optimiser.step()
        losses.append(total)
    return told(p, losses)


def by_value():
    p, losses = start(), []
    optimiser = torch.optim.SGD(p.values(), lr=0.5)
    for _ in range(steps):
        optimiser.zero_grad()
        loss = loss_of(p, x, y)
        loss.backward()
        torch.nn.utils.clip_grad_value_(p.values(), 0.01)
        optimiser.step()
        losses.append(loss.item())
    return told(p, losses)


ways = {"clippedAndAveraged": clipped_and_averaged, "byLayers": by_layers, "inPieces": in_pieces, "byValue": by_value}
print(json.dumps({name: way() for name, way in ways.items()}))
