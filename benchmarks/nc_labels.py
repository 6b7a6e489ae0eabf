"""Neural Cleanse's search for triggers: all labels as one batch against one label after another.

    python benchmarks/nc_labels.py [width] [labels] [images] [steps]

The alternative is the plain loop: for each label its own mask and pattern, its own Adam and its own batches of 256 from
a DataLoader over the same clean images (PIL, ToTensor), the network in evaluation mode, float32 and the default memory
layout, cross entropy plus cost times L1, the success counted from the same outputs. Both take the same number of
steps on as many images. The loop runs twice, with a network whose weights ask for no gradient, and as it is loaded.
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import torch
import torch.nn.functional as F
from torchvision import transforms

from holder.defending import pixels
from holder.models import load_preact_resnet18, preact_resnet18
from holder.network_defenses import nc

WIDTH, LABELS, N, STEPS = (int(v) for v in (sys.argv[1:] + ["16", "10", "256", "2"][len(sys.argv) - 1 :]))
BATCH = 256


class PerImage(torch.utils.data.Dataset):
    def __init__(self, images):
        self.images = images.permute(0, 2, 3, 1).numpy()
        self.transform = transforms.Compose([transforms.ToPILImage(), transforms.ToTensor()])

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return self.transform(self.images[i])


def main():
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (N, 3, 32, 32), generator=generator, dtype=torch.uint8)
    state = preact_resnet18(images, LABELS, WIDTH, generator).state_dict()

    def batched():
        network = load_preact_resnet18(state).to(device, memory_format=torch.channels_last).requires_grad_(False)
        data, labels = images.to(device), torch.arange(LABELS, device=device)
        triggers = nc.Triggers(LABELS, (3, 32, 32), 0.001, torch.Generator().manual_seed(0)).to(device)
        adam = torch.optim.Adam(triggers.parameters(), lr=0.1, betas=(0.5, 0.9))
        success = []
        for _ in range(STEPS):
            for rows in torch.randperm(N, generator=generator).to(device).split(BATCH):
                adam.zero_grad()
                success.append(nc.search(network, pixels(data[rows]), triggers, labels, None))
                adam.step()
        return torch.stack(success).mean(0).cpu()

    def loop(frozen):
        network = load_preact_resnet18(state).to(device).requires_grad_(not frozen)
        success = []
        for label in range(LABELS):
            triggers = nc.Triggers(1, (3, 32, 32), 0.001, torch.Generator().manual_seed(0)).to(device)
            adam = torch.optim.Adam(triggers.parameters(), lr=0.1, betas=(0.5, 0.9))
            hits = []
            for _ in range(STEPS):
                for x in torch.utils.data.DataLoader(PerImage(images), BATCH, shuffle=True):
                    x = x.to(device)
                    mask, pattern = triggers.mask.tanh() / 2 + 0.5, triggers.pattern.tanh() / 2 + 0.5
                    logits = network((1 - mask) * x + mask * pattern)
                    wanted = torch.full((len(x),), label, device=device)
                    loss = F.cross_entropy(logits, wanted) + 0.001 * mask.abs().sum()
                    adam.zero_grad()
                    loss.backward()
                    adam.step()
                    hits.append((logits.argmax(1) == wanted).float().mean())
            success.append(torch.stack(hits).mean())
        return torch.stack(success).cpu()

    runs = {"batched": batched, "loop, frozen": lambda: loop(True), "loop, as loaded": lambda: loop(False)}
    print(
        f"{device}, {torch.get_num_threads()} threads, width {WIDTH}, {LABELS} labels, {N:,} images, {STEPS} passes, "
        f"bfloat16 {nc.bfloat16(device)}, torch {torch.__version__}"
    )
    wall, busy, success = {}, {}, {}
    for name, function in [*runs.items()] * 3:  # the best of three
        started, worked = time.perf_counter(), time.process_time()
        success[name] = function()
        if device.type == "cuda":
            torch.cuda.synchronize()
        for seconds, took in ((wall, time.perf_counter() - started), (busy, time.process_time() - worked)):
            seconds[name] = min(seconds.get(name, float("inf")), took)
    for name in runs:
        ratios = f"{wall[name] / wall['batched']:5.2f} ({busy[name] / busy['batched']:5.2f}) times the batched"
        apart = (success[name] - success["batched"]).abs().max()
        print(f"{name:16} {wall[name]:7.2f} s ({busy[name]:7.2f} s of CPU)  {ratios}; success within {apart:.3f}")


if __name__ == "__main__":
    main()
