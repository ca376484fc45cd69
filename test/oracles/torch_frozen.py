"""Batch normalisations in evaluation mode while the rest trains: the oracle of test/frozen-normalisation.test.ts.

Reads one line of JSON {"image": [...], "labels": [...], "shape": [n, c, h, w], "state": {name: {shape, values}}, "steps",
"rate"}, answers one line {"losses", "state": {name: [...]}}: the first stage is frozen whole, of the second the
normalisation is in evaluation mode while its scale and bias train, the third trains.
"""
import json
import sys
from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(1)
request = json.loads(sys.stdin.readline())
x = torch.tensor(request["image"]).reshape(request["shape"])
y = torch.tensor(request["labels"], dtype=torch.float32).reshape(x.shape[0], -1)


def stage(inputs):
    layers = [("conv", nn.Conv2d(inputs, 4, 3, padding=1, bias=False)), ("norm", nn.BatchNorm2d(4)), ("act", nn.Tanh())]
    return nn.Sequential(OrderedDict(layers))


model = nn.Sequential(OrderedDict(a=stage(3), b=stage(4), c=stage(4), pool=nn.AdaptiveAvgPool2d(1), flat=nn.Flatten(), head=nn.Linear(4, 3)))
given = {name: torch.tensor(p["values"]).reshape(p["shape"]) for name, p in request["state"].items()}
missing, unexpected = model.load_state_dict(given, strict=False)
assert not unexpected and all("num_batches" in name for name in missing), (missing, unexpected)

model.train()
model.a.eval()
model.a.requires_grad_(False)
model.b.norm.eval()
optimiser = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=request["rate"], momentum=0.9)
losses = []
for _ in range(request["steps"]):
    optimiser.zero_grad()
    loss = F.binary_cross_entropy_with_logits(model(x), y)
    loss.backward()
    optimiser.step()
    losses.append(loss.item())
print(json.dumps({"losses": losses, "state": {name: v.flatten().tolist() for name, v in model.state_dict().items()}}))
