"""Reading FER2013's CSV against what public FER code does, and against reading the file's bytes, in one run.

    python tests/benchmarks/bench_import.py fer2013.csv

Without a file, one of the same size is written from rendered faces. Each way runs in a process of its own, so that peak
memory is its own; times are without the interpreter's start and imports, and the ways take turns.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

WAYS = {
    "bytes": "open(path, 'rb').read()",
    "load": "datasets.load('fer2013', path)",
    "import": "datasets.import_dataset('fer2013', path, folder)",
    "pandas": "np.stack([np.array(row.split(), dtype=np.uint8) for row in pd.read_csv(path)['pixels']])",
}
CHILD = """
import resource, sys, time
import numpy as np, pandas as pd
from fercore import datasets
from fercore.datasets import fer2013
from fercore.datasets import store
path, folder = sys.argv[1:]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.perf_counter()
kept = {way}
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, before / 1024)
"""


def run(way: str, path: Path, folder: Path) -> tuple[float, float]:
    """Seconds and peak memory in MiB of one way in a process of its own."""
    words = [sys.executable, "-c", CHILD.format(way=WAYS[way]), str(path), str(folder)]
    seconds, peak, _ = map(float, subprocess.run(words, capture_output=True, text=True, check=True).stdout.split())
    return seconds, peak


def write_csv(path: Path) -> None:
    from fercore import datasets

    faces = datasets.load("synthfer")
    with open(path, "w") as file:
        file.write("emotion,pixels,Usage\n")
        for label, split, image in zip(faces.labels, faces.table["split"], faces.pixels, strict=True):
            file.write(f"{label},{' '.join(map(str, image.ravel()))},{split}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        path = options.path or Path(name) / "fer2013.csv"
        if options.path is None:
            write_csv(path)
        run("bytes", path, Path(name))  # into the page cache, for all alike
        seconds = {way: [] for way in WAYS}
        peaks = dict.fromkeys(WAYS, 0.0)
        for _ in range(options.rounds):
            for way in WAYS:
                if way == "pandas" and len(seconds[way]) == 2:  # half a minute each; two are enough to see the spread
                    continue
                taken, peak = run(way, path, Path(name) / "imported")
                seconds[way].append(taken)
                peaks[way] = max(peaks[way], peak)
        print(f"{path.stat().st_size / 1e6:.0f} MB")
        for way, values in seconds.items():
            spread = f"{min(values):.3f} to {max(values):.3f}"
            print(f"{way:8} {statistics.median(values):8.3f} s ({spread})   peak {peaks[way]:6.0f} MiB   {WAYS[way]}")
        middle = {way: statistics.median(values) for way, values in seconds.items()}
        for way in ("load", "import"):
            ratios = middle["pandas"] / middle[way], middle[way] / middle["bytes"]
            print(f"{way}: {ratios[0]:.1f} times as fast as pandas, {ratios[1]:.2f} times the time to read the bytes")


if __name__ == "__main__":
    main()
