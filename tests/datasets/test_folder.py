"""Any folder of images: with and without splits, FER2013's names, subjects, and what cannot be read."""

import numpy as np
import pytest
from PIL import Image

from fercore.datasets import folder
from fercore.datasets.faces import FER2013_CLASSES, DataError


def write(root, *names, size=(6, 5)):
    """Images in the given order, the i-th of grey level 10 + i."""
    for level, name in enumerate(names, start=10):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", size, level).save(path)
    return root


def test_classes_at_the_top(tmp_path):
    root = write(tmp_path / "faces", "smile/10.png", "smile/9.png", "frown/a.PNG", "smile/._9.jpg", "smile/.x.png")
    (root / "frown/readme.txt").write_text("x")
    (root / ".DS_Store").write_bytes(b"\0")
    faces = folder.read(root)
    assert faces.name == "faces" and faces.classes == ("frown", "smile") and faces.splits == ("",)
    assert faces.table["source"].tolist() == ["frown/a.PNG", "smile/9.png", "smile/10.png"]
    assert faces.labels.tolist() == [0, 1, 1]
    assert faces.notes == (
        "7 files found, 3 read; skipped: 3 hidden: .DS_Store, smile/._9.jpg, smile/.x.png; "
        "1 no image (.txt): frown/readme.txt",
    )
    assert faces.pixels.shape == (3, 5, 6) and faces.pixels[:, 0, 0].tolist() == [12, 11, 10]


@pytest.mark.parametrize("name", ["rafdb", "fer2013", "synthck"])
def test_a_folder_is_no_data_set_by_its_name(tmp_path, name):
    """What is measured on it would otherwise answer for the published set."""
    faces = folder.read(write(tmp_path / name, "happy/1.png", "sad/1.png"))
    assert faces.name == f"{name} folder" and f"a folder called {name}, not read as that set" in faces.notes
    own = folder.read(write(tmp_path / "folder", "happy/1.png", "sad/1.png"))
    assert own.name == "folder" and own.notes == ()


def test_a_picture_of_a_kind_that_is_not_read_is_told_as_one(tmp_path):
    root = write(tmp_path, "smile/1.png", "frown/1.png")
    (root / "smile/2.HEIC").write_bytes(b"x")
    told = "3 files found, 2 read; skipped: 1 in an unsupported format: save as JPEG: smile/2.HEIC"
    assert folder.read(root).notes == (told,)


def test_blanks_around_a_folders_name_are_not_of_the_class(tmp_path):
    assert folder.read(write(tmp_path, "smile /1.png", "frown/1.png")).classes == ("frown", "smile")


def test_splits_at_the_top(tmp_path):
    faces = folder.read(
        write(tmp_path, "train/b/1.png", "train/a/2.png", "test/a/3.png", "test/b/4.png", "test/b/5.png")
    )
    assert faces.table["split"].tolist() == ["test", "test", "test", "train", "train"]
    assert faces.labels.tolist() == [0, 1, 1, 0, 1]
    assert faces.pixels[:, 0, 0].tolist() == [12, 13, 14, 11, 10]


@pytest.mark.parametrize(
    "names",
    [
        FER2013_CLASSES,
        ("Anger", "Disgust", "Fear", "Happiness", "Sadness", "Surprise", "Neutral"),
        ("ANGRY", "disgusted", "fearful", "HAPPY", "Sad", "surprised", "neutral"),
    ],
)
def test_names_of_fer2013_give_its_order(tmp_path, names):
    faces = folder.read(write(tmp_path, *(f"{name}/1.png" for name in names)))
    assert faces.classes == FER2013_CLASSES and faces.labels.tolist() == list(range(7))
    assert faces.pixels[:, 0, 0].tolist() == list(range(10, 17))


def test_other_names_are_sorted(tmp_path):
    faces = folder.read(write(tmp_path, "sad/1.png", "neutral/1.png", "happy/1.png", "anger/1.png"))
    assert faces.classes == ("anger", "happy", "neutral", "sad")


def test_given_classes_keep_their_labels(tmp_path):
    root = write(tmp_path, "b/1.png", "a/2.png")
    faces = folder.read(root, classes=["b", "c", "a"])
    assert faces.classes == ("b", "c", "a") and faces.labels.tolist() == [0, 2]
    assert faces.notes == ("class c has no images",)
    with pytest.raises(DataError, match="/b: found a folder named 'b'; expected one of a, c"):
        folder.read(root, classes=["a", "c"])


def test_numbers_count_from_where_the_lowest_or_the_highest_tells(tmp_path):
    names = ["a", "b", "c"]
    assert folder.read(write(tmp_path / "0", "0/1.png", "1/1.png"), classes=names).labels.tolist() == [0, 1]
    assert folder.read(write(tmp_path / "1", "2/1.png", "3/1.png"), classes=names).labels.tolist() == [1, 2]
    root = write(tmp_path / "2", "1/1.png", "2/1.png")
    told = r"from 1 to 2 for 3 classes, which may begin with 0 or with 1; expected .* 0 or 3; or only the 2 names of"
    with pytest.raises(DataError, match=told):
        folder.read(root, classes=names)
    assert folder.read(root, classes=names[:2]).labels.tolist() == [0, 1]
    (root / "2013").mkdir()  # which is none of the numbers
    (root / "3").mkdir()  # a folder without an image tells as well
    assert folder.read(root, classes=names).labels.tolist() == [0, 1]


@pytest.mark.parametrize("names", [["a", "b", "b"], ["a", "b", ""]])
def test_classes_have_a_name_each(tmp_path, names):
    with pytest.raises(ValueError, match="expected a name for each, and none twice"):
        folder.read(write(tmp_path, "0/1.png", "1/1.png", "2/1.png"), classes=names)


def test_a_class_without_an_image_is_absent_not_empty(tmp_path):
    root = write(tmp_path, *(f"{name}/1.png" for name in FER2013_CLASSES if name != "disgust"))
    (root / "disgust").mkdir()
    faces = folder.read(root)
    assert faces.classes == tuple(name for name in FER2013_CLASSES if name != "disgust")
    assert [faces.classes[label] for label in faces.labels] == list(faces.classes)
    assert faces.notes == ("class disgust has no images and is left out",)


def test_a_class_that_one_split_lacks_and_loose_images_are_said(tmp_path):
    faces = folder.read(write(tmp_path, "train/a/1.png", "train/b/2.png", "val/b/3.png", "sheet.png"))
    assert faces.notes == (
        "split val has no image of a",
        "4 files found, 3 read; skipped: 1 beside the folders of classes: sheet.png",
    )
    assert len(faces) == 3


@pytest.mark.parametrize(
    "pattern",
    [
        r"(S\d+)_",
        r"/(?P<subject>S\d+)",
        r"(?P<who>S\d+)_(\d+)",
        r"(?P<folder>\w)/(?P<subject>S\d+)",
        r"(x)?(?P<subject>S\d+)",
        r"(S\d+)_(?P<take>\d+)",
    ],
)
def test_subjects_are_found_in_the_path(tmp_path, pattern):
    faces = folder.read(write(tmp_path, "a/S1_01.png", "b/S22_01.png"), subject=pattern)
    assert faces.table["subject"].tolist() == ["S1", "S22"]


@pytest.mark.parametrize(
    ("pattern", "finding"),
    [
        (r"(T\d+)", r"a/S1_01\.png: found a path that '\(T.*does not match, one of 3 of 3"),
        (r"(S2\d*)", r"a/S1_01\.png: found a path .* one of 2 of 3"),
        (r"S1(x)?", "does not match, one of 3 of 3"),
        (r"S\d+", "found no group"),
        (r"(S\d+", "expected a regular expression"),
    ],
)
def test_a_pattern_that_misses_a_path_is_refused(tmp_path, pattern, finding):
    with pytest.raises(DataError, match=finding):
        folder.read(write(tmp_path, "a/S1_01.png", "b/S22_01.png", "c/S1_01.png"), subject=pattern)


def test_mode_and_size(tmp_path):
    root = write(tmp_path, "a/1.png", "b/2.png")
    assert folder.read(root, mode="RGB").pixels.shape == (2, 5, 6, 3)
    assert folder.read(root, size=(3, 4)).pixels.shape == (2, 3, 4)
    assert folder.read(str(root), size=7).pixels.shape == (2, 7, 7)
    with pytest.raises(ValueError, match="mode is"):
        folder.read(root, mode="BGR")
    array = np.zeros((2, 5, 6), np.uint8)
    assert folder.read(root, allocate=lambda shape: array.reshape(shape)).pixels.base is array


def test_mixed_sizes_need_a_size(tmp_path):
    write(tmp_path, "a/1.png")
    write(tmp_path, "b/2.png", size=(7, 5))
    with pytest.raises(DataError, match=r"b/2\.png: found 7 x 5 pixels; expected 6 x 5"):
        folder.read(tmp_path)
    assert len(folder.read(tmp_path, size=8)) == 2


def test_folders_that_are_no_set_are_named(tmp_path):
    with pytest.raises(DataError, match="nowhere: found no such file or folder"):
        folder.read(tmp_path / "nowhere")
    with pytest.raises(DataError, match="found no image in class folders"):
        folder.read(tmp_path)
    write(tmp_path, "loose.png")
    with pytest.raises(DataError, match="found no image in class folders"):
        folder.read(tmp_path)
    with pytest.raises(DataError, match=r"loose\.png: found a file"):
        folder.read(tmp_path / "loose.png")


@pytest.mark.parametrize("make", ["val", "val/a"])
def test_a_split_without_an_image_is_named(tmp_path, make):
    write(tmp_path, "train/a/1.png")
    (tmp_path / make).mkdir(parents=True)
    with pytest.raises(DataError, match="/val: found a split without an image"):
        folder.read(tmp_path)


@pytest.mark.parametrize(
    "names", [("a/1.png", "b/more/2.png"), ("train/a/1.png", "train/b/c/2.png"), ("x/1.png", "x/y/2.png")]
)
def test_an_image_below_a_class_folder_is_named(tmp_path, names):
    with pytest.raises(DataError, match=r"2\.png: found an image below a class folder"):
        folder.read(write(tmp_path, *names))


def test_damaged_and_linked_images_are_named(tmp_path):
    root = write(tmp_path / "set", "a/1.png", "b/2.png")
    path = root / "b/2.png"
    path.rename(tmp_path / "out.png")
    path.symlink_to(tmp_path / "out.png")
    with pytest.raises(DataError, match=r"b/2\.png: found a path that leads to"):
        folder.read(root)
    path.unlink()
    path.write_bytes(b"GIF89a")
    with pytest.raises(DataError, match=r"b/2\.png: found an image that cannot be decoded"):
        folder.read(root)
