"""Training throughput of PreAct-ResNet18: the engine against a DataLoader with per-image transforms.

    python benchmarks/training.py [width] [images]

The alternative is the plain loop that most code in the field runs: PIL images, torchvision's
RandomCrop and RandomHorizontalFlip one by one, ToTensor, the same network and optimizer.
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
import torch
import torch.nn.functional as F
from torchvision import transforms

from holder import training
from holder.models import preact_resnet18

WIDTH, N = (int(v) for v in (sys.argv[1:] + ["64", "1024"][len(sys.argv) - 1 :]))
BATCH = 128


class PerImage(torch.utils.data.Dataset):
    def __init__(self, images, labels):
        self.images, self.labels = images, labels
        self.transform = transforms.Compose(
            [
                transforms.ToPILImage(),
                transforms.RandomCrop(32, 4),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
            ]
        )

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return self.transform(self.images[i]), int(self.labels[i])


def main():
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (N, 32, 32, 3), dtype=np.uint8)
    labels = rng.integers(0, 10, N)
    data, y = training.on_device(images, device), torch.from_numpy(labels).to(device)

    def network():
        return preact_resnet18(data.cpu(), 10, WIDTH, torch.Generator().manual_seed(0)).to(device)

    def engine():
        training.classifier(network(), data, y, "bench", epochs_=1, batch=BATCH, learning_rate=0.01, flip=True)

    def plain():
        net = network().train()
        sgd = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
        for x, target in torch.utils.data.DataLoader(PerImage(images, labels), BATCH, shuffle=True):
            loss = F.cross_entropy(net(x.to(device)), target.to(device))
            sgd.zero_grad()
            loss.backward()
            sgd.step()

    print(f"{device}, {torch.get_num_threads()} threads, width {WIDTH}, {N:,} images, torch {torch.__version__}")
    rates = {}
    for name, function in (("engine", engine), ("plain loop", plain)) * 2:  # the first round warms up
        started = time.perf_counter()
        function()
        if device.type == "cuda":
            torch.cuda.synchronize()
        rates[name] = N / (time.perf_counter() - started)
    for name, rate in rates.items():
        print(f"{name:10} {rate:10,.0f} images/s")
    print(f"ratio      {rates['engine'] / rates['plain loop']:10.2f}")


if __name__ == "__main__":
    main()
