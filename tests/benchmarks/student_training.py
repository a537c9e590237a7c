"""Images a second in training ResEmoteNet and its students: the training loop that is usually published,
re-implemented, against ours and against what the processor allows.

    python tests/benchmarks/student_training.py data/fer2013 [--to reports/reference/student_training]

Batches of 16 at 64 px by stochastic gradient descent, as Mini-ResEmoteNet's section III-D; the networks are untrained.

published  one image file at a time through PIL and torchvision, a DataLoader with one worker, fp32, no kept answers:
           for a student the teacher looks at every batch; loss.item() after each step
ours       the training of `fit`: images in memory, the batch augmented at once; for a student kept logits. With all
           weights; without those that only meet padding (fercore/models/padding.py); and *trimmed*, in which what makes
           few pixels is a matrix product besides (fercore/models/products.py). Each in fp32 and bf16, the last with
           the channels last in memory, too

speed.csv has a row a network and way: the median images a second of some turns, which all ways of a network take one
after the other in one process; `alone` is the same on one batch that never changes, what the network itself takes. The
limit is the lesser of two: what the multiplications allow at the rate of a large matrix product, in the precision in
which that is faster, and what reading and writing weights, gradients and momentum allows at the bandwidth of a large
copy, both measured in this process.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
import torchvision.transforms as T
from bench_training import Bar
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from fercore import datasets, models
from fercore.deployment import timing
from fercore.evaluation import inference
from fercore.models import padding
from fercore.models.profile import profile
from fercore.reporting.sentences import percent
from fercore.results import provenance, tables
from fercore.results.text import markdown
from fercore.training import augment, losses, memory
from fercore.training.augment import AUGMENTATIONS
from fercore.training.recipe import Recipe
from fercore.training.trainer import _Training

BATCH, SIDE, TEACHER = 16, 64, "resemotenet"
NETWORKS = (TEACHER, "mini_resemotenet_a", "mini_resemotenet_b", "mini_resemotenet_c")
RECIPE = Recipe(
    epochs=80, batch_size=BATCH, img_size=SIDE, augmentation=AUGMENTATIONS["flip"], loss="cross_entropy",
    class_weighted=True, optimizer="sgd", learning_rate=1e-3, weight_decay=1e-4, schedule="constant",
)  # fmt: skip
PUBLISHED = "published loop"
WHOLE, WITHOUT_PADDING, TRIMMED = "whole", "without padding", "trimmed"
WAYS = {  # of ours: what is computed, precision, and whether channels are last in memory
    "fp32": (WHOLE, "fp32", False),
    "bf16": (WHOLE, "bf16", False),
    "without padding, fp32": (WITHOUT_PADDING, "fp32", False),
    "without padding, bf16": (WITHOUT_PADDING, "bf16", False),
    "trimmed, fp32": (TRIMMED, "fp32", False),
    "trimmed, bf16": (TRIMMED, "bf16", False),
    "trimmed, fp32, channels last": (TRIMMED, "fp32", True),
    "trimmed, bf16, channels last": (TRIMMED, "bf16", True),
}
OURS = dict.fromkeys(NETWORKS, "trimmed, fp32, channels last") | {TEACHER: "trimmed, bf16"}  # as notebook 06 trains
# times the weights go through memory in a step: forward, backward, gradient out and in, momentum and weights in and out
MOVED = 8
WORK, MOST = 2.7e10, 480  # a turn's multiply-accumulates in forward passes, and images: it takes seconds
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


def published(network: str, faces: datasets.Faces, rows: np.ndarray, folder: Path) -> Callable[[], None]:
    """A function that trains on all rows once, as the published loops do, from files that it puts into `folder`."""
    paths = [folder / f"{row}.png" for row in rows]
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


def ours(
    network: str, faces: datasets.Faces, rows: np.ndarray, computed: str, precision: str, channels_last: bool
) -> tuple[Callable[[], None], Callable[[], None]]:
    """Two functions: the training of `fit` on all rows once, and the same on one batch that never changes."""
    recipe, logits = replace(RECIPE, precision=precision, channels_last=channels_last), None
    if network != TEACHER:
        recipe = replace(recipe, distillation=KD)
        logits = np.random.default_rng(0).normal(size=(2, len(faces), 7)).astype(np.float32)
    training = _Training(
        created(network, computed), faces, recipe, rows, None, teacher=logits, soft_labels=None,
        device=torch.device("cpu"), rank=0, world=1,
    )  # fmt: skip
    real, epoch = augment.augmented, iter(range(1, 10**6))
    fixed = real(training.images[torch.arange(BATCH)], SIDE, recipe.augmentation, None, training.channels)

    def run():
        training.epoch(next(epoch), len(rows) // BATCH, Bar())

    def alone():
        augment.augmented = lambda *_: fixed
        try:
            run()
        finally:
            augment.augmented = real

    return run, alone


def created(network: str, computed: str) -> torch.nn.Module:
    made = models.create(network, 7, trimmed=SIDE * (computed == TRIMMED))
    return padding.trim(made, (3, SIDE, SIDE)) if computed == WITHOUT_PADDING else made


def limit(network: str, computed: str, arithmetic: float, memory: float) -> float:
    """Images a second that arithmetic and memory allow, whichever allows fewer; by what `rates` gives."""
    size = profile(created(network, computed), (3, SIDE, SIDE))
    return min(arithmetic / (3 * size["macs"]), BATCH * memory / (MOVED * size["bytes"]))  # backward is twice forward


def rates() -> tuple[float, float]:
    """Multiply-accumulates a second in a large matrix product, and bytes a second of a large copy."""
    each = [torch.randn(1024, 1024).to(kind) for kind in (torch.float32, torch.bfloat16)]
    seconds = min(timed(lambda one=one: one @ one) for one in each for _ in range(10))
    block, other = torch.zeros(2**26), torch.ones(2**26)
    moved = 2 * block.element_size() * len(block)  # read and written
    return 1024**3 / seconds, moved / min(timed(lambda: block.copy_(other)) for _ in range(4))


def timed(run: Callable[[], None]) -> float:
    """Seconds."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def speeds(network: str, faces: datasets.Faces, turns: int, most: int = MOST) -> Iterator[dict]:
    """A row of speed.csv for each way."""
    macs = profile(models.create(network, 7), (3, SIDE, SIDE))["macs"]
    rows = faces.rows("train")[: round(min(most, WORK / macs) / BATCH) * BATCH]
    ways = {way: how for way, how in WAYS.items() if how[1] != "bf16" or inference.cpu_has_bf16()}
    with tempfile.TemporaryDirectory() as folder:
        runs = {PUBLISHED: published(network, faces, rows, Path(folder))}
        for way, how in ways.items():
            runs[way], runs[way, "alone"] = ours(network, faces, rows, *how)
        seconds = {way: [] for way in runs}
        for turn in range(turns + 1):
            for way, run in runs.items():
                took = timed(run)
                if turn:  # the first is to warm up
                    seconds[way].append(took)
    found = {way: len(rows) / statistics.median(each) for way, each in seconds.items()}
    rate = rates()
    for way in (PUBLISHED, *ways):
        allowed = limit(network, WAYS.get(way, WAYS["fp32"])[0], *rate)
        yield {
            "network": network, "way": way, "images_per_second": found[way], "alone": found.get((way, "alone")),
            "times_published": found[way] / found[PUBLISHED], "limit": allowed, "share_of_limit": found[way] / allowed,
        }  # fmt: skip


def to_see(speed: pd.DataFrame, processor: str) -> str:
    """What there is to see in speed.csv, as Markdown."""
    lines = [f"Images a second in training on one core of {markdown(processor)}, as notebook 06 trains:", ""]
    for network in speed.index.unique("network"):
        way = OURS[network]
        row = speed.loc[network, way if (network, way) in speed.index else way.replace("bf16", "fp32")]
        lines.append(
            f"- *{markdown(network)}*: {row['images_per_second']:,.0f}, {row['times_published']:.1f} times as many as "
            f"with the training loop that is usually published, and {percent(row['share_of_limit'], 0)} of the "
            "core's roofline (arithmetic and memory bandwidth)."
        )
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=NETWORKS)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--to", type=Path, help="where the table and provenance.json go")
    words = parser.parse_args()
    torch.set_num_threads(1)
    memory.keep_freed()
    faces, machine = datasets.load_imported(words.data), timing.machine()
    rows = []
    for network in words.networks:
        for row in speeds(network, faces, words.turns):
            print(" · ".join(f"{one:,.2f}" if isinstance(one, float) else str(one) for one in row.values()), flush=True)
            rows.append(row)
    speed = pd.DataFrame(rows).set_index(["network", "way"])
    if words.to:
        caption = f"Images a second in training, batches of {BATCH} at {SIDE} px, on one core"
        tables.save(speed, words.to, "speed", faces, caption)
        sentence = to_see(speed, machine["processor"])
        tables.write_json(words.to / tables.SENTENCES, [{"figure": "", "sentence": sentence}])
        tables.save_findings({"networks": len(words.networks), "turns": words.turns}, words.to, faces)
        settings = {"batch_size": BATCH, "img_size": SIDE, "threads": 1, "turns": words.turns, "machine": machine}
        tables.write_json(words.to / "provenance.json", provenance.record(settings, faces, "cpu"))


if __name__ == "__main__":
    main()
