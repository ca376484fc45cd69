"""Learning rates by PyTorch's schedulers: the oracle of src/training/schedule.test.ts.

Reads {"asked": [{schedule, learningRate, warmup, epochs, dropEvery, dropFactor}, ...], "steps"}, answers for each one the
rates of all steps. PyTorch warms up with a scheduler of its own (SequentialLR), whose milestones are in steps.
"""
import json
import math
import sys
import warnings

import torch
from torch.optim import lr_scheduler as lr

warnings.filterwarnings("ignore")  # no optimiser step between two of the scheduler's
request = json.loads(sys.stdin.readline())
steps = request["steps"]


def rates(asked):
    peak = asked["learningRate"]
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=peak)
    warm = round(asked["warmup"] * steps)
    rest = steps - warm
    name = asked["schedule"]
    if name == "onecycle":
        scheduler = lr.OneCycleLR(optimiser, peak, total_steps=steps, pct_start=asked["warmup"], cycle_momentum=False)
    elif name == "constant":
        scheduler = lr.ConstantLR(optimiser, factor=1)
    elif name == "step":
        # Falls are at epochs of the whole training, so warm-up and steps multiply.
        every = asked.get("dropEvery", math.ceil(asked["epochs"] / 3)) * steps // asked["epochs"]
        down = lr.StepLR(optimiser, every, gamma=asked.get("dropFactor", 0.1))
        up = [lr.LinearLR(optimiser, 1 / warm, 1, warm - 1)] if warm else []
        scheduler = lr.ChainedScheduler([down, *up])
    else:
        after = lambda: lr.CosineAnnealingLR(optimiser, rest) if name == "cosine" else lr.LinearLR(optimiser, 1, 0, rest)
        if warm == 0:
            scheduler = after()
        else:
            scheduler = lr.SequentialLR(optimiser, [lr.LinearLR(optimiser, 1 / warm, 1, warm - 1), after()], [warm])
    found = []
    for _ in range(steps):
        found.append(optimiser.param_groups[0]["lr"])
        scheduler.step()
    return found


print(json.dumps([rates(asked) for asked in request["asked"]]))
