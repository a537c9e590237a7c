"""The same photograph twice: pairs of images that show one photograph, cropped, mirrored or edited.

Two images are compared in many framings, since FER2013 holds many crops of one photograph; in each of them from coarse
to fine: whitened 8x8 thumbnails, all pairs at once as matrix products; 24x24 within one pixel, for those that are left;
48x48 within two pixels, for the few that remain.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pandas as pd
from PIL import Image
from scipy import ndimage

from .pixels import SIDE, constant, exact_duplicates, parts, thumbnails, unit

HALF = SIDE // 2
SAME = 0.85  # least correlation of two images of one photograph: of the 100 least alike real pairs, 94 were of one
SAME_SYNTHETIC = 0.92  # rendered faces are more alike: planted copies begin at 0.97; of 20,000 one other pair is above


class Window(NamedTuple):
    """A square of a 48x48 image: its first row, its first column and its side, in pixels."""

    top: int = 0
    left: int = 0
    side: int = SIDE


class Framing(NamedTuple):
    """Which window of one image is compared with which of another, and what the two images are to one another then."""

    kind: str
    one: Window = Window()
    other: Window = Window()
    mirrored: bool = False  # the first one


def _framings() -> list[Framing]:
    """Whole images; a window of one and the whole of the other; and what two crops of one photograph share that are
    4 or 8 px apart. Each sees what is within 2 px of it, so that windows 4 px apart leave no gap."""
    framings = [Framing("whole"), Framing("mirrored", mirrored=True)]
    for side, places in ((44, (0, 4)), (40, (0, 4, 8)), (36, (2, 6, 10)), (32, (5, 11))):
        framings += [Framing("crop", Window(top, left, side)) for top in places for left in places]
    for side, apart in ((44, ((4, 2), (2, 4), (4, 4), (4, 0))), (40, ((8, 4), (4, 8)))):
        free = SIDE - side
        opposite = [(Window(*at, side), Window(*(free - place for place in at), side)) for at in apart]
        framings += [Framing("shift", one, other) for one, other in opposite]
    return framings


FRAMINGS = tuple(_framings())
KINDS = tuple(dict.fromkeys(framing.kind for framing in FRAMINGS))


def near_duplicates(pixels: np.ndarray, threshold: float = SAME, candidates: float = 8) -> pd.DataFrame:
    """Pairs of images that show the same photograph: columns first, second (rows, first < second), score and kind.

    kind is the first of these that shows the two to be one photograph: whole (all of both), mirrored, crop (one is a
    part of the other) or shift (each has a strip that the other lacks).

    Found are changes of contrast and brightness, recompression, small overlays such as watermarks, mirror images, crops
    that keep three quarters of the side or more, and shifts of up to 8 pixels of 48 along an axis, 4 along both. What
    is rotated, stretched, cropped more closely, or mirrored and cropped, is missed, so that what is found is a lower
    bound. Pairs that are the same to the byte are left out.

    threshold   least correlation of the two, histogram-equalised, high-passed and shifted to the best fit, in the
                framing in which they are most alike
    candidates  how many pairs per image are compared beyond the coarsest stage in each framing, on average
    """
    unique = np.setdiff1d(np.flatnonzero(exact_duplicates(pixels) == np.arange(len(pixels))), constant(pixels))
    if len(unique) < 2:
        return pd.DataFrame({"first": unique[:0], "second": unique[:0], "score": np.empty(0), "kind": []})
    small = thumbnails(pixels, unique)
    describe = _descriptor(_framed(small, Window(), HALF))
    whole = _View(small, Window(), describe)
    found = []
    for kind, one, other, mirrored in FRAMINGS:
        left = whole if kind == "whole" else _View(small[:, :, ::-1] if mirrored else small, one, describe)
        right = whole if other == Window() else _View(small, other, describe)
        found.append(_compare(left, right, threshold, candidates).assign(kind=kind))
    pairs = pd.concat(found).groupby(["first", "second"], as_index=False, sort=True)
    pairs = pairs.agg(score=("score", "max"), kind=("kind", "first"))  # of the framings, the plainest
    return pairs.assign(first=unique[pairs["first"]], second=unique[pairs["second"]])


class _View:
    """One window of all images (n, 48, 48), at each stage's resolution; the finest is made for few of them."""

    def __init__(self, images: np.ndarray, window: Window, describe: Callable[[np.ndarray], np.ndarray]):
        self.images, self.window = images, window
        half = _framed(images, window, HALF)
        self.vectors, self.coarse = describe(half), _high_pass(_equalise(half), 0.6, 3.0)

    def fine(self, rows: np.ndarray) -> np.ndarray:
        return _high_pass(_equalise(_framed(self.images[rows], self.window, SIDE)), 1.0, 4.0)


def _compare(one: _View, other: _View, threshold: float, candidates: float) -> pd.DataFrame:
    """The pairs of one framing that pass all three stages: first < second, score."""
    first, second = _alike(one.vectors, other.vectors, candidates)
    coarse = _correlation(one.coarse, other.coarse, first, second, reach=1)
    kept = coarse > threshold - 0.1  # a shift by an odd number of pixels costs some of the score at half the size
    first, second = first[kept], second[kept]
    (left, at_left), (right, at_right) = (np.unique(rows, return_inverse=True) for rows in (first, second))
    score = _correlation(one.fine(left), other.fine(right), at_left, at_right, reach=2).astype(float)
    pairs = pd.DataFrame({"first": np.minimum(first, second), "second": np.maximum(first, second), "score": score})
    return pairs[pairs["score"] >= threshold]


def _framed(images: np.ndarray, window: Window, side: int) -> np.ndarray:
    """A window of each image (n, 48, 48), scaled by linear interpolation: uint8 (n, side, side).

    Scaling is linear in rows and in columns, so that what Pillow makes of the unit matrix does it for all at once.
    """
    if window == Window() and side == SIDE:
        return images
    unit_matrix = Image.fromarray(np.eye(SIDE, dtype=np.float32))

    def along(start: int) -> np.ndarray:
        box = (0, start, SIDE, start + window.side)
        return np.asarray(unit_matrix.resize((SIDE, side), Image.Resampling.BILINEAR, box))

    rows, columns = along(window.top), along(window.left).T
    scaled = np.empty((len(images), side, side), np.uint8)
    for part in parts(images):
        scaled[part] = np.rint(rows @ images[part].astype(np.float32) @ columns)
    return scaled


def _descriptor(half: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """What makes unit vectors float32 (n, 63) of images (n, 24, 24): 8x8 means without brightness and contrast, half
    whitened, as those of `half` would have it, so that what all faces share (light forehead, dark eyes) counts for less
    than what sets one apart."""

    def pooled(images: np.ndarray) -> np.ndarray:
        return unit(images.reshape(-1, 8, HALF // 8, 8, HALF // 8).mean((2, 4), dtype=np.float32).reshape(-1, 64))

    known = pooled(half)
    mean = known.mean(axis=0)
    values, axes = np.linalg.eigh(np.cov(known, rowvar=False, bias=True))
    whiten = axes[:, 1:] * np.maximum(values[1:], 1e-9) ** -0.25
    return lambda images: unit((pooled(images) - mean) @ whiten, centre=False)


def _alike(one: np.ndarray, other: np.ndarray, candidates: float) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of different rows of two arrays (n, d), as two arrays of rows: the `candidates` * n / 2 or so that have the
    largest products, and for each row of the first that of the second which it is most like, so that no crowd of images
    that are all alike takes the place of a single copy."""
    count = len(one)
    share = (candidates / 2 + 1) / count  # each is among its own candidates
    cut = np.quantile(one[:: max(1, count // 500)] @ other.T, 1 - share) if share < 1 else -np.inf
    block = max(1, 2**24 // count)  # rows: 64 MiB of products for each thread, whatever the number of images

    def above(start: int) -> tuple[np.ndarray, np.ndarray]:
        product = one[start : start + block] @ other.T
        row = np.arange(len(product))
        product[row, row + start] = -np.inf  # no image is looked for in itself
        left, right = np.nonzero(product > cut)
        return np.concatenate([left, row]) + start, np.concatenate([right, product.argmax(axis=1)])

    with ThreadPoolExecutor(4) as pool:
        found = np.concatenate(list(pool.map(above, range(0, count, block))), axis=1)
    first, second = np.unique(found, axis=1)
    return first, second


def _equalise(small: np.ndarray) -> np.ndarray:
    """Each pixel's rank within its image, 0 to 1, float32: the same for every contrast that keeps dark below light."""
    flat = small.reshape(-1, small.shape[1] * small.shape[2])
    result = np.empty(flat.shape, np.float32)
    for part in parts(flat):
        block = flat[part]
        offset = 256 * np.arange(len(block))[:, None]
        histogram = np.bincount((block + offset).ravel(), minlength=256 * len(block)).reshape(-1, 256)
        rank = (histogram.cumsum(axis=1) - histogram / 2) / flat.shape[1]
        result[part] = rank.ravel()[block + offset]
    return result.reshape(small.shape)


def _high_pass(images: np.ndarray, inner: float, outer: float) -> np.ndarray:
    """Difference of two Gaussians, so that shape decides and not the light; sigmas in pixels."""
    unit_matrix = np.eye(images.shape[1], dtype=np.float32)
    narrow, wide = (ndimage.gaussian_filter1d(unit_matrix, sigma, axis=0) for sigma in (inner, outer))
    return narrow @ images @ narrow.T - wide @ images @ wide.T


def _correlation(one: np.ndarray, other: np.ndarray, first: np.ndarray, second: np.ndarray, reach: int) -> np.ndarray:
    """The best correlation of one[first] and other[second], of (n, S, S), over shifts of up to `reach` pixels."""
    best = np.full(len(first), -1, np.float32)
    if not len(first):
        return best
    side, margin = one.shape[1], reach + 1
    middle = slice(margin, side - margin)
    still = unit(one[:, middle, middle].reshape(len(one), -1))
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            window = other[:, margin + down : side - margin + down, margin + right : side - margin + right]
            moved = unit(window.reshape(len(other), -1))
            for part in parts(first):
                score = np.einsum("ij,ij->i", still[first[part]], moved[second[part]])
                np.maximum(best[part], score, out=best[part])
    return best
