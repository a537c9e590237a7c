"""Duplicates over a whole data set: time, recall of planted near copies by kind, and precision.

    python tests/benchmarks/bench_audit.py data/fer2013

Without a folder, 35,887 rendered faces. Near copies of 2,800 images are planted beside the set and looked for.
Precision needs a set that knows its copies, so it is measured on the rendered one; on a real set, look at the sheet in
notebook 01.
"""

import argparse
import io
import time

import numpy as np
from PIL import Image

from fercore import audit, datasets


def brighten(image: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    gamma, gain, lift = draw.uniform(0.6, 1.6), draw.uniform(0.6, 1.3), draw.uniform(-30, 30)
    return np.clip(255 * (image / 255) ** gamma * gain + lift, 0, 255).astype(np.uint8)


def equalise(image: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    ranks = np.bincount(image.ravel(), minlength=256).cumsum()
    return (255 * ranks[image] // ranks[-1]).astype(np.uint8)


def shift(image: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    down, right = draw.choice([(y, x) for y in range(-2, 3) for x in range(-2, 3) if y or x])
    height, width = image.shape
    return np.pad(image, 2, mode="edge")[2 + down : 2 + down + height, 2 + right : 2 + right + width]


def recompress(image: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=int(draw.integers(20, 75)))
    return np.asarray(Image.open(file))


def window(image: np.ndarray, top: int, left: int, side: int) -> np.ndarray:
    """A square of an image, enlarged to the image's size."""
    box = (left, top, left + side, top + side)
    return np.asarray(Image.fromarray(image).resize(image.shape[::-1], Image.Resampling.BICUBIC, box))


def crop(image: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    side = round(len(image) * draw.uniform(0.75, 0.96))
    return window(image, *draw.integers(0, len(image) - side, 2, endpoint=True), side)


def crop_closely(image: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    side = round(len(image) * draw.uniform(0.6, 0.75))
    return window(image, *draw.integers(0, len(image) - side, 2, endpoint=True), side)


def mirror(image: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    return image[:, ::-1]


CHANGES = (brighten, equalise, shift, recompress, crop, crop_closely, mirror)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--threshold", type=float, default=0.85)
    options = parser.parse_args()
    faces = datasets.load_imported(options.folder) if options.folder else datasets.load("synthfer")

    start = time.perf_counter()
    exact = audit.exact_duplicates(faces.pixels)
    middle = time.perf_counter()
    pairs = audit.near_duplicates(faces.pixels, options.threshold)
    end = time.perf_counter()
    print(f"{len(faces):,} images of {faces.name}, threshold {options.threshold}")
    print(f"exact {middle - start:.2f} s, near {end - middle:.2f} s, {len(pairs):,} pairs")
    if "copy_of" in faces.table:
        table = audit.score_duplicates(faces, pairs)
        print(table.to_string(), f"\nprecision of the pairs {table.attrs['precision']:.4f}")

    draw = np.random.default_rng(0)
    usable = np.setdiff1d(np.flatnonzero(exact == np.arange(len(faces))), audit.constant(faces.pixels))
    rows = draw.choice(usable, 400 * len(CHANGES), replace=False)
    kinds = len(CHANGES)
    planted = np.stack([CHANGES[place % kinds](faces.pixels[row], draw) for place, row in enumerate(rows)])
    both = np.concatenate([faces.pixels, planted])
    group = audit.groups(audit.exact_duplicates(both), audit.near_duplicates(both, options.threshold))
    found = group[len(faces) :] == group[rows]
    for place, change in enumerate(CHANGES):
        print(f"planted {change.__name__:12} recall {found[place::kinds].mean():.4f} of {len(found[place::kinds])}")


if __name__ == "__main__":
    main()
