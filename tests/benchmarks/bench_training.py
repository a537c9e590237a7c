"""Images a second of a training, end to end, against what a user would write instead and against the limit.

    python tests/benchmarks/bench_training.py [--network NAME] [--sides 48 64 96 112 224] [--device cpu] [--bf16]

fercore   the training of `fit`: images in memory as uint8, augmented by the batch where they are trained with
loader    torchvision's v2 transforms on PIL images in a DataLoader with a worker a core; the same network, loss,
          optimiser, batch and memory layout
constant  the same step, fed with one tensor that never changes: what the network alone allows

The ways take turns in one process; the medians of their turns are compared. Images are rendered.
"""

import argparse
import os
import statistics
import time

import numpy as np
import torch
import torchvision.transforms.v2 as T
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from fercore import datasets, models
from fercore.datasets import preprocess
from fercore.evaluation import inference
from fercore.training import augment
from fercore.training.recipe import Recipe
from fercore.training.trainer import _Training

BATCH = 64


class Transformed(Dataset):
    """As in a tutorial: an image at a time from an array to PIL, through the transforms of TinyFER-Lite's section 5."""

    def __init__(self, faces, rows, side):
        self.pixels, self.labels, self.rows = faces.pixels, faces.labels, rows
        self.transform = T.Compose([
            T.Resize(round(side * 257 / 224)),
            T.RandomResizedCrop(side, (0.85, 1.0), (0.9, 1.1)),
            T.RandomHorizontalFlip(),
            T.RandomRotation(10, T.InterpolationMode.BILINEAR),
            T.RandomAffine(0, (0.05, 0.05), (0.95, 1.05), 5, T.InterpolationMode.BILINEAR),
            T.ColorJitter(0.2, 0.2),
            T.ToImage(),
            T.ToDtype(torch.float32, scale=True),
            T.Normalize(preprocess.MEAN, augment.STD),
            T.RandomErasing(0.2, (0.02, 0.12), (0.3, 3.3)),
        ])  # fmt: skip

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, place):
        row = self.rows[place]
        return self.transform(Image.fromarray(self.pixels[row]).convert("RGB")), self.labels[row]


class Bar:
    def update(self):
        pass


def ways(network, faces, side, device, precision, workers):
    """By name, a function that trains on all rows once."""
    rows = faces.rows("Training")
    rows = rows[: len(rows) // BATCH * BATCH]
    recipe = Recipe(img_size=side, batch_size=BATCH, channels_last=True, precision=precision, schedule="constant")
    training = _Training(
        models.create(network, 7).to(device),
        faces,
        recipe,
        rows,
        None,
        teacher=None,
        soft_labels=None,
        device=device,
        rank=0,
        world=1,
    )
    epoch = iter(range(1, 10**6))
    layout, real = torch.channels_last, augment.augmented
    fixed = augment.augment(training.images[torch.arange(BATCH)], side, recipe.augmentation, None, training.channels)
    fixed = fixed.contiguous(memory_format=layout)

    def ours():
        training.epoch(next(epoch), len(rows) // BATCH, Bar())

    def loader():
        loading = DataLoader(
            Transformed(faces, rows, side), BATCH, shuffle=True, num_workers=workers, pin_memory=device.type == "cuda"
        )
        training.network.train()
        for images, labels in loading:
            images = images.to(device, non_blocking=True).contiguous(memory_format=layout)
            labels = labels.to(device, non_blocking=True)
            with inference.autocast(precision, device):
                logits = training.network(images)
            loss = training.criterion(logits, labels)
            training.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            training.optimizer.step()
        loss.item()

    def constant():
        augment.augmented = lambda *_: (fixed, torch.zeros(BATCH, dtype=torch.bool))
        try:
            training.epoch(next(epoch), len(rows) // BATCH, Bar())
        finally:
            augment.augmented = real

    return len(rows), {"fercore": ours, "loader": loader, "constant": constant}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default="tinyfer_lite")
    parser.add_argument("--sides", type=int, nargs="+", default=[48, 64, 96, 112, 224])
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--images", type=int, nargs="+", help="of each side; by default what takes some seconds")
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    device, precision = torch.device(options.device), "bf16" if options.bf16 else "fp32"
    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    name = torch.cuda.get_device_name() if device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    print(f"{options.network}, batch {BATCH}, {precision}, {name}, {workers} workers")
    print(f"{'img_size':>5} {'images':>7} {'fercore':>9} {'loader':>9} {'constant':>9} {'/loader':>8} {'/constant':>9}")
    scale = 20 if device.type == "cuda" else 0.7
    rendered = datasets.load("synthfer", images=2000)
    for place, side in enumerate(options.sides):
        wanted = options.images[place % len(options.images)] if options.images else int(scale * 3e6 / side**1.6)
        faces = many(rendered, wanted)
        count, by_name = ways(options.network, faces, side, device, precision, workers)
        seconds = {way: [] for way in by_name}
        for turn in range(options.turns + 1):
            for way, run in by_name.items():
                started = time.perf_counter()
                run()
                if device.type == "cuda":
                    torch.cuda.synchronize()
                if turn:  # the first is to warm up
                    seconds[way].append(time.perf_counter() - started)
        rate = {way: count / statistics.median(turns) for way, turns in seconds.items()}
        ratios = rate["fercore"] / rate["loader"], rate["fercore"] / rate["constant"]
        print(f"{side:5} {count:7,} " + " ".join(f"{rate[way]:9,.0f}" for way in by_name), end=" ")
        print(f"{ratios[0]:8.2f} {ratios[1]:9.3f}", flush=True)


def many(faces, count):
    """`count` training images, the rendered ones over and over."""
    place = np.resize(faces.rows("Training"), count)
    table = faces.table.iloc[place].reset_index(drop=True)
    return type(faces)(faces.name, np.ascontiguousarray(faces.pixels[place]), table, faces.classes, True)


if __name__ == "__main__":
    main()
