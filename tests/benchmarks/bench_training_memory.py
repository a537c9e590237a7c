"""Memory and start of a training: from import to the first batch, and from 1,000 to 300,000 memory-mapped images.

    python tests/benchmarks/bench_training_memory.py [--images 1000 30000 300000] [--side 48]

300,000 is AffectNet's size. Images are random, on disk, and mapped. `own` is the memory that is the process's own; what
is mapped from a file can be dropped at any time and counts only in `peak`.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

CHILD = """
import sys, threading, time
started = time.perf_counter()
def status(name):
    return int(next(line for line in open("/proc/self/status") if line.startswith(name)).split()[1]) / 1024
own = [0.0]
def watch():
    while True:
        own[0] = max(own[0], status("RssAnon"))
        time.sleep(0.02)
import numpy as np
from fercore.training import trainer
from fercore.datasets.faces import Faces, table
from fercore.training.recipe import Recipe
pixels = np.load(sys.argv[1], mmap_mode="r")
labels = np.arange(len(pixels)) % 7
faces = Faces("random", pixels, table(labels, "Training"), tuple("abcdefg"), True, fingerprint="random")
first, step = [], trainer._Training.step
def timed(*given):
    found = step(*given)
    first or first.append(time.perf_counter() - started)
    return found
trainer._Training.step = timed
threading.Thread(target=watch, daemon=True).start()
recipe = Recipe(epochs=1, batch_size=256, img_size=32, schedule="constant", channels_last=True)
trainer.fit("tinyfer_lite", faces, recipe, select=None, device="cpu", progress=False)
print(first[0], own[0], status("VmHWM"), time.perf_counter() - started)
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, nargs="+", default=[1000, 30000, 300000])
    parser.add_argument("--side", type=int, default=48)
    options = parser.parse_args()
    print(f"{'images':>8} {'file, MiB':>10} {'first batch, s':>15} {'own, MiB':>9} {'peak, MiB':>10} {'epoch, s':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for count in options.images:
            path = Path(folder) / f"{count}.npy"
            pixels = np.lib.format.open_memmap(path, "w+", np.uint8, (count, options.side, options.side))
            draw = np.random.default_rng(0)
            for start in range(0, count, 10000):
                part = pixels[start : start + 10000]
                part[:] = draw.integers(0, 256, part.shape, np.uint8)
            del pixels
            done = subprocess.run([sys.executable, "-c", CHILD, path], capture_output=True, text=True, check=True)
            first, own, peak, whole = map(float, done.stdout.split())
            print(
                f"{count:8,} {path.stat().st_size / 2**20:10,.0f} {first:15.1f} {own:9,.0f} {peak:10,.0f} {whole:9.1f}",
                flush=True,
            )
            path.unlink()


if __name__ == "__main__":
    main()
