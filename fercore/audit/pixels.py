"""Images as rows of numbers: bytes, grey levels at FER2013's size, unit vectors."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image

SIDE = 48  # images are compared at FER2013's own resolution


def exact_duplicates(pixels: np.ndarray) -> np.ndarray:
    """For each image the first row that holds the same bytes, int64 (N,); its own row number where it is the first."""

    def digests(part: slice) -> list[bytes]:
        return [hashlib.blake2b(row, digest_size=16).digest() for row in flat_rows(pixels, part)]

    with ThreadPoolExecutor() as pool:
        marks = np.array([mark for block in pool.map(digests, parts(pixels)) for mark in block], dtype="V16")
    _, first, inverse = np.unique(marks, return_index=True, return_inverse=True)
    return first[inverse].astype(np.int64)


def constant(pixels: np.ndarray) -> np.ndarray:
    """Row numbers of the images (N, H, W[, 3]) that hold one grey value, or one colour, throughout, int64 (n,)."""
    same = [np.ptp(pixels[part], axis=(1, 2)).reshape(len(pixels[part]), -1).max(1) == 0 for part in parts(pixels)]
    return np.flatnonzero(np.concatenate(same))


def thumbnails(pixels: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
    """Grey levels of the images at 48x48, uint8 (n, 48, 48)."""
    rows = np.arange(len(pixels)) if rows is None else rows
    if pixels.shape[1:] == (SIDE, SIDE):
        return pixels[rows]

    def shrink(row: int) -> np.ndarray:
        return np.asarray(Image.fromarray(pixels[row]).convert("L").resize((SIDE, SIDE), Image.Resampling.BOX))

    with ThreadPoolExecutor() as pool:
        return np.stack(list(pool.map(shrink, rows)))


def unit(vectors: np.ndarray, centre: bool = True) -> np.ndarray:
    """Rows (n, d) at length 1, float32 (n, d); less their means, `centre`, so that their products are correlations."""
    vectors = vectors - vectors.mean(axis=1, keepdims=True) if centre else vectors
    return (vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)).astype(np.float32)


def parts(array: np.ndarray, size: int = 4096) -> list[slice]:
    """Slices of up to `size` rows that make up the whole of `array`."""
    return [slice(start, start + size) for start in range(0, len(array), size)]


def grey_levels(pixels: np.ndarray, part: slice) -> np.ndarray:
    """The grey levels of the images of a slice, of colours their luminance, a row of bytes each."""
    if pixels.ndim == 3:
        return flat_rows(pixels, part)
    return np.stack([np.asarray(Image.fromarray(image).convert("L")).ravel() for image in pixels[part]])


def flat_rows(pixels: np.ndarray, part: slice) -> np.ndarray:
    """The images of a slice, a row of bytes each."""
    block = pixels[part]
    return np.ascontiguousarray(block).reshape(len(block), -1)
