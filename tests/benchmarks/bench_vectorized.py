"""Networks trained a minute: `fit_many` together, one after another, and by processes; same device, same run.

    python tests/benchmarks/bench_vectorized.py [--network microexpnet_xxs] [--lanes 1 4 16 64 256] [--device cpu]
        [--turns 16] [--images 1574] [--epochs 2] [--workers 2] [--dask 1 2 4]

`together, over patches` has convolutions as products of matrices. Each line gives seconds, networks a minute, the ratio
to one after another, and the rate that was reached: multiplications and additions of forward and backward pass (three
times the forward pass) over the seconds. At the end the paper's 1,120 networks at the best rate: 3,000 epochs of eight
windows of 9/10 of 1,574 images each.
Images are rendered; folds are subject-independent; every lane has its own fold, seed and temperature.
"""

import argparse
import functools
import time

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F

from fercore import datasets, models
from fercore.datasets import splits
from fercore.models.microexpnet import SameConv2d
from fercore.models.profile import profile
from fercore.studies.sweep import sweep
from fercore.training import losses
from fercore.training.recipe import Recipe
from fercore.training.vectorized import fit_many

TEMPERATURES = (2, 4, 8, 16, 20, 32, 64)  # MicroExpNet, section IV-D


def grid(lanes):
    places = np.arange(lanes)
    return pd.DataFrame(
        {"fold": places % 10, "seed": places, "temperature": [float(TEMPERATURES[i % 7]) for i in places]}
    )


def cohort(trials, network, images, epochs, device, together):
    """What a worker does; it makes its own data, so that the same function runs on a cluster."""
    faces, folds, teacher = given(images)
    recipe = Recipe(
        epochs=epochs, batch_size=64, img_size=84, augmentation=None, loss="cross_entropy", class_weighted=False,
        optimizer="adam", learning_rate=1e-4, weight_decay=0.0, schedule="constant", channels_last=True,
        distillation=losses.microexpnet(1.0),
    )  # fmt: skip
    found = fit_many(
        network, faces, trials, recipe, folds, teacher=teacher, device=device, together=together, progress=False
    )
    return found.drop(columns=trials.columns)


def over_patches(self, images):
    """A convolution as one product of its weights with all patches, which vmap batches as a product of matrices and not
    as a grouped convolution."""
    padding = []
    for side, kernel, stride in zip(images.shape[:1:-1], self.kernel_size[::-1], self.stride[::-1], strict=True):
        total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
        padding += [total // 2, total - total // 2]
    patches = F.unfold(F.pad(images, padding), self.kernel_size, stride=self.stride)
    sides = [-(-side // stride) for side, stride in zip(images.shape[2:], self.stride, strict=True)]
    return (self.weight.flatten(1) @ patches + self.bias[:, None]).unflatten(2, sides)


@functools.cache
def given(images):
    faces = datasets.load("synthck", images=images)
    logits = np.random.default_rng(0).normal(0, 3, (len(faces), len(faces.classes))).astype(np.float32)
    return faces, splits.group_folds(faces, splits.subjects(faces)), logits


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="microexpnet_xxs")
    parser.add_argument("--turns", type=int, default=16, help="lanes one after another, and for each worker")
    parser.add_argument("--lanes", type=int, nargs="*", default=[1, 4, 16, 64, 256])
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--images", type=int, default=1574)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--dask", type=int, nargs="*", default=[])
    options = parser.parse_args()
    work = functools.partial(cohort, network=options.network, images=options.images, epochs=options.epochs)
    macs = profile(models.create(options.network, 8), (1, 84, 84))["macs"]
    a_lane = 2 * 3 * macs * 0.9 * options.images * options.epochs

    rates = {}

    def timed(name, lanes, run, base=None):
        started = time.perf_counter()
        run()
        if options.device == "cuda":
            torch.cuda.synchronize()
        seconds = time.perf_counter() - started
        rate = 60 * lanes / seconds
        ratio = "" if base is None else f"{rate / base:8.2f} x"
        flops = a_lane * lanes / seconds / 1e9
        print(f"{name:<28}{lanes:6}{seconds:10.1f} s{rate:12.1f} a minute{ratio:>12}{flops:10.1f} GFLOP/s", flush=True)
        rates[rate] = seconds
        return rate

    in_turn = functools.partial(work, device=options.device, together=False)
    in_turn(grid(1))  # to warm up
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    base = timed("one after another, 1 thread", options.turns, lambda: in_turn(grid(options.turns)))
    if options.device == "cpu":
        torch.set_num_threads(threads)
        timed(f"one after another, {threads} threads", options.turns, lambda: in_turn(grid(options.turns)), base)
        torch.set_num_threads(1)
        own = {"workers": options.workers, "most": 2, "progress": False}
        many = options.turns * options.workers
        timed(f"{options.workers} processes, from start", many, lambda: sweep(in_turn, grid(many), **own), base)
    convolution = SameConv2d.forward
    for name, forward in (("together", convolution), ("together, over patches", over_patches)):
        SameConv2d.forward = forward
        for lanes in options.lanes:
            timed(name, lanes, lambda lanes=lanes: work(grid(lanes), device=options.device, together=True), base)
    SameConv2d.forward = convolution
    for workers in options.dask:
        import dask
        from distributed import LocalCluster

        # Dask's own MALLOC_TRIM_THRESHOLD_ gives memory back at once, by which training takes nearly twice as long
        large = {name: str(2**28) for name in ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_")}
        dask.config.set({"distributed.nanny.pre-spawn-environ": {"OMP_NUM_THREADS": "1"} | large})
        with LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster:
            own = {"scheduler": cluster.scheduler_address, "most": 2, "progress": False}
            sweep(in_turn, grid(2 * workers), **own)  # workers have imported what they need
            many = options.turns * workers
            timed(f"Dask, {workers} workers", many, lambda own=own, many=many: sweep(in_turn, grid(many), **own), base)
    images = max(rates) / 60 * 0.9 * options.images * options.epochs  # a second
    days = 1120 * 3000 * 0.9 * 8 * 1574 / images / 86400
    print(f"1,120 networks at {images:,.0f} images a second: {days:,.1f} days, by a run of {rates[max(rates)]:.0f} s")


if __name__ == "__main__":
    main()
