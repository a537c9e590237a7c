"""Oulu-CASIA: crops before whole frames, natural frame order, folder names as labels, and damaged copies."""

import numpy as np
import pytest
from PIL import Image

from fercore.datasets import oulucasia
from fercore.datasets.faces import DataError

EXPRESSIONS = ("Anger", "Disgust", "Fear", "Happiness", "Sadness", "Surprise")
CROPS, WHOLE = "PreProcess Img/VL_Acropped/Strong", "OriginalImg/VL/Strong"


def write(root, home=CROPS, subjects=("P001", "P012"), expressions=EXPRESSIONS, frames=12, base=0, name="{:03d}.png"):
    """Frame f of expression e of subject s is of grey level base + 100 s + 15 e + f."""
    for s, subject in enumerate(subjects):
        for e, expression in enumerate(expressions):
            folder = root / home / subject / expression
            folder.mkdir(parents=True)
            for frame in range(frames):
                Image.new("RGB", (8, 6), (base + 100 * s + 15 * e + frame,) * 3).save(folder / name.format(frame))
    return root


def test_last_three_frames_of_each_sequence(tmp_path):
    faces = oulucasia.read(write(tmp_path), size=None)
    assert faces.classes == ("anger", "disgust", "fear", "happy", "sadness", "surprise")
    assert faces.name == "oulucasia" and faces.pixels.shape == (2 * 6 * 3, 6, 8)
    levels = [100 * s + 15 * e + frame for s in range(2) for e in range(6) for frame in (9, 10, 11)]
    assert (faces.pixels == np.array(levels, np.uint8)[:, None, None]).all()
    assert faces.labels.tolist() == [e for _ in range(2) for e in range(6) for _ in range(3)]
    assert faces.table["subject"].tolist() == ["P001"] * 18 + ["P012"] * 18
    assert faces.table["sequence"][18] == "P012_Anger" and faces.table["split"].unique().tolist() == [""]
    assert faces.table["source"][0] == f"{CROPS}/P001/Anger/009.png"


def test_the_release_makes_1440_images():
    assert oulucasia.RELEASE[1] * 3 == 1440


def test_neutral_adds_the_first_frames_as_a_seventh_class(tmp_path):
    faces = oulucasia.read(write(tmp_path, subjects=["P001"]), size=None, neutral=True)
    assert faces.classes[-1] == "neutral" and len(faces.classes) == 7
    assert faces.labels.tolist() == [label for e in range(6) for label in (6, e, e, e)]
    assert faces.pixels[faces.labels == 6, 0, 0].tolist() == [15 * e for e in range(6)]


def test_frames_are_in_natural_order(tmp_path):
    faces = oulucasia.read(write(tmp_path, subjects=["P001"], name="{}.png"), size=None)
    assert faces.pixels[:3, 0, 0].tolist() == [9, 10, 11]


@pytest.mark.parametrize("home", [CROPS, "PreProcessImg/VL_Acropped/Strong", "Preprocess_img/VL_Acropped/Strong"])
def test_crops_are_preferred_and_named(tmp_path, home):
    write(tmp_path, WHOLE, ["P001"], base=100)
    assert any(WHOLE in note and "no face detector" in note for note in oulucasia.read(tmp_path).notes)
    write(tmp_path, home, ["P001"])
    (tmp_path / "PreProcess0").mkdir()  # without crops of visible light
    write(tmp_path, CROPS.replace("PreProcess Img", "Mine"), ["P001"], base=50)
    faces = oulucasia.read(tmp_path)
    assert faces.pixels[0, 0, 0] == 9
    assert faces.notes[0] == f"read from {home}, the release's own face crops"
    faces = oulucasia.read(tmp_path, crop=lambda image: (0, 0, 4, 4))
    assert faces.notes[0].startswith(f"read from {home}; frames cropped by the given face detector; 0 of 18")


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("Anger", "anger"),
        ("DISGUST", "disgust"),
        ("fear", "fear"),
        ("Happiness", "happy"),
        ("happy", "happy"),
        ("Sadness", "sadness"),
        ("Sad", "sadness"),
        ("Surprise", "surprise"),
        ("Surprised", "surprise"),
    ],
)
def test_folder_names_in_any_case(tmp_path, folder, name):
    faces = oulucasia.read(write(tmp_path, expressions=[folder]))
    assert {faces.classes[label] for label in faces.labels} == {name}


def test_options_and_what_is_hidden(tmp_path):
    root = write(tmp_path, WHOLE)
    (root / WHOLE / ".DS_Store").write_bytes(b"\0")
    (root / WHOLE / "P001/Anger/._011.png").write_bytes(b"\0")
    (root / WHOLE / "P001/.cache").mkdir()
    faces = oulucasia.read(root, size=(5, 7), mode="RGB", peak=2)
    assert faces.pixels.shape == (24, 5, 7, 3)
    assert oulucasia.read(root).pixels.shape == (36, 256, 256)
    faces = oulucasia.read(root, crop=lambda image: (0, 0, 4, 4) if image[0, 0] < 100 else None, size=4)
    assert any("18 of 36" in note for note in faces.notes)
    with pytest.raises(ValueError, match="peak"):
        oulucasia.read(root, peak=0)


def test_other_numbers_than_the_release_has_are_said(tmp_path, monkeypatch):
    root = write(tmp_path)
    assert any("2 subjects, 12 sequences; the release has 80 and 480" in note for note in oulucasia.read(root).notes)
    monkeypatch.setattr(oulucasia, "RELEASE", (2, 12))
    assert not any("the release has" in note for note in oulucasia.read(root).notes)


def test_an_unknown_expression_is_named(tmp_path):
    write(tmp_path, expressions=["Anger", "Boredom"])
    with pytest.raises(DataError, match="P001/Boredom: found a folder named 'Boredom'; expected Anger"):
        oulucasia.read(tmp_path)


@pytest.mark.parametrize(("frames", "neutral", "least"), [(0, False, 3), (2, False, 3), (3, True, 4)])
def test_a_sequence_of_too_few_frames_is_named(tmp_path, frames, neutral, least):
    write(tmp_path, frames=frames)
    with pytest.raises(DataError, match=f"P001/Anger: found {frames} frames; expected at least {least}"):
        oulucasia.read(tmp_path, neutral=neutral)


def test_missing_folders_are_named(tmp_path):
    with pytest.raises(DataError, match="nowhere: found no such file or folder"):
        oulucasia.read(tmp_path / "nowhere")
    with pytest.raises(DataError, match="OriginalImg/VL/Strong: found no such folder"):
        oulucasia.read(tmp_path)
    (tmp_path / WHOLE / "P001").mkdir(parents=True)
    with pytest.raises(DataError, match="Strong: found no sequence"):
        oulucasia.read(tmp_path)


def test_damaged_frames_links_and_mixed_sizes_are_named(tmp_path):
    root = write(tmp_path / "a")
    frame = root / CROPS / "P012/Fear/011.png"
    whole = frame.read_bytes()
    frame.write_bytes(whole[:50])
    with pytest.raises(DataError, match=r"P012/Fear/011\.png: found an image that cannot be decoded"):
        oulucasia.read(root)
    frame.unlink()
    (tmp_path / "elsewhere.png").write_bytes(whole)
    frame.symlink_to(tmp_path / "elsewhere.png")
    with pytest.raises(DataError, match=r"P012/Fear/011\.png: found a path that leads to"):
        oulucasia.read(root)
    frame.unlink()
    Image.new("L", (9, 6)).save(frame)
    assert oulucasia.read(root).pixels.shape == (36, 256, 256)
    with pytest.raises(DataError, match=r"011\.png: found 9 x 6 pixels; expected 8 x 6"):
        oulucasia.read(root, size=None)
