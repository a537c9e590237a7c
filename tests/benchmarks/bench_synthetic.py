"""How many rendered faces a second, at 48 and at 84 pixels, on one thread: python tests/benchmarks/bench_synthetic.py

Numbers depend on what else the machine does; the best and the median of five runs are printed.
"""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import time  # noqa: E402

import numpy as np  # noqa: E402

from fercore.datasets import synthetic  # noqa: E402
from fercore.datasets.synthetic import render  # noqa: E402

IMAGES = 2048


def main():
    rng = np.random.default_rng(0)
    look, scene = render.people(rng, IMAGES), render.draw(render.CONDITIONS, rng, IMAGES)
    units = rng.random((IMAGES, len(render.UNITS)))
    for size in (48, 84):
        out = np.empty((IMAGES, size, size), np.uint8)
        render.faces(units[:64], {k: v[:64] for k, v in look.items()}, {k: v[:64] for k, v in scene.items()}, size)
        rates = []
        for _ in range(5):
            start = time.perf_counter()
            render.faces(units, look, scene, size, out)
            rates.append(IMAGES / (time.perf_counter() - start))
        print(f"render.faces {size}x{size}: best {max(rates):,.0f}, median {np.median(rates):,.0f} images/s")
    for name, images in (("synthfer", 10_000), ("synthck", None)):
        start = time.perf_counter()
        faces = synthetic.read(name, images=images, allocate=lambda shape: np.empty(shape, np.uint8))
        seconds = time.perf_counter() - start
        print(f"read {name}, {len(faces):,} images with plan and copies: {len(faces) / seconds:,.0f} images/s")


if __name__ == "__main__":
    main()
