"""MicroExpNet's eight windows, against cutting and resizing with Pillow."""

import numpy as np
import pytest
from PIL import Image

from fercore import datasets
from fercore.datasets import crops
from fercore.datasets.faces import Faces, table


@pytest.fixture(scope="module")
def faces():
    return datasets.load("synthck", images=200)


def test_windows_are_what_pillow_cuts(faces):
    found = crops.eight(faces).pixels.reshape(-1, 8, 84, 84)
    for row in (0, 57, 199):
        image = Image.fromarray(np.asarray(faces.pixels[row]))
        for number, (top, left) in enumerate(crops.EIGHT):
            box = [part * 84 / 256 for part in (left, top, left + 224, top + 224)]
            expected = np.asarray(image.resize((84, 84), Image.Resampling.BILINEAR, box=box), int)
            assert np.abs(found[row, number] - expected).max() <= 2
    assert len({found[0, number].tobytes() for number in range(8)}) == 8


def test_rows_keep_what_is_known_of_them(faces):
    found = crops.eight(faces)
    assert len(found) == 8 * len(faces) and found.synthetic and found.name == "synthck"
    for column in ("label", "subject", "sequence"):
        assert found.table[column].tolist() == np.repeat(faces.table[column].to_numpy(), 8).tolist()
    assert found.fingerprint is None and "8 windows of 84 px" in found.notes[-1]


def test_colour_and_large_images_are_brought_to_the_same(faces):
    """A checkerboard of single pixels in a large face is grey when it is shrunk, and not a pattern of its own."""
    board = (255 * (np.indices((512, 512)).sum(0) % 2)).astype(np.uint8)
    colour = np.stack([board] * 3, -1)[None].repeat(2, 0)
    found = crops.eight(Faces("board", colour, table([0, 1]), ("a", "b")))
    assert found.pixels.shape == (16, 84, 84) and np.abs(found.pixels[:, 3:-3, 3:-3].astype(int) - 127).max() <= 3


def test_a_crop_of_one_grey_has_that_grey():
    pixels = np.repeat(np.arange(256, dtype=np.uint8), 100 * 100).reshape(256, 100, 100)
    found = crops.eight(Faces("flat", pixels, table([0] * 256, ""), ("a",))).pixels
    assert (found == np.repeat(np.arange(256), 8)[:, None, None]).all()
