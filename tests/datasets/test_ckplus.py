"""CK+: which frames of a sequence are taken, with which label, and every way in which a copy can be damaged."""

import numpy as np
import pytest
from PIL import Image

from fercore.datasets import ckplus
from fercore.datasets.faces import DataError

# subject, sequence, frames, label. Frame f of sequence s is of grey level 40 s + f.
SEQUENCES = [("S005", "001", 11, 3), ("S010", "001", 5, None), ("S010", "002", 4, 7), ("S999", "003", 12, 2)]


def write(root, sequences=SEQUENCES):
    for place, (subject, sequence, frames, label) in enumerate(sequences):
        folder = root / "cohn-kanade-images" / subject / sequence
        folder.mkdir(parents=True)
        for frame in range(1, frames + 1):
            size = (64, 49) if place % 2 else (64, 48)  # as 640 x 490 and 640 x 480
            image = Image.new("L", size, 40 * place + frame).convert("RGB" if place == 2 else "L")
            image.save(folder / f"{subject}_{sequence}_{frame:08d}.png")
        (root / "Emotion" / subject / sequence).mkdir(parents=True)
        if label is not None:
            emotion(root, subject, sequence, frames).write_text(f"   {label:.7e}\n")
    return root


def emotion(root, subject="S005", sequence="001", frames=11):
    return root / "Emotion" / subject / sequence / f"{subject}_{sequence}_{frames:08d}_emotion.txt"


def test_first_frames_are_neutral_and_the_last_three_the_label(tmp_path):
    faces = ckplus.read(write(tmp_path), size=32)
    assert faces.name == "ckplus" and faces.pixels.shape == (4 + 1 + 4 + 4, 32, 32)
    assert faces.classes == ("neutral", "anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise")
    levels = [1, 9, 10, 11, 41, 81, 82, 83, 84, 121, 130, 131, 132]
    assert (faces.pixels == np.array(levels)[:, None, None]).all()
    assert faces.labels.tolist() == [0, 3, 3, 3, 0, 0, 7, 7, 7, 0, 2, 2, 2]
    table = faces.table
    assert table["subject"].tolist() == ["S005"] * 4 + ["S010"] * 5 + ["S999"] * 4
    assert table["sequence"].tolist() == ["S005_001"] * 4 + ["S010_001"] + ["S010_002"] * 4 + ["S999_003"] * 4
    assert table["source"][1] == "cohn-kanade-images/S005/001/S005_001_00000009.png"
    assert faces.splits == ("",)


@pytest.mark.parametrize(
    ("code", "name"),
    list(enumerate(["neutral", "anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise"])),
)
def test_each_code_has_its_name(tmp_path, code, name):
    faces = ckplus.read(write(tmp_path, [("S005", "001", 4, code)]), size=8)
    assert [faces.classes[label] for label in faces.labels] == ["neutral", name, name, name]


def test_options(tmp_path):
    root = write(tmp_path)
    assert ckplus.read(root).pixels.shape == (13, 256, 256)
    assert len(ckplus.read(root, peak=1)) == 3 * 2 + 1
    assert ckplus.read(root, size=(5, 7)).pixels.shape[1:] == (5, 7)
    with pytest.raises(ValueError, match="peak"):
        ckplus.read(root, peak=0)


def test_faces_are_cropped_where_a_detector_finds_them(tmp_path):
    root = write(tmp_path)
    frame = root / "cohn-kanade-images/S005/001/S005_001_00000011.png"
    image = np.zeros((48, 64), np.uint8)
    image[10:20, 30:40] = 255
    Image.fromarray(image).save(frame)
    faces = ckplus.read(root, size=8, crop=lambda pixels: (30, 10, 40, 20) if pixels.max() == 255 else None)
    assert (faces.pixels[3] == 255).all() and (faces.pixels[2] == 10).all()
    assert any("12 of 13 in which it found none" in note for note in faces.notes)
    assert any("no face detector" in note for note in ckplus.read(root, size=8).notes)


def test_what_real_copies_hold_besides_is_skipped_and_said(tmp_path, monkeypatch):
    root = write(tmp_path)
    for place in (
        "",
        "cohn-kanade-images",
        "cohn-kanade-images/S005",
        "cohn-kanade-images/S005/001",
        "Emotion",
        "Emotion/S005",
    ):
        (root / place / ".DS_Store").write_bytes(b"\0\1")
    (root / "cohn-kanade-images/S005/001/._S005_001_00000001.png").write_bytes(b"\0\5\26\7")
    (root / "Emotion/S005/001/._S005_001_00000011_emotion.txt").write_bytes(b"\0\5\26\7")
    (root / "cohn-kanade-images/S011/006").mkdir(parents=True)
    (root / "Emotion/S012/001").mkdir(parents=True)
    faces = ckplus.read(root, size=(8, 9))
    assert len(faces) == 13
    assert "2 sequence folders without a frame were skipped" in faces.notes
    assert "4 sequences, 3 of them labelled; the release has 593 and 327" in faces.notes
    monkeypatch.setattr(ckplus, "RELEASE", (4, 3))
    assert not any("release" in note for note in ckplus.read(root, size=8).notes)
    assert any("scaled to 9 x 8" in note for note in faces.notes)
    assert ckplus.read(write(tmp_path / "whole", SEQUENCES[:1]), size=None).notes == (
        "whole frames, since no face detector was given",
        "1 sequences, 1 of them labelled; the release has 4 and 3",
    )


def test_the_sequence_numbers_of_the_release_are_those_of_the_paper():
    sequences, labelled = ckplus.RELEASE
    assert sequences + 3 * labelled == 1574


@pytest.mark.parametrize("frames", [0, 3])
def test_a_labelled_sequence_of_too_few_frames_is_named(tmp_path, frames):
    root = write(tmp_path, [*SEQUENCES, ("S011", "001", frames, 5)])
    with pytest.raises(DataError, match=f"S011/001: found {frames} frames in a labelled sequence; expected at least 4"):
        ckplus.read(root)


@pytest.mark.parametrize(
    ("content", "finding"),
    [
        ("8.0", "line 1: found label '8.0'; expected a whole number from 0 to 7"),
        ("-1", "found label '-1'"),
        ("3.5", "found label '3.5'"),
        ("happy", "found label 'happy'"),
        ("nan", "found label 'nan'"),
        ("", "found an empty file"),
        ("3\n4\n", "found 2 lines"),
        ("3 4", "found label '3 4'"),
        ("3\0", "found a NUL byte"),
    ],
)
def test_a_bad_label_file_is_named(tmp_path, content, finding):
    root = write(tmp_path)
    emotion(root).write_text(content)
    with pytest.raises(DataError, match=finding) as error:
        ckplus.read(root)
    assert emotion(root).name in str(error.value)


@pytest.mark.parametrize("content", ["\ufeff3.0000000e+00\r\n", "3", "\n  3.0 \n\n"])
def test_a_label_file_is_read_as_it_is_meant(tmp_path, content):
    root = write(tmp_path)
    emotion(root).write_bytes(content.encode())
    assert ckplus.read(root, size=8).labels[1] == 3


def test_missing_folders_are_named(tmp_path):
    with pytest.raises(DataError, match="cohn-kanade-images: found no such folder"):
        ckplus.read(tmp_path)
    (tmp_path / "cohn-kanade-images").mkdir()
    with pytest.raises(DataError, match="Emotion: found no such folder"):
        ckplus.read(tmp_path)
    (tmp_path / "Emotion").mkdir()
    with pytest.raises(DataError, match="Emotion: found no label file"):
        ckplus.read(tmp_path)
    with pytest.raises(DataError, match="nowhere: found no such file or folder"):
        ckplus.read(tmp_path / "nowhere")


def test_damaged_frames_links_and_doubled_labels_are_named(tmp_path):
    root = write(tmp_path / "a")
    frame = root / "cohn-kanade-images/S010/002/S010_002_00000004.png"
    whole = frame.read_bytes()
    frame.write_bytes(whole[:40])
    with pytest.raises(DataError, match=r"S010_002_00000004\.png: found an image that cannot be decoded"):
        ckplus.read(root, size=8)
    frame.unlink()
    (tmp_path / "elsewhere.png").write_bytes(whole)
    frame.symlink_to(tmp_path / "elsewhere.png")
    with pytest.raises(DataError, match=r"S010_002_00000004\.png: found a path that leads to"):
        ckplus.read(root, size=8)
    frame.unlink()
    frame.write_bytes(whole)
    (tmp_path / "label.txt").write_text("3")
    label = emotion(root)
    label.unlink()
    label.symlink_to(tmp_path / "label.txt")
    with pytest.raises(DataError, match=r"emotion\.txt: found a path that leads to"):
        ckplus.read(root, size=8)
    label.unlink()
    label.write_text("3")
    (label.parent / "copy_emotion.txt").write_text("4")
    with pytest.raises(DataError, match="Emotion/S005/001: found 2 label files"):
        ckplus.read(root, size=8)


def test_mixed_frame_sizes_need_a_size(tmp_path):
    with pytest.raises(DataError, match=r"S010_001_00000001\.png: found 64 x 49 pixels; expected 64 x 48"):
        ckplus.read(write(tmp_path), size=None)
