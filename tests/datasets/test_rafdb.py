"""RAF-DB: its own codes and names, joined to the right images, and every way in which a copy can be damaged."""

import numpy as np
import pytest
from PIL import Image

from fercore.datasets import rafdb
from fercore.datasets.faces import FER2013_CLASSES, DataError

EXPRESSIONS = {1: "surprise", 2: "fear", 3: "disgust", 4: "happy", 5: "sad", 6: "angry", 7: "neutral"}  # the release's
ROWS = [
    ("train_00001.jpg", 5),
    ("train_00002.jpg", 1),
    ("test_0001.jpg", 7),
    ("train_00003.jpg", 6),
    ("test_0002.jpg", 4),
]


def write(root, rows=ROWS, size=(100, 100), end="\n", before=""):
    """A copy whose row i is an image of red 20 + 30 i, so that a test can tell the images apart."""
    (root / "EmoLabel").mkdir(parents=True)
    (root / "Image/aligned").mkdir(parents=True)
    lines = "".join(f"{name} {label}{end}" for name, label in rows)
    (root / "EmoLabel/list_patition_label.txt").write_bytes((before + lines).encode())
    for row, (name, _) in enumerate(rows):
        image = Image.new("RGB", size, (20 + 30 * row % 200, 60, 90))
        image.save(root / "Image/aligned" / name.replace(".jpg", "_aligned.jpg"), quality=95)
    return root


def test_rows_labels_splits_and_images_stay_together(tmp_path):
    faces = rafdb.read(write(tmp_path))
    assert faces.name == "rafdb" and faces.classes == FER2013_CLASSES and not faces.synthetic
    assert faces.pixels.shape == (5, 100, 100, 3) and faces.pixels.dtype == np.uint8
    assert [faces.classes[label] for label in faces.labels] == [EXPRESSIONS[label] for _, label in ROWS]
    assert faces.table["split"].tolist() == ["train", "train", "test", "train", "test"]
    assert faces.table["source"][2] == "Image/aligned/test_0001_aligned.jpg"
    red = faces.pixels[:, 50, 50].astype(int)
    assert np.abs(red - [[20 + 30 * row, 60, 90] for row in range(5)]).max() <= 3
    assert (faces.table[["subject", "sequence"]] == "").all().all()


@pytest.mark.parametrize("code", EXPRESSIONS)
def test_each_code_has_its_name(tmp_path, code):
    faces = rafdb.read(write(tmp_path, [("train_1.jpg", code), ("test_1.jpg", code)]))
    assert {faces.classes[label] for label in faces.labels} == {EXPRESSIONS[code]}


@pytest.mark.parametrize(
    "options", [{"end": "\r\n"}, {"before": "\ufeff"}, {"end": "\n\n"}, {"before": "\n"}, {"end": " \n"}]
)
def test_line_ends_marks_and_blank_lines_do_not_matter(tmp_path, options):
    faces = rafdb.read(str(write(tmp_path, **options)))
    assert faces.labels.tolist() == [4, 5, 6, 0, 3]


def test_the_download_has_it_all_in_basic(tmp_path):
    write(tmp_path / "basic")
    assert len(rafdb.read(tmp_path)) == 5


def test_other_numbers_than_the_release_has_are_said(tmp_path, monkeypatch):
    root = write(tmp_path)
    assert any("3 training and 2 test images" in note and "12,271" in note for note in rafdb.read(root).notes)
    assert rafdb._notes(["Train"] * 12271 + ["Test"] * 3068, None) == [], "folders of a copy, called by other letters"
    monkeypatch.setattr(rafdb, "RELEASE", {"train": 3, "test": 2})
    assert rafdb.read(root).notes == ()


def test_another_size_is_said_or_scaled(tmp_path):
    root = write(tmp_path, size=(48, 40))
    faces = rafdb.read(root)
    assert faces.pixels.shape == (5, 40, 48, 3) and any("48 x 40" in note for note in faces.notes)
    faces = rafdb.read(root, size=(20, 30))
    assert faces.pixels.shape == (5, 20, 30, 3) and not any(" x " in note for note in faces.notes)


def test_pixels_go_into_the_given_array(tmp_path):
    array = np.zeros((5, 100, 100, 3), np.uint8)
    assert rafdb.read(write(tmp_path), allocate=lambda shape: array.reshape(shape)).pixels.base is array


BAD_LINES = {
    "train_00009.jpg": "line 6: found 1 fields",
    "train_00009.jpg 5 5": "line 6: found 3 fields",
    "train_00009.jpg 0": "line 6: found label '0'; expected a whole number from 1 to 7",
    "train_00009.jpg 8": "line 6: found label '8'",
    "train_00009.jpg sad": "line 6: found label 'sad'",
    "train_00009.jpg 1.5": "line 6: found label '1.5'",
    "train\0.jpg 5": "line 6: found a NUL byte",
    "valid_00009.jpg 5": "line 6: found image 'valid_00009.jpg'",
    "train_00009.jpg 5": r"train_00009_aligned\.jpg: found no such file",
    "../../../../train_1.jpg 5": "leads to",
    "train_/../../../../x.jpg 5": "leads to",
    "/etc/train_1.jpg 5": "leads to /etc",
}


@pytest.mark.parametrize("line", BAD_LINES)
def test_a_bad_line_is_named(tmp_path, line):
    root = write(tmp_path)
    with open(root / "EmoLabel/list_patition_label.txt", "a") as file:
        file.write(line + "\n")
    with pytest.raises(DataError, match=BAD_LINES[line]):
        rafdb.read(root)


def test_missing_images_are_counted(tmp_path):
    root = write(tmp_path)
    for name in ("test_0002", "train_00002"):
        (root / f"Image/aligned/{name}_aligned.jpg").unlink()
    with pytest.raises(DataError, match=r"train_00002_aligned\.jpg: found no such file; 2 are missing; expected all 5"):
        rafdb.read(root)


@pytest.mark.parametrize("rows", [ROWS[:2], ROWS[2:3]])
def test_a_split_without_an_image_is_named(tmp_path, rows):
    with pytest.raises(DataError, match=r"list_patition_label\.txt: found no image of split (train|test)"):
        rafdb.read(write(tmp_path, rows))


def test_missing_folders_and_an_empty_list_are_named(tmp_path):
    with pytest.raises(DataError, match="nowhere: found no such file or folder"):
        rafdb.read(tmp_path / "nowhere")
    with pytest.raises(DataError, match="EmoLabel: found no such folder"):
        rafdb.read(tmp_path)
    root = write(tmp_path / "a")
    (root / "EmoLabel/list_patition_label.txt").write_text("\n")
    with pytest.raises(DataError, match=r"list_patition_label\.txt: found an empty file"):
        rafdb.read(root)
    (root / "EmoLabel/list_patition_label.txt").unlink()
    with pytest.raises(DataError, match=r"list_patition_label\.txt: found no such file"):
        rafdb.read(root)


def test_damaged_images_links_and_mixed_sizes_are_named(tmp_path):
    root = write(tmp_path / "a")
    path = root / "Image/aligned/test_0001_aligned.jpg"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"test_0001_aligned\.jpg: found an image that cannot be decoded"):
        rafdb.read(root)
    path.unlink()
    (tmp_path / "elsewhere.jpg").write_bytes(whole)
    path.symlink_to(tmp_path / "elsewhere.jpg")
    with pytest.raises(DataError, match=r"test_0001_aligned\.jpg: found a path that leads to"):
        rafdb.read(root)
    path.unlink()
    Image.new("RGB", (99, 100)).save(path)
    with pytest.raises(DataError, match=r"test_0001_aligned\.jpg: found 99 x 100 pixels; expected 100 x 100"):
        rafdb.read(root)
