"""A small ResNet as `network`, for the lines of docs/imported-networks.md, which follow it in test/imported-road.test.ts."""
from torch import nn, relu


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.short = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = relu(self.bn1(self.conv1(x)))
        return relu(self.bn2(self.conv2(y)) + self.short(x))


network = nn.Sequential()
stem = nn.Sequential(nn.Conv2d(3, 8, 7, 4, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
for name, layer in {
    "stem": stem,
    "layer1": Block(8, 8, 1),
    "layer2": Block(8, 16, 2),
    "pool": nn.AdaptiveAvgPool2d(1),
    "flat": nn.Flatten(),
    "fc": nn.Linear(16, 1000),
}.items():
    network.add_module(name, layer)
