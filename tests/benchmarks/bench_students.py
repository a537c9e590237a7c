"""Images a second of ResEmoteNet and its students: the loop that such repositories publish, re-stated, against ours.

    python tests/benchmarks/bench_students.py [--networks resemotenet mini_resemotenet_c] [--images 480] [--turns 3]

published  an image file at a time through PIL and torchvision, a DataLoader with one worker, fp32, no kept answers: for
           a student the teacher looks at every batch; loss.item() after each step
fp32, bf16 the training of `fit`: images in memory, the batch augmented at once; for a student kept logits
trimmed    the same without the weights that meet padding alone (fercore/models/padding.py), in fp32 in memory format
           channels_last as well, as 06_mini_resemotenet trains
constant   the same steps in fp32, and in bf16, on one tensor that never changes: what the network alone allows
arithmetic what the multiplications alone would take at this machine's rate in a large matrix product
memory     what reading and writing weights, gradients and momentum alone would take at this machine's bandwidth

Batches of 16 at 64 px, stochastic gradient descent, as Mini-ResEmoteNet's section III-D. The ways take turns in one
process; the medians of their turns are compared. Images are rendered, the networks untrained.
"""

import argparse
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
import torchvision.transforms as T
from bench_training import Bar, many
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from fercore import datasets, models
from fercore.evaluation import inference
from fercore.models.profile import profile
from fercore.training import augment, losses, memory
from fercore.training.augment import AUGMENTATIONS
from fercore.training.recipe import Recipe
from fercore.training.trainer import _Training

BATCH, SIDE, TEACHER = 16, 64, "resemotenet"
RECIPE = Recipe(
    epochs=80, batch_size=BATCH, img_size=SIDE, augmentation=AUGMENTATIONS["flip"], loss="cross_entropy",
    class_weighted=True, optimizer="sgd", learning_rate=1e-3, weight_decay=1e-4, schedule="constant",
)  # fmt: skip
# times the weights go through memory in a step: forward, backward, gradient out and in, momentum and weights in and out
MOVED = 8
KD = losses.mini_resemotenet()


class Files(Dataset):
    """An image file, opened when it is asked for."""

    def __init__(self, paths, labels):
        self.paths, self.labels = paths, labels
        self.transform = T.Compose([
            T.Resize((SIDE, SIDE)), T.Grayscale(3), T.RandomHorizontalFlip(), T.ToTensor(),
            T.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ])  # fmt: skip

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, place):
        return self.transform(Image.open(self.paths[place])), int(self.labels[place])


def published(network, faces, rows, folder):
    """A function that trains on all rows once, as the published loops do."""
    paths = [Path(folder) / f"{row}.png" for row in rows]
    for row, path in zip(rows, paths, strict=True):
        Image.fromarray(faces.pixels[row]).save(path)
    student = models.create(network, 7)
    teacher = None if network == TEACHER else models.create(TEACHER, 7).eval()
    weight = losses.class_weights(torch.from_numpy(faces.labels[rows]), 7)
    optimizer = torch.optim.SGD(student.parameters(), 1e-3, 0.9, weight_decay=1e-4)

    def run():
        student.train()
        for images, labels in DataLoader(Files(paths, faces.labels[rows]), BATCH, shuffle=True, num_workers=1):
            optimizer.zero_grad()
            logits = student(images)
            if teacher is None:
                loss = F.cross_entropy(logits, labels, weight)
            else:
                with torch.no_grad():
                    taught = teacher(images)
                loss = KD(logits, taught, labels, weight)
            loss.backward()
            optimizer.step()
            loss.item()

    return run


def ours(network, faces, rows, precision, trimmed=0, channels_last=False):
    """Two functions: the training of `fit` on all rows once, and the same on one tensor."""
    recipe, logits = replace(RECIPE, precision=precision, channels_last=channels_last), None
    if network != TEACHER:
        recipe = replace(recipe, distillation=KD)
        logits = np.random.default_rng(0).normal(size=(2, len(faces), 7)).astype(np.float32)
    device = torch.device("cpu")
    training = _Training(
        models.create(network, 7, trimmed=trimmed),
        faces,
        recipe,
        rows,
        None,
        teacher=logits,
        soft_labels=None,
        device=device,
        rank=0,
        world=1,
    )
    real, epoch = augment.augmented, iter(range(1, 10**6))
    fixed = real(training.images[torch.arange(BATCH)], SIDE, recipe.augmentation, None, training.channels)

    def run():
        training.epoch(next(epoch), len(rows) // BATCH, Bar())

    def constant():
        augment.augmented = lambda *_: fixed
        try:
            run()
        finally:
            augment.augmented = real

    return run, constant


def limits(network):
    """Images a second that arithmetic alone would allow, by precision, and that memory alone would."""
    size = profile(models.create(network, 7), (3, SIDE, SIDE))
    found = {}
    for name, kind in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        one = torch.randn(1024, 1024).to(kind)
        seconds = min(timed(lambda one=one: one @ one) for _ in range(10))
        found[f"arithmetic, {name}"] = 1024**3 / seconds / (3 * size["macs"])
    block, other = torch.zeros(2**26), torch.ones(2**26)
    bandwidth = 2 * 4 * len(block) / min(timed(lambda: block.copy_(other)) for _ in range(4))  # read and written
    found["memory"] = BATCH * bandwidth / (MOVED * size["bytes"])
    return found


def timed(run):
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = ["resemotenet", "mini_resemotenet_a", "mini_resemotenet_b", "mini_resemotenet_c"]
    parser.add_argument("--networks", nargs="+", default=names)
    parser.add_argument("--images", type=int, default=480)
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    memory.keep_freed()
    rendered = datasets.load("synthfer", images=500)
    faces = many(rendered, max(BATCH, options.images // BATCH * BATCH))
    rows = np.arange(len(faces))
    precisions = ["fp32", "bf16"] if inference.cpu_has_bf16() else ["fp32"]
    print(f"{len(rows)} images, batch {BATCH}, {SIDE} px, {torch.get_num_threads()} threads; images a second")
    for network in options.networks:
        with tempfile.TemporaryDirectory() as folder:
            ways = {"published": published(network, faces, rows, folder)}
            for precision in precisions:
                ways[precision], ways[f"constant, {precision}"] = ours(network, faces, rows, precision)
                ways[f"trimmed, {precision}"], _ = ours(network, faces, rows, precision, SIDE)
            ways["trimmed, channels last"], _ = ours(network, faces, rows, "fp32", SIDE, channels_last=True)
            seconds = {way: [] for way in ways}
            for turn in range(options.turns + 1):
                for way, run in ways.items():
                    took = timed(run)
                    if turn:  # the first is to warm up
                        seconds[way].append(took)
        rate = {way: len(rows) / statistics.median(turns) for way, turns in seconds.items()} | limits(network)
        print(f"{network}: " + " · ".join(f"{way} {value:,.1f}" for way, value in rate.items()), flush=True)


if __name__ == "__main__":
    main()
