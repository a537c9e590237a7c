"""Local binary patterns against their definition, and a classifier that learns from them."""

import numpy as np
import pytest

from fercore.datasets.faces import Faces, table
from fercore.evaluation import lbp_svm


def test_histograms_are_counted_cell_by_cell():
    from skimage.feature import local_binary_pattern

    images = np.random.default_rng(0).integers(0, 256, (2, 12, 18), np.uint8)
    found = lbp_svm.lbp(images, cells=3).reshape(2, 3, 3, 59)
    assert found.dtype == np.float32
    for image, cells in zip(images, found, strict=True):
        codes = local_binary_pattern(image, 8, 1, "nri_uniform").astype(int)
        for row in range(3):
            for column in range(3):
                part = codes[4 * row : 4 * row + 4, 6 * column : 6 * column + 6]
                assert np.allclose(cells[row, column], np.bincount(part.ravel(), minlength=59) / 24)


def test_light_does_not_matter_and_neither_does_grey_in_three_channels():
    images = np.random.default_rng(1).integers(0, 100, (3, 24, 24), np.uint8)
    expected = lbp_svm.lbp(images)
    assert expected.shape == (3, 36 * 59) and np.allclose(expected.reshape(3, 36, 59).sum(-1), 1)
    found = lbp_svm.lbp(images * 2 + 20)
    assert np.mean(found != expected) < 0.01  # neighbours are interpolated, and a few rounding errors decide
    assert np.array_equal(lbp_svm.lbp(np.repeat(images[..., None], 3, -1)), expected)
    assert lbp_svm.lbp(np.zeros((1, 24, 24), np.uint8)).shape == (1, 36 * 59)  # also of the patterns that it lacks


def test_colours_are_taken_by_their_luminance():
    colours = np.random.default_rng(2).integers(0, 256, (2, 24, 24, 3), np.uint8)
    red, green, blue = np.moveaxis(colours.astype(float), -1, 0)
    luminance = np.rint(0.299 * red + 0.587 * green + 0.114 * blue).astype(np.uint8)
    assert np.array_equal(lbp_svm.lbp(colours), lbp_svm.lbp(luminance))


@pytest.fixture(scope="module")
def textures():
    """Stripes across and stripes down under noise: the same light, other patterns."""
    draw = np.random.default_rng(0)
    labels = np.arange(90) % 2
    stripes = 60 * (np.arange(24) // 2 % 2)
    images = np.stack([np.tile(stripes, (24, 1)) if label else np.tile(stripes[:, None], 24) for label in labels])
    pixels = np.clip(images + draw.normal(80, 15, images.shape), 0, 255).astype(np.uint8)
    return Faces("stripes", pixels, table(labels, np.repeat(["Training", "PublicTest", "PrivateTest"], 30)), ("a", "b"))


def test_it_learns_and_selects_its_cost(textures, monkeypatch):
    train, select, test = (textures.rows(split) for split in textures.splits)
    machine, cost = lbp_svm.lbp_svm(textures, train, select)
    assert cost in (0.0001, 0.001)
    scaled, found = (step for _, step in machine.steps)
    assert type(scaled).__name__ == "StandardScaler"
    assert (found.C, found.class_weight, found.dual, found.max_iter, found.tol, found.random_state) == (
        cost, "balanced", False, 200, 1e-3, 0,
    )  # fmt: skip
    assert (machine.predict(lbp_svm.lbp(textures.pixels[test])) == textures.labels[test]).mean() >= 0.95
    scores = iter([0.3, 0.8, 0.8])
    monkeypatch.setattr(lbp_svm.metrics, "scores", lambda matrix: {"macro_f1": next(scores)})
    assert lbp_svm.lbp_svm(textures, train, select, (0.1, 0.01, 0.001))[1] == 0.001  # the stronger of equals
