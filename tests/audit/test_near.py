"""The search for the same photograph: against slow code that is plainly right, and against copies made here."""

import io

import numpy as np
import pytest
from PIL import Image, ImageOps
from scipy import ndimage, stats

from fercore import audit
from fercore.audit import near
from fercore.audit.near import Framing, Window
from fercore.audit.pixels import unit


def test_planted_copies_are_found_and_little_else(rendered):
    pairs = audit.near_duplicates(rendered.pixels, 0.92)
    score = audit.score_duplicates(rendered, pairs)
    assert score["planted"].to_dict()["exact"] == 100 and (score["planted"] >= 30).all()
    assert set(score.index) == {"contrast", "exact", "recompressed", "shift"}
    assert (score["recall"] >= 0.97).all(), score
    assert score.attrs["precision"] >= 0.97
    assert (pairs["first"] < pairs["second"]).all() and pairs["score"].between(0.92, 1 + 1e-6).all()
    assert not pairs.duplicated(["first", "second"]).any()
    assert pairs.equals(pairs.sort_values(["first", "second"], ignore_index=True))
    part = rendered.pixels[:500]
    strict, looser = (audit.near_duplicates(part, threshold)[["first", "second"]] for threshold in (0.92, 0.85))
    assert len(looser.merge(strict)) == len(strict) < len(looser)


def monotone(image, draw):
    """A contrast drawn at random that keeps dark below light."""
    steps = np.cumsum(draw.uniform(0.2, 2, 256))
    return np.round(255 * steps / steps[-1]).astype(np.uint8)[image]


def equalised(image, draw):
    return np.asarray(ImageOps.equalize(Image.fromarray(image)))


def shifted(image, draw):
    down, right = draw.integers(-2, 3, 2)
    padded = np.pad(image, ((2, 2), (2, 2), *[(0, 0)] * (image.ndim - 2)), mode="edge")
    return padded[2 + down : len(image) + 2 + down, 2 + right : image.shape[1] + 2 + right]


def recompressed(image, draw):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=60)
    return np.asarray(Image.open(file))


CHANGES = [monotone, equalised, shifted, recompressed]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("shape", ["48x48", "84x84", "RGB"])
def test_a_changed_photograph_is_the_same_photograph(originals, change, shape):
    pixels = originals
    if shape == "84x84":
        pixels = np.stack([np.asarray(Image.fromarray(image).resize((84, 84), 1)) for image in pixels])
    if shape == "RGB":
        pixels = np.stack([pixels, pixels // 2 + 60, pixels // 3 + 90], axis=-1)
    draw = np.random.default_rng(1)
    changed = np.stack([change(image, draw) for image in pixels[:40]])
    differs = (changed != pixels[:40]).reshape(40, -1).any(axis=1)  # some are not shifted at all
    pairs = audit.near_duplicates(np.concatenate([pixels, changed]), 0.85)
    found = set(zip(pairs["first"], pairs["second"], strict=True))
    expected = {(row, 120 + row) for row in range(40) if differs[row]}
    assert len(expected) > 30 and len(expected - found) <= 1
    assert len(found - expected) <= 12, "rendered faces are alike, but not as alike as this"


def test_contrast_costs_nothing_of_the_score(originals):
    dark = np.round(255 * (originals[:20] / 255) ** 3).astype(np.uint8)
    pairs = audit.near_duplicates(np.concatenate([originals, dark]), 0.85)
    own = pairs[pairs["second"] == pairs["first"] + 120]
    assert len(own) == 20 and own["score"].min() > 0.97 and own["score"].mean() > 0.99


@pytest.mark.parametrize("count", [2, 3, 10, 17, 18, 40])
def test_a_small_set_is_searched_as_well_as_a_large_one(originals, count):
    pixels = np.concatenate([originals[:count], originals[:1] // 2 + 40])
    pairs = audit.near_duplicates(pixels if count > 2 else pixels[[0, 2]], 0.92)
    assert pairs[["first", "second"]].to_numpy().tolist() == [[0, len(pixels) - 1 if count > 2 else 1]]


@pytest.mark.parametrize("size", [(48, 48), (84, 84), (48, 48, 3)])
@pytest.mark.parametrize("kind", ["constant", "identical", "one", "two different"])
def test_no_pairs_where_there_are_none(originals, size, kind):
    faces = np.stack([np.asarray(Image.fromarray(image).resize(size[:2])) for image in originals[:2]])
    faces = np.repeat(faces[..., None], 3, axis=-1) if len(size) == 3 else faces
    pixels = {
        "constant": np.zeros((4, *size), np.uint8),
        "identical": np.repeat(faces[:1], 4, axis=0),
        "one": faces[:1],
        "two different": faces,
    }[kind]
    pairs = audit.near_duplicates(pixels)
    assert len(pairs) == 0 and list(pairs) == ["first", "second", "score", "kind"]
    expected = [0, 0, 0, 0] if kind in ("constant", "identical") else list(range(len(pixels)))
    assert audit.groups(audit.exact_duplicates(pixels), pairs).tolist() == expected


def test_exact_copies_are_left_to_exact_duplicates(originals):
    again = originals[:3] // 2 + 40
    pixels = np.concatenate([originals, again, originals[:3], again])
    pairs = audit.near_duplicates(pixels, 0.97)
    assert pairs[["first", "second"]].to_numpy().tolist() == [[0, 120], [1, 121], [2, 122]], "first rows only"
    group = audit.groups(audit.exact_duplicates(pixels), pairs)
    assert group[120:].tolist() == [0, 1, 2] * 3, "and yet all four are one group"


@pytest.mark.parametrize("reach", [1, 2])
def test_the_best_correlation_over_shifts_is_that_of_trying_each(reach):
    images = np.random.default_rng(0).normal(0, 0.01, (6, 12, 12)).astype(np.float32)
    images[3] = np.roll(images[0], (-reach, reach), (0, 1))
    images[4], images[5] = (np.roll(images[0], -reach - 1, axis) for axis in (0, 1))  # further than is tried
    inside, steps = slice(reach + 1, 11 - reach), range(-reach, reach + 1)

    def best(one, other):
        shifts = [np.roll(other, (down, right), (0, 1))[inside, inside] for down in steps for right in steps]
        return max(np.corrcoef(one[inside, inside].ravel(), moved.ravel())[0, 1] for moved in shifts)

    first, second = np.array([0, 1, 0, 4, 0, 5, 0, 3]), np.array([1, 2, 4, 0, 5, 0, 3, 0])
    found = near._correlation(images, images, first, second, reach)
    expected = [best(images[one], images[two]) for one, two in zip(first, second, strict=True)]
    assert found == pytest.approx(expected, abs=1e-5)
    assert found[-2:] == pytest.approx([1, 1]) and (found[:-2] < 0.99).all()


def test_equalising_is_ranking(originals):
    found = near._equalise(originals[:3])
    ranks = [stats.rankdata(image, "average").reshape(48, 48) for image in originals[:3]]
    assert found == pytest.approx((np.stack(ranks) - 0.5) / 48**2) and found.dtype == np.float32
    many = near._equalise(np.repeat(originals[:1], 4098, axis=0))  # by the block
    assert np.array_equal(many[-3:], np.repeat(found[:1], 3, axis=0))


def test_the_score_of_a_pair_is_the_correlation_of_what_is_fine(originals):
    changed = np.concatenate([originals[:20], originals[:1] // 2 + 40])
    ranks = [(stats.rankdata(image, "average").reshape(48, 48) - 0.5) / 48**2 for image in changed[[0, 20]]]
    one, other = (ndimage.gaussian_filter(rank, 1) - ndimage.gaussian_filter(rank, 4) for rank in ranks)
    expected = np.corrcoef(one[3:-3, 3:-3].ravel(), other[3:-3, 3:-3].ravel())[0, 1]
    pairs = audit.near_duplicates(changed, 0.92)
    assert pairs["score"].tolist() == pytest.approx([expected], abs=1e-5) and pairs.index.tolist() == [0]


def enlarged(image, window):
    """A window of an image at the image's size, by Pillow."""
    top, left, side = window
    box = (left, top, left + side, top + side)
    return np.asarray(Image.fromarray(image).resize((48, 48), Image.Resampling.BILINEAR, box))


@pytest.mark.parametrize("side", [46, 44, 42, 40, 38, 36])
def test_a_crop_is_the_same_photograph(originals, side):
    draw = np.random.default_rng(side)
    windows = [Window(*draw.integers(0, 48 - side, 2, endpoint=True), side) for _ in range(30)]
    crops = np.stack([enlarged(image, window) for image, window in zip(originals, windows, strict=False)])
    pairs = audit.near_duplicates(np.concatenate([originals, crops]), 0.85)
    found = {(first, second) for first, second in zip(pairs["first"], pairs["second"], strict=True) if second >= 120}
    assert len({(row, 120 + row) for row in range(30)} - found) <= 2, side
    if side <= 40:
        assert (pairs.loc[pairs["second"] >= 120, "kind"] == "crop").mean() > 0.8
    assert len(found) <= 45 and pairs["score"].between(0.85, 1 + 1e-6).all()


@pytest.mark.parametrize(("down", "right"), [(3, 0), (0, 4), (4, 4), (-4, 4), (0, -7), (7, 0)])
def test_two_crops_that_are_shifted_are_one_photograph(originals, down, right):
    """Each has a strip that the other lacks; neither is a part of the other."""
    side = 48 - max(abs(down), abs(right))
    first = Window(max(down, 0), max(right, 0), side)
    second = Window(max(-down, 0), max(-right, 0), side)
    pixels = np.stack([enlarged(image, window) for window in (first, second) for image in originals[:30]])
    pairs = audit.near_duplicates(pixels, 0.85)
    found = set(zip(pairs["first"], pairs["second"], strict=True))
    assert len({(row, 30 + row) for row in range(30)} - found) <= 1 and len(found) <= 45


def test_what_whole_images_show_is_called_no_crop(originals, monkeypatch):
    """Though a shift by two pixels may fit a window better still."""
    shifts = [shifted(image, np.random.default_rng(row)) for row, image in enumerate(originals[:60])]
    pixels = np.concatenate([originals, shifts])
    pairs = audit.near_duplicates(pixels, 0.92)
    monkeypatch.setattr(near, "FRAMINGS", near.FRAMINGS[:1])
    alone = audit.near_duplicates(pixels, 0.92)
    assert len(alone) > 50 and set(alone["kind"]) == {"whole"}
    both = pairs.merge(alone, on=["first", "second"])
    assert len(both) == len(alone) == (pairs["kind"] == "whole").sum() and (both["kind_x"] == "whole").all()
    assert (both["score_x"] >= both["score_y"]).all()


def test_a_mirror_image_is_the_same_photograph(originals):
    pairs = audit.near_duplicates(np.concatenate([originals[:40], originals[:20, :, ::-1]]), 0.97)
    found = set(zip(pairs["first"], pairs["second"], strict=True))
    assert found >= {(row, 40 + row) for row in range(20)} and len(found) <= 21
    assert set(pairs["kind"]) <= {"mirrored", "crop"}, "a face that is its own mirror image may be a crop, too"


def test_what_is_turned_is_missed(originals):
    """A limit that the search states: a rotation of 20 degrees is none of its framings."""
    turned = np.stack([np.asarray(Image.fromarray(image).rotate(20)) for image in originals[:20]])
    pairs = audit.near_duplicates(np.concatenate([originals, turned]), 0.92)
    assert not len(pairs[pairs["second"] == pairs["first"] + 120])


@pytest.mark.parametrize("side", [24, 48])
@pytest.mark.parametrize("window", [Window(), Window(3, 5, 40), Window(12, 0, 32), Window(4, 4, 44)])
def test_a_window_is_what_pillow_makes_of_it(window, side):
    images = np.random.default_rng(0).integers(0, 256, (5, 48, 48)).astype(np.uint8)
    box = (window.left, window.top, window.left + window.side, window.top + window.side)
    expected = [
        Image.fromarray(image).crop(box).resize((side, side), Image.Resampling.BILINEAR, reducing_gap=None)
        if window.side == side
        else Image.fromarray(image).resize((side, side), Image.Resampling.BILINEAR, box)
        for image in images
    ]
    found = near._framed(images, window, side)
    assert found.dtype == np.uint8 and found.shape == (5, side, side)
    # Pillow rounds after the rows and again after the columns
    assert np.abs(found.astype(int) - np.stack([np.asarray(image) for image in expected])).max() <= 1


def test_no_two_framings_are_the_same_comparison():
    framings = {frozenset([(framing.one, framing.mirrored), (framing.other, False)]) for framing in near.FRAMINGS}
    assert len(framings) == len(near.FRAMINGS) and near.FRAMINGS[0] == Framing("whole")
    assert near.KINDS == ("whole", "mirrored", "crop", "shift")
    for kind, one, other, mirrored in near.FRAMINGS:
        assert all(0 <= place <= 48 - window.side for window in (one, other) for place in window[:2])
        assert mirrored == (kind == "mirrored") and (other == Window()) == (kind != "shift")
        assert (one.side < 48) == (kind in ("crop", "shift")) and one.side <= other.side


def test_high_passing_is_the_difference_of_two_gaussians():
    images = np.random.default_rng(0).random((3, 24, 24), np.float32)
    expected = [ndimage.gaussian_filter(image, 0.6) - ndimage.gaussian_filter(image, 3.0) for image in images]
    assert near._high_pass(images, 0.6, 3.0) == pytest.approx(np.stack(expected), abs=1e-5)


def test_descriptors_are_means_of_cells_half_whitened(originals):
    """By singular values: their square root stands where principal components have the value itself."""
    pixels = np.delete(originals, audit.constant(originals), axis=0).reshape(-1, 24, 2, 24, 2)[:, :, 0, :, 0]
    cells = pixels.reshape(-1, 8, 3, 8, 3).mean((2, 4)).reshape(len(pixels), 64)
    cells -= cells.mean(1, keepdims=True)
    cells /= np.linalg.norm(cells, axis=1, keepdims=True)
    left, values, _ = np.linalg.svd(cells - cells.mean(0), full_matrices=False)
    expected = left[:, :63] * np.sqrt(values[:63])
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    describe = near._descriptor(pixels)
    found = describe(pixels)
    assert found.shape == (len(pixels), 63) and found @ found.T == pytest.approx(expected @ expected.T, abs=1e-3)
    assert describe(pixels[3:5]) == pytest.approx(found[3:5], abs=1e-5), "whitened as all are, whoever is asked for"


@pytest.mark.parametrize(("count", "candidates"), [(400, 16), (400, 3), (17, 16), (5, 20), (1100, 4)])
def test_candidates_are_the_pairs_that_are_most_alike(count, candidates):
    draw = np.random.default_rng(0)
    one = unit(draw.normal(size=(count, 6)))
    other = unit(one + draw.normal(0, 0.02, one.shape))  # each is most like itself, and no candidate for itself
    first, second = near._alike(one, other, candidates)
    product = one @ other.T
    np.fill_diagonal(product, -2)
    found = set(zip(first.tolist(), second.tolist(), strict=True))
    assert len(found) == len(first) and (first != second).all()
    nearest = set(enumerate(product.argmax(axis=1).tolist()))
    assert nearest <= found
    beyond = found - nearest
    least = min((product[pair] for pair in beyond), default=1)
    assert found == nearest | set(zip(*map(np.ndarray.tolist, np.nonzero(product >= least)), strict=True))
    expected = min(candidates / 2, count - 1) * count
    if count > 17:  # of 1,100 a sample says how alike is alike enough
        assert (product >= least).sum() == pytest.approx(expected, rel=0.3)


def test_a_crowd_does_not_take_the_place_of_a_single_copy(originals):
    """400 frames of a clip are 80,000 pairs that are more alike than any other."""
    draw = np.random.default_rng(0)
    clip = np.clip(originals[119] + draw.normal(0, 2, (400, 48, 48)), 0, 255).astype(np.uint8)
    moved = np.roll(originals[:40], (1, 1), (1, 2))
    pairs = audit.near_duplicates(np.concatenate([originals[:100], moved, clip]), 0.92)
    found = set(zip(pairs["first"], pairs["second"], strict=True))
    assert found >= {(row, 100 + row) for row in range(40)}


def test_thumbnails_are_grey_means():
    pixels = np.random.default_rng(0).integers(0, 256, (3, 96, 96)).astype(np.uint8)
    expected = pixels.reshape(3, 48, 2, 48, 2).mean((2, 4))
    assert np.abs(audit.thumbnails(pixels) - expected).max() <= 1  # rows and columns are rounded one after the other
    assert np.array_equal(audit.thumbnails(pixels, [2]), audit.thumbnails(pixels)[2:])
    assert np.array_equal(audit.thumbnails(pixels[:, :48, :48]), pixels[:, :48, :48])


def test_images_of_one_grey_each_are_no_copies_of_one_another():
    noise = np.random.default_rng(0).integers(0, 256, (6, 48, 48), np.uint8)
    flat = np.stack([np.full((48, 48), level, np.uint8) for level in (10, 200)])
    assert near.near_duplicates(np.concatenate([noise, flat])).empty
