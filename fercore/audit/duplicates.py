"""The same image twice, the same photograph twice, and test images that stand in what is trained on."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from scipy import ndimage, sparse

from ..datasets import Faces, splits
from ..results import tables

SIDE = 48  # near-duplicates are looked for at FER2013's own resolution
SAME = 0.85  # least correlation of two images of one photograph: of 140 real pairs just above it, 2 were doubtful
SAME_SYNTHETIC = 0.92  # rendered faces are more alike: planted copies begin at 0.97, other pairs end at 0.91


def exact_duplicates(pixels: np.ndarray) -> np.ndarray:
    """For each image the first row that holds the same bytes, int64 (N,); its own row number where it is the first."""

    def digests(part: slice) -> list[bytes]:
        return [hashlib.blake2b(row, digest_size=16).digest() for row in flat_rows(pixels, part)]

    with ThreadPoolExecutor() as pool:
        marks = np.array([mark for block in pool.map(digests, parts(pixels)) for mark in block], dtype="V16")
    _, first, inverse = np.unique(marks, return_index=True, return_inverse=True)
    return first[inverse].astype(np.int64)


def near_duplicates(pixels: np.ndarray, threshold: float = SAME, candidates: float = 16) -> pd.DataFrame:
    """Pairs of images that show the same photograph: columns first, second (rows, first < second) and score.

    Found are changes of contrast and brightness, shifts of up to two pixels of 48, recompression, small overlays such
    as watermarks. Crops of another scale, or shifted farther, are missed, so that what is found is a lower bound. Pairs
    that are the same to the byte are left out.

    threshold   least correlation of the two, histogram-equalised, high-passed and shifted to the best fit
    candidates  how many pairs an image are looked at closely, on average

    Three sieves, each finer and dearer: whitened 8x8 thumbnails, all pairs at once as matrix products; 24x24 within one
    pixel, for those that are left; 48x48 within two pixels, for the few that remain.
    """
    unique = np.setdiff1d(np.flatnonzero(exact_duplicates(pixels) == np.arange(len(pixels))), constant(pixels))
    if len(unique) < 2:
        return pd.DataFrame({"first": unique[:0], "second": unique[:0], "score": np.empty(0)})
    small = thumbnails(pixels, unique)
    first, second = _alike(_descriptors(small), candidates)
    halved = _equalise(small).reshape(-1, SIDE // 2, 2, SIDE // 2, 2).mean((2, 4))
    coarse = _correlation(_high_pass(halved, 0.6, 3.0), first, second, reach=1)
    kept = coarse > threshold - 0.1  # a shift by an odd number of pixels costs some of the score at half the size
    first, second = first[kept], second[kept]
    used, places = np.unique(np.concatenate([first, second]), return_inverse=True)
    fine = _high_pass(_equalise(small[used]), 1.0, 4.0)
    score = _correlation(fine, places[: len(first)], places[len(first) :], reach=2)
    pairs = pd.DataFrame({"first": unique[first], "second": unique[second], "score": score.astype(float)})
    pairs = pairs[pairs["score"] >= threshold]
    return pairs.sort_values(["first", "second"], ignore_index=True)


def groups(exact: np.ndarray, pairs: pd.DataFrame) -> np.ndarray:
    """Connected images: for each the first row of its group, int64 (N,), from exact duplicates (N,) and near pairs."""
    count = len(exact)
    ends = np.concatenate([exact, pairs["first"]]), np.concatenate([np.arange(count), pairs["second"]])
    graph = sparse.coo_matrix((np.ones(len(ends[0])), ends), (count, count))
    _, component = sparse.csgraph.connected_components(graph, directed=False)
    _, first, inverse = np.unique(component, return_index=True, return_inverse=True)
    return first[inverse].astype(np.int64)


def copies(faces: Faces, table: str | Path = "") -> np.ndarray:
    """The group of each image, of all that show one photograph: the first row of it, int64 (N,).

    table  duplicate_groups.csv, as 01_data_audit writes it; empty: the copies are searched for here. Raises ValueError
           where it is of other images, or of the same in another order
    """
    if not table:
        pairs = near_duplicates(faces.pixels, SAME_SYNTHETIC if faces.synthetic else SAME)
        return groups(exact_duplicates(faces.pixels), pairs)
    found = read_rows(table)
    splits.same_images(faces, found, str(table))
    if not np.array_equal(found["row"], np.arange(len(faces))):
        raise ValueError(f"{table} has {len(found):,} rows, not the {len(faces):,} of {faces.name}")
    return found["near"].to_numpy()


def without_copies(faces: Faces, split: str, table: str | Path = "") -> dict[str, np.ndarray]:
    """Which images of a split, by name or role, do not also stand in the training split: deduplicated and
    near_deduplicated, bool (n,).

    table  test_mask.csv, as 01_data_audit writes it; empty: the copies are searched for here. Raises ValueError where
           it is of other images, or of the same in another order
    """
    if table:
        return splits.kept(faces, split, read_rows(table), f"the mask {table}")
    return splits.kept(faces, split, splits.mask(faces, exact_duplicates(faces.pixels), copies(faces)))


def read_rows(path: str | Path) -> pd.DataFrame:
    """A table by row numbers as `results.tables.save` writes it; see `splits.same_images`. Raises as `tables.read`."""
    return tables.read(path, ["row"], dtype={splits.FINGERPRINT: str})


def nearest_labels(faces: Faces, rows: np.ndarray, against: str = "train") -> np.ndarray:
    """The label of the image of `against`, a split or role, that each of `rows` is most like, int64 (n,): what memory
    alone would say. Alike is what correlates pixel by pixel, at 48x48.
    """
    train, labels = faces.rows(against), faces.labels
    known = _unit(thumbnails(faces.pixels, train).reshape(len(train), -1).astype(np.float32))
    asked = _unit(thumbnails(faces.pixels, rows).reshape(len(rows), -1).astype(np.float32))
    return np.concatenate([labels[train[(asked[part] @ known.T).argmax(axis=1)]] for part in parts(asked, 512)])


def leakage(faces: Faces, group: np.ndarray, against: str | None = None) -> pd.DataFrame:
    """By split: images, how many are redundant within it, and how many of them also stand in the split `against`.

    against  a split's name; by default the training split's. The column is named after it: in_Training, in_train

    Raises NoSplit where no split is known to train: a share of 0 would be a lie.
    """
    against = faces.split_of("train") if against is None else against
    faces.rows(against)  # which is there
    split = faces.table["split"].to_numpy()
    inside = np.isin(group, group[split == against])
    rows = []
    for name in faces.splits:
        rows_of = split == name
        shared = int(inside[rows_of].sum()) if name != against else 0
        total = int(rows_of.sum())
        rows.append((name, total, total - len(np.unique(group[rows_of])), shared, shared / total))
    return pd.DataFrame(rows, columns=["split", "images", "redundant", f"in_{against}", "share"]).set_index("split")


def contradictions(faces: Faces, group: np.ndarray) -> pd.DataFrame:
    """Pairs of images of one group with different labels, counted by the two classes: a symmetric table of classes."""
    table = pd.DataFrame({"group": group, "label": faces.labels})
    table = table[table.duplicated("group", keep=False)]
    by_group = pd.crosstab(table["group"], table["label"]).reindex(columns=range(len(faces.classes)), fill_value=0)
    together = by_group.to_numpy()
    pairs = together.T @ together
    np.fill_diagonal(pairs, ((together * (together - 1)) // 2).sum(axis=0))
    return pd.DataFrame(pairs, index=faces.classes, columns=faces.classes).rename_axis(index="class")


def contradicted(faces: Faces, group: np.ndarray) -> np.ndarray:
    """Row numbers of the images whose group holds more than one label, int64 (n,)."""
    labels = pd.Series(faces.labels).groupby(group).transform("nunique")
    return np.flatnonzero(labels.to_numpy() > 1)


def score_duplicates(faces: Faces, pairs: pd.DataFrame) -> pd.DataFrame:
    """Recall of the planted copies by kind, and precision of `pairs`, against `copy_of` and `copy_kind` of the table.

    Two copies of one original are a true pair too. Raises KeyError where the set does not tell its copies.
    """
    copy_of, kind = faces.table["copy_of"].to_numpy(), faces.table["copy_kind"].to_numpy()
    exact = exact_duplicates(faces.pixels)
    found = groups(exact, pairs)
    root = np.where(copy_of >= 0, copy_of, np.arange(len(faces)))
    rows = []
    for name in sorted(set(kind[copy_of >= 0])):
        of_kind = np.flatnonzero((copy_of >= 0) & (kind == name))
        rows.append((name, len(of_kind), int((found[of_kind] == found[root[of_kind]]).sum())))
    table = pd.DataFrame(rows, columns=["kind", "planted", "found"]).set_index("kind")
    table["recall"] = table["found"] / table["planted"]
    true = exact[root[pairs["first"]]] == exact[root[pairs["second"]]]
    table.attrs["precision"] = float(true.mean()) if len(pairs) else float("nan")
    return table


def constant(pixels: np.ndarray) -> np.ndarray:
    """Row numbers of the images (N, H, W[, 3]) that hold one value throughout, int64 (n,)."""
    flat = [np.ptp(flat_rows(pixels, part), axis=1) == 0 for part in parts(pixels)]
    return np.flatnonzero(np.concatenate(flat))


def thumbnails(pixels: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
    """Grey levels of the images at 48x48, uint8 (n, 48, 48)."""
    rows = np.arange(len(pixels)) if rows is None else rows
    if pixels.shape[1:] == (SIDE, SIDE):
        return pixels[rows]

    def shrink(row: int) -> np.ndarray:
        return np.asarray(Image.fromarray(pixels[row]).convert("L").resize((SIDE, SIDE), Image.Resampling.BOX))

    with ThreadPoolExecutor() as pool:
        return np.stack(list(pool.map(shrink, rows)))


def _descriptors(small: np.ndarray) -> np.ndarray:
    """Unit vectors float32 (n, 63): 8x8 means without brightness and contrast, half whitened so that what all faces
    share (light forehead, dark eyes) counts for less than what sets one apart."""
    side = SIDE // 8
    pooled = small.reshape(-1, 8, side, 8, side).mean((2, 4), dtype=np.float32).reshape(len(small), -1)
    centred = _unit(pooled)
    centred -= centred.mean(axis=0)
    values, axes = np.linalg.eigh(centred.T @ centred / len(centred))
    return _unit(centred @ (axes[:, 1:] * np.maximum(values[1:], 1e-9) ** -0.25), centre=False)


def _alike(vectors: np.ndarray, candidates: float) -> tuple[np.ndarray, np.ndarray]:
    """The `candidates` * n / 2 or so pairs of vectors (n, d) with the largest products, as two arrays of rows."""
    count = len(vectors)
    sample = vectors[:: max(1, count // 500)] @ vectors.T
    share = (candidates + 1) / count  # each is among its own candidates
    cut = np.quantile(sample, 1 - share) if share < 1 else -np.inf
    first, second = [], []
    for start in range(0, count, 1024):
        product = vectors[start : start + 1024] @ vectors[start:].T
        left, right = np.nonzero(product > cut)
        above = right > left
        first.append(left[above] + start)
        second.append(right[above] + start)
    return np.concatenate([*first, np.empty(0, int)]), np.concatenate([*second, np.empty(0, int)])


def _equalise(small: np.ndarray) -> np.ndarray:
    """Each pixel's rank within its image, 0 to 1, float32: the same for every contrast that keeps dark below light."""
    flat = small.reshape(-1, SIDE * SIDE)
    result = np.empty(flat.shape, np.float32)
    for start in range(0, len(flat), 4096):
        block = flat[start : start + 4096]
        offset = 256 * np.arange(len(block))[:, None]
        histogram = np.bincount((block + offset).ravel(), minlength=256 * len(block)).reshape(-1, 256)
        rank = (histogram.cumsum(axis=1) - histogram / 2) / flat.shape[1]
        result[start : start + 4096] = rank.ravel()[block + offset]
    return result.reshape(small.shape)


def _high_pass(images: np.ndarray, inner: float, outer: float) -> np.ndarray:
    """Difference of two Gaussians, so that shape decides and not the light; sigmas in pixels."""
    blurred = ndimage.gaussian_filter(images, (0, outer, outer))
    return ndimage.gaussian_filter(images, (0, inner, inner)) - blurred


def _correlation(images: np.ndarray, first: np.ndarray, second: np.ndarray, reach: int) -> np.ndarray:
    """The best correlation of images[first] and images[second] (n, S, S) over shifts of up to `reach` pixels."""
    if not len(first):
        return np.empty(0, np.float32)
    side, margin = images.shape[1], reach + 1
    middle = slice(margin, side - margin)
    still = _unit(images[:, middle, middle].reshape(len(images), -1))
    best = np.full(len(first), -1, np.float32)
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            window = images[:, margin + down : side - margin + down, margin + right : side - margin + right]
            moved = _unit(window.reshape(len(images), -1))
            for part in parts(first):
                score = np.einsum("ij,ij->i", still[first[part]], moved[second[part]])
                np.maximum(best[part], score, out=best[part])
    return best


def _unit(vectors: np.ndarray, centre: bool = True) -> np.ndarray:
    vectors = vectors - vectors.mean(axis=1, keepdims=True) if centre else vectors
    return (vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)).astype(np.float32)


def parts(array: np.ndarray, size: int = 4096) -> list[slice]:
    """Slices of up to `size` rows that make up the whole of `array`."""
    return [slice(start, start + size) for start in range(0, len(array), size)]


def flat_rows(pixels: np.ndarray, part: slice) -> np.ndarray:
    """The images of a slice, a row of bytes each."""
    block = pixels[part]
    return np.ascontiguousarray(block).reshape(len(block), -1)
