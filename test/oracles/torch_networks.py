"""Small networks of six families in PyTorch, exported by torch.onnx.export: the oracle of test/imported-networks.test.ts.

usage: torch_networks.py FOLDER OPSET    writes FOLDER/NAME.onnx for each network, and FOLDER/NAME.json: its input's
shape, the input and output as numbers; then answers a line of JSON: the names. With a third argument STEPS it also trains
each network for so many steps (see `train`) and writes what came of it.
"""
import json
import sys

import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(1)
CLASSES = 6


class Residual(nn.Module):
    """ResNet's basic block (He et al. 2016)."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.short = nn.Identity() if stride == 1 else nn.Sequential(
            nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = torch.relu(self.norm1(self.first(x)))
        return torch.relu(self.norm2(self.second(y)) + self.short(x))


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 7, 2, 3, bias=False)
        self.norm = nn.BatchNorm2d(16, momentum=0.3)  # the others have 0.1, PyTorch's default
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.blocks = nn.Sequential(Residual(16, 16, 1), Residual(16, 32, 2))
        self.head = nn.Linear(32, CLASSES)

    def forward(self, x):
        x = self.blocks(self.pool(torch.relu(self.norm(self.stem(x)))))
        return self.head(F.adaptive_avg_pool2d(x, 1).flatten(1))


class MobileInverted(nn.Module):
    """EfficientNet's block (Tan & Le 2019): expand, depthwise, squeeze and excite, project."""

    def __init__(self, inputs, outputs, stride, activation):
        super().__init__()
        wide = inputs * 4
        self.expand = nn.Sequential(nn.Conv2d(inputs, wide, 1, bias=False), nn.BatchNorm2d(wide))
        self.depth = nn.Sequential(nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False), nn.BatchNorm2d(wide))
        self.squeeze, self.excite = nn.Conv2d(wide, 8, 1), nn.Conv2d(8, wide, 1)
        self.project = nn.Sequential(nn.Conv2d(wide, outputs, 1, bias=False), nn.BatchNorm2d(outputs))
        self.activation = activation
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x):
        y = self.activation(self.depth(self.activation(self.expand(x))))
        gate = self.excite(self.activation(self.squeeze(F.adaptive_avg_pool2d(y, 1))))
        y = self.project(y * torch.sigmoid(gate))
        return x + y if self.residual else y


class EfficientNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.SiLU())
        self.blocks = nn.Sequential(MobileInverted(16, 16, 1, nn.SiLU()), MobileInverted(16, 24, 2, nn.Hardswish()))
        self.head = nn.Linear(24, CLASSES)

    def forward(self, x):
        return self.head(self.blocks(self.stem(x)).mean((2, 3)))


class ConvNeXtBlock(nn.Module):
    """Liu et al. 2022: depthwise 7×7, layer norm, an MLP in channels, layer scale."""

    def __init__(self, channels):
        super().__init__()
        self.depth = nn.Conv2d(channels, channels, 7, 1, 3, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        self.up, self.down = nn.Linear(channels, 4 * channels), nn.Linear(4 * channels, channels)
        self.scale = nn.Parameter(0.1 * torch.ones(channels))

    def forward(self, x):
        y = self.norm(self.depth(x).permute(0, 2, 3, 1))
        y = self.scale * self.down(F.gelu(self.up(y)))
        return x + y.permute(0, 3, 1, 2)


class ConvNeXt(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 4, 4)
        self.blocks = nn.Sequential(ConvNeXtBlock(16), ConvNeXtBlock(16))
        self.down = nn.Conv2d(16, 32, 2, 2)
        self.last = ConvNeXtBlock(32)
        self.norm = nn.LayerNorm(32)
        self.head = nn.Linear(32, CLASSES)

    def forward(self, x):
        x = self.last(self.down(self.blocks(self.stem(x))))
        return self.head(self.norm(x.mean((2, 3))))


class Attention(nn.Module):
    """A transformer's block (Vaswani et al. 2017; Dosovitskiy et al. 2021), attention as it is written."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x):
        batch, places, width = x.shape
        qkv = self.qkv(self.norm1(x)).reshape(batch, places, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv[0], qkv[1], qkv[2]
        weights = torch.softmax(q @ k.transpose(-2, -1) / (width // self.heads) ** 0.5, -1)
        x = x + self.out((weights @ v).transpose(1, 2).reshape(batch, places, width))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class ViT(nn.Module):
    def __init__(self):
        super().__init__()
        width = 32
        self.patch = nn.Conv2d(3, width, 8, 8)
        self.token = nn.Parameter(0.02 * torch.randn(1, 1, width))
        self.position = nn.Parameter(0.02 * torch.randn(1, 17, width))
        self.blocks = nn.Sequential(Attention(width, 4), Attention(width, 4))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, CLASSES)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.position
        return self.head(self.norm(self.blocks(x))[:, 0])


class UNet(nn.Module):
    """Down and up again (Ronneberger et al. 2015), with norms of groups and of instances, up by weights and by Resize."""

    def __init__(self):
        super().__init__()
        self.first, self.norm1 = nn.Conv2d(3, 8, 3, 2, 1), nn.GroupNorm(2, 8)
        self.low, self.norm2 = nn.Conv2d(8, 8, 3, 1, 1), nn.InstanceNorm2d(8, affine=True)
        self.up, self.slope = nn.ConvTranspose2d(8, 8, 2, 2), nn.PReLU()
        self.last, self.head = nn.Conv2d(16, 16, 3, 1, 1), nn.Linear(16, CLASSES)

    def forward(self, x):
        x = F.leaky_relu(self.norm1(self.first(x)), 0.1)
        y = F.elu(self.norm2(self.low(F.avg_pool2d(x, 2))))
        y = self.slope(self.up(y)) + F.interpolate(y, scale_factor=2, mode="bilinear", align_corners=False)
        return self.head(F.adaptive_max_pool2d(self.last(torch.cat([x, y], 1)), 1).flatten(1))


class Recurrent(nn.Module):
    """Columns of an image as a sequence (Shi et al. 2017): a GRU in two directions, then an LSTM."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 4, 4)
        self.gru = nn.GRU(48, 8, bidirectional=True)
        self.lstm = nn.LSTM(16, 8)
        self.head = nn.Linear(16, CLASSES)

    def forward(self, x):
        x = torch.tanh(self.stem(x)).flatten(1, 2).permute(2, 0, 1)
        y, (state, _) = self.lstm(self.gru(x)[0])
        return self.head(torch.cat([y.mean(0), state[0]], 1))


NETWORKS = {"resnet": ResNet, "efficientnet": EfficientNet, "convnext": ConvNeXt, "vit": ViT,
            "unet": UNet, "recurrent": Recurrent}


def train(model, x, y, optimiser, steps):
    """Losses of some steps of the mean binary cross-entropy; the first step's gradients by name; the state after them."""
    losses, gradients = [], {}
    for step in range(steps):
        optimiser.zero_grad()
        loss = F.binary_cross_entropy_with_logits(model(x), y)
        loss.backward()
        if step == 0:
            gradients = {name: p.grad.flatten().tolist() for name, p in model.named_parameters()}
        optimiser.step()
        losses.append(loss.item())
    return losses, gradients, {name: v.flatten().tolist() for name, v in model.state_dict().items() if v.is_floating_point()}


def main():
    folder, opset = sys.argv[1], int(sys.argv[2])
    steps = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    for name, make in NETWORKS.items():
        torch.manual_seed(7)
        model = make()
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):  # statistics that a stranger's file would have
                module.running_mean.normal_(0, 0.2)
                module.running_var.uniform_(0.5, 1.5)
        x, y = torch.randn(4, 3, 32, 32), (torch.rand(4, CLASSES) > 0.5).float()
        model.eval()
        how = {"opset_version": opset, "input_names": ["image"], "output_names": ["logits"]}
        torch.onnx.export(model, x, f"{folder}/{name}.fused.onnx", dynamic_axes={"image": {0: "batch"}}, **how)
        torch.onnx.export(model, x, f"{folder}/{name}.onnx", do_constant_folding=False,
                          training=torch.onnx.TrainingMode.PRESERVE, dynamic_axes={"image": {0: "batch"}}, **how)
        with torch.no_grad():
            told = {"shape": list(x.shape), "image": x.flatten().tolist(), "labels": y.flatten().tolist(),
                    "logits": model(x).flatten().tolist()}
        start = {key: value.clone() for key, value in model.state_dict().items()}
        makers = {
            "sgd": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9),
            "adamw": lambda p: torch.optim.AdamW(p, lr=1e-3, weight_decay=0.01),
        }
        for kind, optimiser in makers.items() if steps > 0 else ():
            model.load_state_dict(start)
            model.train()
            losses, gradients, state = train(model, x, y, optimiser(model.parameters()), steps)
            told[kind] = {"losses": losses, "gradients": gradients, "state": state}
        with open(f"{folder}/{name}.json", "w", encoding="utf8") as file:
            json.dump(told, file)
    print(json.dumps(list(NETWORKS)), flush=True)


main()
