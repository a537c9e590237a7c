"""What people bring, written as their downloads lie, and what they are to get or to be told.

Layouts are those that users of these sets describe; pictures are noise. Each command of the table in docs/usage.md
is tried, too.
"""

import gzip
import io
import json
import os
import re
import shlex
import shutil
import tarfile
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from fercore import audit, cli, datasets, models
from fercore.datasets import DataError, archives, images, splits, text, tree
from fercore.deployment import predict

ROOT = Path(__file__).parents[2]
SEVEN = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
NOISE = np.random.default_rng(20)


def draw(path: Path, side=48, mode="L", **options) -> Path:
    """A picture that nothing else shows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (side, side) if mode == "L" else (side, side, len(mode))
    Image.fromarray(NOISE.integers(0, 256, shape, dtype=np.uint8)).save(path, **options)
    return path


def classes(root: Path, names=SEVEN, count=2, side=48, mode="L", name="im{}.png") -> Path:
    for label in names:
        for number in range(count):
            draw(root / label / name.format(number), side, mode)
    return root


def rows(usages=("Training",) * 4 + ("PublicTest",) * 2 + ("PrivateTest",) * 2) -> str:
    lines = ["emotion,pixels,Usage"]
    for number, usage in enumerate(usages):
        lines.append(f"{number % 7},{' '.join(map(str, NOISE.integers(0, 256, 2304)))},{usage}")
    return "\n".join(lines) + "\n"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def zipped(path: Path, root: Path, prefix="") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(root.rglob("*")):
            archive.write(file, prefix + file.relative_to(root).as_posix())
    return path


def tarred(path: Path, root: Path, mode="w:gz") -> Path:
    with tarfile.open(path, mode) as archive:
        archive.add(root, root.name)
    return path


# -- the downloads -------------------------------------------------------------------------------------------------


def rafdb(root: Path, lists=True) -> Path:
    """Kaggle's: DATASET/<split>/<1 to 7>, and a list of labels a split."""
    for split in ("train", "test"):
        lines = ["image,label"]
        for code in range(1, 8):
            for number in range(3):
                name = f"{split}_{10 * code + number:05d}_aligned.jpg"
                draw(root / "DATASET" / split / str(code) / name, 100, "RGB")
                lines.append(f"{name},{code}")
        if lists:
            write(root / f"{split}_labels.csv", "\n".join(lines) + "\n")
    return root


def affectnet(root: Path) -> Path:
    names = ("anger", "contempt", "disgust", "fear", "happy", "neutral", "sad", "surprise")
    classes(root, names, 2, 96, "RGB", "image{:07d}.jpg")
    write(root / "labels.csv", ",pth,label,relFCs\n0,anger/image0000000.jpg,anger,.9\n1,sad/image0000001.jpg,fear,.8\n")
    return root


def yolo(root: Path, names="[Anger, Contempt, Disgust]", box="0.5 0.5 1 1") -> Path:
    for split in ("train", "valid", "test"):
        for number in range(3):
            draw(root / split / "images" / f"f{number}.png", 96, "RGB")
            write(root / split / "labels" / f"f{number}.txt", f"{number} {box}\n")
    write(root / "data.yaml", f"nc: 3\nnames: {names}\n")
    return root


def ck48(root: Path) -> Path:
    for label in ("anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise"):
        for person in range(10, 14):
            draw(root / "CK+48" / label / f"S{person:03d}_004_00000017.png")
    return root


def ckplus(root: Path) -> Path:
    """Both archives of the release, each unpacked into a folder of its own name."""
    for subject, sequence, code in (("S005", "001", 3), ("S010", "002", 7)):
        frames = root / "extended-cohn-kanade-images/cohn-kanade-images" / subject / sequence
        for number in range(1, 6):
            draw(frames / f"{subject}_{sequence}_{number:08d}.png", 64)
        name = f"{subject}_{sequence}_00000005_emotion.txt"
        write(root / "Emotion_labels/Emotion" / subject / sequence / name, f"   {code:.7e}\n")
    return root


def ferplus(root: Path) -> Path:
    for folder, count in (("FER2013Train", 6), ("FER2013Valid", 3), ("FER2013Test", 3)):
        lines = []
        for number in range(count):
            name = f"fer{number:07d}.png"
            draw(root / "data" / folder / name)
            votes = [0] * 10
            votes[number % 3 if number < 5 else 9] = 10  # the sixth shows no face
            lines.append(f'{name},"(0, 0, 48, 48)",{",".join(map(str, votes))}')
        write(root / "data" / folder / "label.csv", "\n".join(lines) + "\n")
    return root


def jaffe(root: Path) -> Path:
    for person in ("KA", "KL"):
        for number, code in enumerate(("AN", "DI", "FE", "HA", "NE", "SA", "SU")):
            draw(root / "jaffe" / f"{person}.{code}1.{number + 30}.tiff", 64)
    write(root / "jaffe/README", "read me")
    return root


def kdef(root: Path) -> Path:
    for session in "AB":
        for person in ("F01", "M02"):
            for code in ("AF", "AN", "DI", "HA", "NE", "SA", "SU"):
                for side in ("S", "HL"):
                    who = session + person
                    draw(root / "KDEF_and_AKDEF/KDEF" / who / f"{who}{code}{side}.JPG", 56, "RGB")
    return root


def oulucasia(root: Path) -> Path:
    for word in ("Anger", "Disgust", "Fear", "Happiness", "Sadness", "Surprise"):
        for number in range(4):
            draw(root / "Oulu/OriginalImg/VL/Strong/P001" / word / f"{number:03d}.jpeg", 40, "RGB")
    return root


def named(root: Path) -> Path:
    """FER2013's class folders as Kaggle had them, the official splits in the names."""
    number = 0
    for part, kinds in (("train", ("Training",) * 2), ("test", ("PublicTest", "PrivateTest"))):
        for label in SEVEN:
            for kind in kinds:
                number += 1
                draw(root / part / label / f"{kind}_{number}.jpg")
    return root


def unnamed(root: Path) -> Path:
    for part in ("train", "test"):
        classes(root / part, count=8)
    return root


# -- FER2013 -------------------------------------------------------------------------------------------------------


def test_fer2013_is_found_in_the_folder_that_was_unpacked(tmp_path):
    write(tmp_path / "fer2013/fer2013.csv", rows())
    write(tmp_path / "fer2013/README", "read me")
    for source in (tmp_path / "fer2013", tmp_path):
        assert datasets.load("fer2013", source).splits == ("Training", "PublicTest", "PrivateTest")


def test_of_kaggles_three_tables_the_whole_one_is_taken_and_said(tmp_path):
    text = rows()
    write(tmp_path / "icml_face_data.csv", text)
    write(tmp_path / "train.csv", "emotion,pixels\n")
    write(tmp_path / "test.csv", "pixels\n")
    faces = datasets.load("fer2013", tmp_path)
    assert len(faces) == 8 and faces.notes[0] == "read from icml_face_data.csv; test.csv, train.csv skipped"


def test_a_table_without_usage_says_what_it_is_and_where_the_whole_is(tmp_path):
    write(tmp_path / "train.csv", 'emotion,pixels\n0,"1 2"\n')
    with pytest.raises(DataError, match=r"training images without their splits.*whose icml_face_data\.csv"):
        datasets.load("fer2013", tmp_path / "train.csv")
    with pytest.raises(DataError, match="training images without their splits"):
        datasets.load("fer2013", tmp_path)
    write(tmp_path / "test.csv", "pixels\n")
    write(tmp_path / "icml_face_data.csv", rows())
    with pytest.raises(DataError, match=r"test images without labels.*\(.*/icml_face_data\.csv\)"):
        datasets.load("fer2013", tmp_path / "test.csv")


def test_a_comma_too_many_is_not_a_row_cut_off(tmp_path):
    lines = rows().splitlines()
    write(tmp_path / "fer2013.csv", "\n".join([lines[0], *(f"{line}," for line in lines[1:])]))
    with pytest.raises(
        DataError, match=r"line 2: found 4 fields, 1 more than the header.*take the comma at the end off"
    ):
        datasets.load("fer2013", tmp_path / "fer2013.csv")


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_fer2013_in_a_tar_of_any_kind(tmp_path, mode):
    write(tmp_path / "fer2013/fer2013.csv", rows())
    write(tmp_path / "fer2013/README", "read me")
    path = tarred(tmp_path / "any.name", tmp_path / "fer2013", mode)
    assert len(datasets.load("fer2013", path)) == 8
    outer = tmp_path / "outer.zip"
    with zipfile.ZipFile(outer, "w") as archive:
        archive.write(path, "fer2013.tar")
    assert len(datasets.load("fer2013", outer)) == 8


@pytest.mark.parametrize("pack", ["bz2", "xz"])
def test_one_packed_csv(tmp_path, pack):
    import bz2
    import lzma

    (tmp_path / "f.csv").write_bytes({"bz2": bz2, "xz": lzma}[pack].compress(rows().encode()))
    assert len(datasets.load("fer2013", tmp_path / "f.csv")) == 8


def test_of_two_tables_in_one_archive_the_published_one_is_taken_and_said(tmp_path):
    with zipfile.ZipFile(tmp_path / "both.zip", "w") as archive:
        archive.writestr("icml_face_data.csv", rows())
        archive.writestr("fer2013/fer2013.csv", rows())
    (note, _) = datasets.load("fer2013", tmp_path / "both.zip").notes
    assert note == "read from fer2013/fer2013.csv; icml_face_data.csv beside it skipped"


def test_class_folders_in_an_archive_and_errors_that_name_it(tmp_path):
    named(tmp_path / "here")
    path = zipped(tmp_path / "archive.zip", tmp_path / "here", "archive/")
    faces = datasets.load("fer2013", path)
    assert [len(faces.rows(split)) for split in faces.splits] == [14, 7, 7]
    assert faces.table["source"][0].startswith("archive/train/angry/Training_")
    write(tmp_path / "here/train/angry/Training_1.jpg", "no picture")
    path = zipped(tmp_path / "other.zip", tmp_path / "here")
    with pytest.raises(DataError, match=f"^{re.escape(str(path))}/train/angry/Training_1.jpg: found an image that"):
        datasets.load("fer2013", path)


def test_an_archive_that_is_all_that_a_folder_holds_is_opened(tmp_path):
    named(tmp_path / "here")
    zipped(tmp_path / "download/archive.zip", tmp_path / "here")
    assert len(datasets.load("fer2013", tmp_path / "download")) == 28


def test_class_folders_under_two_more_with_validation(tmp_path):
    for part in ("train", "validation"):
        classes(tmp_path / "images/images" / part)
    faces = datasets.load("fer2013", tmp_path)
    assert faces.roles == {"train": "Training", "select": "validation"} and faces.notes[0] == "read from images/images/"
    assert datasets.load("folder", tmp_path).roles == {"train": "train", "select": "validation"}


@pytest.mark.parametrize("third", ["val", "valid", "Validation", "eval"])
def test_a_third_split_is_read_and_a_part_of_the_set_is_said(tmp_path, third):
    classes(named(tmp_path) / third)
    faces = datasets.load("fer2013", tmp_path)
    assert len(faces.rows("unnamed validation")) == 14 and faces.roles["select"] == "PublicTest"
    assert any(note.startswith("Not the whole of FER2013: 14, 7, 7 images") for note in faces.notes)


def test_names_in_ed_are_read(tmp_path):
    for part in ("train", "test"):
        classes(tmp_path / part, ("angry", "disgusted", "fearful", "happy", "neutral", "sad", "surprised"))
    for name in ("fer2013", "folder"):
        assert datasets.load(name, tmp_path).classes == SEVEN
    assert "splits are lost" in datasets.load("fer2013", tmp_path).notes[0]


def test_folders_that_mean_one_class_are_said(tmp_path):
    classes(unnamed(tmp_path) / "train", ("Happiness",))
    assert "Happiness and happy are one class" in datasets.load("fer2013", tmp_path).notes
    assert "Happiness and happy are one class" in datasets.load("folder", tmp_path).notes


# -- the other sets ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lists", [True, False])
def test_rafdb_as_kaggle_has_it(tmp_path, lists):
    faces = datasets.load("rafdb", rafdb(tmp_path, lists))
    meant = dict(enumerate(("surprise", "fear", "disgust", "happy", "sad", "angry", "neutral"), 1))
    for row in faces.table.itertuples():
        assert (
            faces.classes[row.label] == meant[int(row.source.split("/")[2])] and row.source.split("/")[1] == row.split
        )
    assert faces.roles == {"train": "train", "test": "test"} and len(faces) == 42


def test_a_list_of_labels_that_contradicts_the_folders_is_refused(tmp_path):
    rafdb(tmp_path)
    path = tmp_path / "train_labels.csv"
    write(path, path.read_text().replace("aligned.jpg,3", "aligned.jpg,4", 1))
    with pytest.raises(DataError, match=r"line 8: found label 4 \(happy\) of an image in the folder 3"):
        datasets.load("rafdb", tmp_path)


def test_affectnet_as_kaggle_has_it_with_both_readings(tmp_path):
    affectnet(tmp_path)
    faces = datasets.load("affectnet", tmp_path)
    assert faces.classes == (*SEVEN, "contempt") and faces.pixels.shape == (16, 112, 112, 3)
    assert faces.classes[faces.labels[faces.table["source"].eq("sad/image0000001.jpg")][0]] == "sad"
    assert "labels.csv has another label for 1 of 2 images that it lists: folder labels are used" in faces.notes[0]
    other = datasets.load("affectnet", tmp_path, labels="list")
    assert other.classes[other.labels[other.table["source"].eq("sad/image0000001.jpg")][0]] == "fear"
    assert datasets.load("affectnet", tmp_path, contempt=False).classes == SEVEN
    write(tmp_path / "labels.csv", ",pth,label,relFCs\n0,anger/image0000000.jpg,anger,.9\n")
    for labels in ("folders", "list"):
        assert not any("another label" in note for note in datasets.load("affectnet", tmp_path, labels=labels).notes)


def test_affectnets_validation_is_reported_on(tmp_path):
    for split in ("train", "val"):
        classes(tmp_path / split, [str(code) for code in range(8)])
    faces = datasets.load("affectnet", tmp_path)
    assert faces.roles == {"train": "train", "test": "val"}
    assert faces.classes[faces.labels[faces.table["source"].eq("train/6/im0.png")][0]] == "angry"


def test_a_yolo_export_has_the_classes_of_its_label_files(tmp_path):
    faces = datasets.load("folder", yolo(tmp_path / "a"))
    assert faces.classes == ("Anger", "Contempt", "Disgust") and len(faces.rows("select")) == 3
    assert [row.label for row in faces.table.itertuples()] == [int(name[-5]) for name in faces.table["source"]]
    cut = datasets.load("folder", yolo(tmp_path / "b", "{0: Anger, 1: Contempt, 2: Disgust}", "0.25 0.5 0.5 1"), size=8)
    assert any("9 faces cut out by their boxes" in note for note in cut.notes)
    assert datasets.load("affectnet", tmp_path / "a").classes == ("angry", "disgust", "contempt")
    write(tmp_path / "a/train/labels/f1.txt", "0 0.2 0.5 0.2 0.2\n1 0.7 0.5 0.2 0.2\n")
    several = datasets.load("folder", tmp_path / "a")
    assert len(several) == 8 and "1 of several faces: train/images/f1.png" in " ".join(several.notes)
    write(tmp_path / "a/train/labels/f0.txt", "7 0.5 0.5 1 1\n")
    with pytest.raises(DataError, match=r"f0\.txt: line 1: found label '7'; expected a whole number from 0 to 2"):
        datasets.load("folder", tmp_path / "a")


def test_ck48_has_subjects_and_no_split_of_its_name(tmp_path):
    faces = datasets.load("ckplus", ck48(tmp_path))
    with pytest.raises(ValueError, match=r"cut out already, and takes no peak"):
        datasets.load("ckplus", tmp_path, size=16, peak=1)
    assert set(faces.table["subject"]) == {"S010", "S011", "S012", "S013"} and faces.table["sequence"][0] == "S010_004"
    assert faces.splits == ("",) and faces.roles == {"train": ""} and faces.pixels.shape[1:] == (48, 48)
    assert faces.classes == ("anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise")
    folder = datasets.load("folder", tmp_path, subject=r"(S\d+)_")
    assert folder.splits == ("",) and folder.notes[0] == "read from CK+48/"


@pytest.mark.parametrize("packed", [False, True])
def test_ckextended_has_the_codes_of_fer2013_and_contempt(tmp_path, packed):
    usages = ("Training",) * 8 + ("PublicTest", "PrivateTest")
    lines = [f"{number % 8},{line.split(',', 1)[1]}" for number, line in enumerate(rows(usages).splitlines()[1:])]
    path = write(tmp_path / "in" / "ckextended.csv", "\n".join(["emotion,pixels,Usage", *lines]) + "\n")
    with pytest.raises(DataError, match=r"line 9: found the emotion '7'; .*import it as ckplus"):
        datasets.load("fer2013", path)
    faces = datasets.load("ckplus", zipped(tmp_path / "archive.zip", tmp_path / "in") if packed else path)
    named = [faces.classes[label] for label in faces.labels]
    assert named[:8] == ["anger", "disgust", "fear", "happy", "sadness", "surprise", "neutral", "contempt"]
    assert faces.classes[0] == "neutral" and [len(faces.rows(role)) for role in datasets.ROLES] == [8, 1, 1]
    assert "nobody's name" in faces.notes[0] and faces.pixels.shape == (10, 48, 48)
    for name, value in {"size": 64, "peak": 1, "crop": lambda image: None}.items():
        with pytest.raises(ValueError, match=rf"faces of 48 px that are cut out already, and takes no {name}"):
            datasets.load("ckplus", path, **{name: value})


def test_ckplus_in_the_folders_of_its_two_archives(tmp_path):
    faces = datasets.load("ckplus", ckplus(tmp_path / "both"), size=16)
    assert faces.labels.tolist() == [0, 3, 3, 3, 0, 7, 7, 7]
    for name in ("extended-cohn-kanade-images", "Emotion_labels"):
        zipped(tmp_path / "zips" / f"{name}.zip", tmp_path / "both" / name)
    assert (datasets.load("ckplus", tmp_path / "zips", size=16).pixels == faces.pixels).all()
    with pytest.raises(DataError, match=r"cohn-kanade-images: found no such folder.*Emotion_labels has the other"):
        datasets.load("ckplus", zipped(tmp_path / "half.zip", tmp_path / "both/Emotion_labels", "Emotion_labels/"))


def test_ferplus_as_folders_joins_by_name_and_counts_what_has_no_label(tmp_path):
    faces = datasets.load("ferplus", ferplus(tmp_path))
    assert [len(faces.rows(role)) for role in datasets.ROLES] == [5, 3, 3]
    assert faces.labels.tolist() == [0, 1, 2, 0, 1] + [0, 1, 2] * 2 and faces.table["votes_neutral"][0] == 10
    assert "1 without a majority label" in faces.notes[-1]
    with pytest.raises(DataError, match="found votes without images; expected FER2013 itself"):
        datasets.load("ferplus", write(tmp_path / "fer2013new.csv", "Usage\n"))


def test_the_expression_in_the_file_name(tmp_path):
    faces = datasets.load("jaffe", jaffe(tmp_path / "j"))
    assert (
        faces.classes == SEVEN
        and set(faces.table["subject"]) == {"KA", "KL"}
        and faces.labels.tolist() == sorted([*range(7)] * 2)
    )
    with pytest.raises(DataError, match=r"a class 'jaffe', which is the name of a data set; .*--label"):
        datasets.load("folder", tmp_path / "j")
    by_hand = datasets.load("folder", tmp_path / "j", label=r"\.(\w\w)\d\.", subject=r"(\w\w)\.\w\w\d")
    assert (by_hand.labels == faces.labels).all()
    faces = datasets.load("kdef", kdef(tmp_path / "k"))
    assert len(faces) == 56 and set(faces.table["subject"]) == {"F01", "M02"} and faces.classes == SEVEN
    assert {faces.classes[label] for label in faces.labels[faces.table["source"].str.contains("AF[HS]")]} == {"fear"}
    frontal = datasets.load("kdef", tmp_path / "k", frontal=True)
    assert len(frontal) == 28 and "28 seen from the side" in frontal.notes[-1]


# -- any folder ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("train/1.png", "test/2.png"), "a class 'test', which is the name of a split"),
        (("a/images/1.png", "b/images/2.png"), "a class 'images', which is the name of a folder of images"),
        (("FER2013Train/1.png", "FER2013Test/2.png"), "a class 'FER2013Test', which is the name of a split"),
        (("jaffe/1.png", "kdef/2.png"), "a class 'jaffe', which is the name of a data set"),
        (("happy/1.png",), "one class, 'happy', alone; expected two at least"),
        (
            ("CK+48/happy/1.png", "JAFFE/happy/1.png", "CK+48/sad/1.png"),
            "a split 'CK\\+48', which is the name of a data set",
        ),
        (("happy/S1/1.png", "happy/S2/1.png", "sad/S1/1.png"), "a split 'happy', which is the name of an expression"),
    ],
)
def test_a_level_that_is_mistaken_is_told_and_may_be_meant(tmp_path, names, told):
    for name in names:
        draw(tmp_path / "set" / name)
    with pytest.raises(DataError, match=f"{told}.*as_is=True"):
        datasets.load("folder", tmp_path / "set")
    assert len(datasets.load("folder", tmp_path / "set", as_is=True)) == len(names)


def test_lists_are_found_by_their_names_whatever_these_end_in(tmp_path):
    for name in ("b/label.lst", "labels.csv", "readme.txt"):
        write(tmp_path / name, "x")
    seen = tree.walk(tmp_path)
    assert [path.name for path in seen.lists("label.lst")] == ["label.lst"]
    assert [path.name for path in seen.lists()] == ["labels.csv"]


def test_images_are_known_by_their_content(tmp_path):
    for label in ("happy", "sad"):
        draw(tmp_path / label / "a.png")
        for name in ("one.jfif", "two.jpe", "three"):
            draw(tmp_path / label / name, mode="RGB", format="JPEG")
    write(tmp_path / "happy/notes.docx", "words")
    faces = datasets.load("folder", tmp_path)
    assert len(faces) == 8
    assert faces.notes == ("9 files found, 8 read; skipped: 1 no image (.docx): happy/notes.docx",)


def test_what_is_transparent_lies_on_white(tmp_path):
    for number, hidden in enumerate((0, 255)):
        picture = np.full((8, 8, 4), hidden, np.uint8)
        picture[..., 3] = 0
        picture[2:6, 2:6] = (200, 200, 200, 255)
        for mode, name in (("RGBA", "a"), ("LA", "b")):
            (tmp_path / name).mkdir(exist_ok=True)
            Image.fromarray(picture).convert(mode).save(tmp_path / name / f"{number}.png")
    pixels = datasets.load("folder", tmp_path).pixels
    assert (pixels == pixels[0]).all() and pixels[0, 0, 0] == images.BACKGROUND and pixels[0, 3, 3] == 200


def test_sixteen_bits_in_colour_are_refused(tmp_path):
    (tmp_path / "a.ppm").write_bytes(b"P6\n2 2\n65535\n" + bytes(24))
    with pytest.raises(DataError, match="expected 8 bits per channel"):
        images.decode(tmp_path / "a.ppm", "RGB")


def test_mixed_sizes_name_the_option_and_the_command_has_it(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for label in ("happy", "sad"):
        for side in (20, 24):
            draw(tmp_path / "set" / label / f"{side}.png", side)
    assert cli.main(["import", "folder", "set"]) == 1 and "--size 48, in Python size=48" in capsys.readouterr().err
    for size, shape in (("12", (12, 12)), ("10x12", (10, 12))):
        assert cli.main(["import", "folder", "set", "--size", size, "--mode", "RGB"]) == 0
        assert datasets.load_imported("data/folder").pixels.shape == (4, *shape, 3)


def test_unlabelled_images_of_a_split_are_counted(tmp_path):
    classes(tmp_path / "train", ("happy", "sad"))
    draw(tmp_path / "test/1.png")
    faces = datasets.load("folder", tmp_path)
    assert faces.splits == ("train",) and "1 in test/ without a class folder: no label: test/1.png" in faces.notes[-1]


def test_links_are_followed_inside_and_named_outside(tmp_path):
    classes(tmp_path / "set", ("happy", "sad"))
    (tmp_path / "set/glad").symlink_to(tmp_path / "set/happy")
    (tmp_path / "set/sad/dead.png").symlink_to(tmp_path / "gone.png")
    (tmp_path / "set/sad/loop").symlink_to(tmp_path / "set")
    faces = datasets.load("folder", tmp_path / "set")
    assert len(faces) == 6 and "1 dead links: sad/dead.png" in faces.notes[-1] and "links back" in faces.notes[-1]
    (tmp_path / "set/mad").symlink_to(classes(tmp_path / "other", ("mad",)) / "mad")
    with pytest.raises(DataError, match=r"/set/mad: found a path that leads to .*/other/mad.*cp -rL"):
        datasets.load("folder", tmp_path / "set")


def test_home_is_written_out(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    classes(tmp_path / "set", ("happy", "sad"))
    assert len(datasets.load("folder", "~/set")) == 4
    datasets.import_dataset("folder", "~/set", "~/data/set")
    assert len(datasets.load_imported("~/data/set")) == 4
    assert len(datasets.load_imported(tmp_path / "data/set")) == 4


def test_one_name_written_in_two_ways_is_one_class(tmp_path):
    for split, names in (("train", ("\u00dcberraschung", "Wut ", "1")), ("test", ("U\u0308berraschung", "wut", "01"))):
        classes(tmp_path / split, names)
    faces = datasets.load("folder", tmp_path)
    assert faces.classes == ("1", "wut", "\u00fcberraschung")
    assert [len(faces.rows(split)) for split in faces.splits] == [6, 6]
    assert sum("are one class" in note for note in faces.notes) == 3


@pytest.mark.parametrize("inner", ["", "train/"])
@pytest.mark.parametrize("suffix", [".zip", ".tar.gz"])
@pytest.mark.parametrize("outer", [False, True])
def test_a_split_is_called_as_its_archive_with_or_without_a_folder_in_it(tmp_path, inner, suffix, outer):
    for split in ("train", "test"):
        root = classes(tmp_path / "here" / split)
        path = tmp_path / "there" / f"{split}{suffix}"
        path.parent.mkdir(exist_ok=True)
        if suffix == ".zip":
            zipped(path, root, inner and f"{split}/")
        else:
            with tarfile.open(path, "w:gz") as archive:
                archive.add(root, split if inner else "")
    source = zipped(tmp_path / "all.zip", tmp_path / "there") if outer else tmp_path / "there"
    assert datasets.load("folder", source).roles == {"train": "train", "test": "test"}
    assert datasets.load("fer2013", source).splits == ("Training", "test")


def test_the_parts_of_a_folder_of_google_drive_are_one(tmp_path):
    for part in (1, 2):
        for split in ("train", "test"):
            classes(tmp_path / f"here{part}/data" / split, SEVEN[part::2], name=f"{part}_{{}}.png")
        zipped(tmp_path / f"there/data-20260102T030405Z-{part}-00{part}.zip", tmp_path / f"here{part}")
    assert datasets.load("folder", tmp_path / "there").roles == {"train": "train", "test": "test"}
    assert len(datasets.load("fer2013", tmp_path / "there")) == 24


def test_a_list_of_labels_counts_wherever_its_columns_stand(tmp_path):
    rafdb(tmp_path, lists=False)
    write(tmp_path / "test_labels.csv", ",label,image\n0,2,test_00010_aligned.jpg\n")
    with pytest.raises(DataError, match=r"line 2: found label 2 \(fear\) of an image in the folder 1"):
        datasets.load("rafdb", tmp_path)


def test_folders_of_people_are_told_and_divided_as_the_note_says(tmp_path, capsys):
    for person in range(20):
        classes(tmp_path / "set" / f"P{person}", ("happy", "sad"), 1, 8)
    (note,) = datasets.load("folder", tmp_path / "set").notes
    words = shlex.split(re.search(r"as such \((.+)\)", note)[1])
    assert cli.main(["import", "folder", str(tmp_path / "set"), "--to", str(tmp_path / "in"), *words]) == 0
    sides = datasets.load_imported(tmp_path / "in").table.groupby("subject")["split"].nunique()
    assert len(sides) == 20 and (sides == 1).all()


def test_a_split_within_itself_beside_its_classes_is_not_read_twice(tmp_path):
    classes(classes(tmp_path / "train", ("happy", "sad")) / "train", ("happy", "sad"))
    with pytest.raises(DataError, match=r"train/train/happy/im0\.png: found an image below a class folder"):
        datasets.load("folder", tmp_path)


def test_a_folder_around_a_yolo_export_is_no_split(tmp_path):
    for number in range(4):
        draw(tmp_path / f"export/images/{number}.png")
        write(tmp_path / f"export/labels/{number}.txt", f"{number % 2} 0.5 0.5 1 1\n")
    write(tmp_path / "export/data.yaml", "names: [angry, happy]\n")
    assert datasets.load("folder", tmp_path).roles == {"train": ""}


def test_a_picture_beside_the_splits_is_passed_over_under_a_folder_too(tmp_path):
    for split in ("train", "val"):
        classes(tmp_path / "fer" / split, ("happy", "sad"))
    draw(tmp_path / "fer/cover.png")
    faces = datasets.load("folder", tmp_path)
    assert faces.splits == ("train", "val") and "1 beside the folders of classes: fer/cover.png" in faces.notes[-1]


def test_what_drives_write_beside_pictures_is_hidden(tmp_path):
    classes(tmp_path, ("happy", "sad"))
    draw(tmp_path / "happy/@eaDir/im0.png/SYNOPHOTO_THUMB_M.jpg")
    draw(tmp_path / "$RECYCLE.BIN/happy/1.jpg")
    faces = datasets.load("folder", tmp_path)
    assert len(faces) == 4 and "2 hidden: $RECYCLE.BIN, happy/@eaDir" in faces.notes[-1]
    draw(unnamed(tmp_path / "fer") / "train/@eaDir/im0.png/SYNOPHOTO_THUMB_M.jpg")
    assert len(datasets.load("fer2013", tmp_path / "fer")) == 112


def test_what_was_found_in_place_of_images_is_told(tmp_path):
    write(tmp_path / "a/data/train.parquet", "PAR1")
    for name, found in (("folder", "no image in class folders"), ("fer2013", "no CSV and no image")):
        with pytest.raises(
            DataError, match=rf"{found}; 1 file found, 0 read; .*Parquet, which is not read: .*: data/train\.parquet"
        ):
            datasets.load(name, tmp_path / "a")
    for start in (b"PAR1\0\0", b"\x89HDF\r\n", b"\x93NUMPY\1\0"):
        (tmp_path / "set").write_bytes(start + bytes(99))
        with pytest.raises(DataError, match="set: found a file that is no text; expected a CSV"):
            datasets.load("fer2013", tmp_path / "set")
        with pytest.raises(DataError, match="set: found a file that is no archive; expected a folder"):
            datasets.load("folder", tmp_path / "set")
    with pytest.raises(DataError, match=r"e\.zip: found an empty file"):
        datasets.load("folder", write(tmp_path / "e.zip", ""))


def test_a_table_in_another_writing_is_told(tmp_path):
    path = write(tmp_path / "f.csv", rows().replace(",", ";"))
    with pytest.raises(DataError, match="expected emotion,pixels,Usage in any order, with commas between them"):
        datasets.load("fer2013", path)
    path.write_text(rows(), "utf-16")
    with pytest.raises(DataError, match=r"found UTF-16 text; expected UTF-8 text .*save it as CSV UTF-8"):
        datasets.load("fer2013", path)


def test_a_table_is_not_told_to_be_looked_for_in_itself(tmp_path):
    with pytest.raises(DataError, match=r"fer2013\.csv has it all$"):
        datasets.load("fer2013", write(tmp_path / "fer2013.csv", 'emotion,pixels\n0,"1 2"\n'))


@pytest.mark.parametrize(
    ("held", "told"),
    [
        ("", "an empty file"),
        ("<!DOCTYPE html>", "a web page"),
        ("version https://git-lfs.github.com", "git lfs pull"),
        ("\0\0\0\x18ftypheic\0\0\0\0", "HEIC, which is not read here: save it as JPEG"),
    ],
)
def test_what_stands_in_place_of_an_image_is_told(tmp_path, held, told):
    draw(tmp_path / "happy/1.png")
    write(tmp_path / "sad/1.png", held)
    with pytest.raises(DataError, match=rf"sad/1\.png: found an image that cannot be decoded \(.*{told}"):
        datasets.load("folder", tmp_path)


def test_an_archive_in_place_of_what_is_lacking_is_named(tmp_path):
    rafdb(tmp_path / "r")
    zipped(tmp_path / "r/DATASET.zip", tmp_path / "r/DATASET", "DATASET/")
    shutil.rmtree(tmp_path / "r/DATASET")
    with pytest.raises(DataError, match=r"what is missed may be in DATASET\.zip: unpack it where it lies"):
        datasets.load("rafdb", tmp_path / "r")
    ckplus(tmp_path / "c")
    zipped(tmp_path / "c/Emotion.zip", tmp_path / "c/Emotion_labels")
    shutil.rmtree(tmp_path / "c/Emotion_labels")
    with pytest.raises(DataError, match=r"Emotion: found no such folder.* may be in Emotion\.zip"):
        datasets.load("ckplus", tmp_path / "c")


def test_images_that_are_named_otherwise_are_counted_where_the_set_is_known(tmp_path):
    kdef(tmp_path / "k")
    draw(tmp_path / "k/KDEF_and_AKDEF/AKDEF/AFAFS.JPG", 56, "RGB")
    faces = datasets.load("kdef", tmp_path / "k")
    assert len(faces) == 56 and "1 not named as the set's images are: KDEF_and_AKDEF/AKDEF/AFAFS.JPG" in faces.notes[-1]
    for path in sorted(jaffe(tmp_path / "j").rglob("*.tiff")):
        path.rename(path.with_name(path.name.lower()))
    faces = datasets.load("jaffe", tmp_path / "j")
    assert len(faces) == 14 and set(faces.table["subject"]) == {"KA", "KL"}


def test_affectnets_codes_do_not_count_from_one(tmp_path):
    classes(tmp_path, [str(code) for code in range(1, 8)], side=96, mode="RGB")
    with pytest.raises(DataError, match="found codes from 1 to 7, none of them 0, which is neutral"):
        datasets.load("affectnet", tmp_path)


def test_votes_in_a_folder_are_to_be_given_themselves(tmp_path):
    votes(tmp_path)
    write_csv(tmp_path)
    with pytest.raises(DataError, match=r"fer2013new\.csv: found votes without images; expected this file itself"):
        datasets.load("ferplus", tmp_path)


@pytest.mark.parametrize("name", ["folder", "affectnet"])
def test_digits_that_are_no_numbers_are_names(tmp_path, name):
    classes(tmp_path, ("\u00b2", "\u00b9"))
    if name == "folder":
        assert datasets.load(name, tmp_path).classes == ("\u00b2", "\u00b9")
    else:
        with pytest.raises(DataError, match="found the class '\u00b2'"):
            datasets.load(name, tmp_path)


# -- archives as other systems write them --------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_the_second_name_of_a_file_in_a_tar_is_an_image_too(tmp_path, mode):
    root = classes(tmp_path / "set", ("happy", "sad"))
    os.link(root / "sad/im0.png", root / "sad/im7.png")
    assert len(datasets.load("folder", tarred(tmp_path / "set.tar", root, mode))) == 5


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_a_tar_of_old_is_one(tmp_path, mode):
    path = tarred(tmp_path / "set.tar", classes(tmp_path / "set", ("happy", "sad")), "w")
    data = bytearray(path.read_bytes())
    with tarfile.open(path) as archive:
        headers = [info.offset for info in archive]
    for at in headers:  # without "ustar" and what belongs to it
        data[at + 257 : at + 512] = bytes(255)
        data[at + 148 : at + 156] = b" " * 8
        data[at + 148 : at + 156] = b"%06o\0 " % sum(data[at : at + 512])
    path.write_bytes(gzip.compress(data) if mode == "w:gz" else data)
    assert len(datasets.load("folder", path)) == 4


def test_a_link_in_an_archive_is_refused_and_not_lost(tmp_path):
    root = classes(tmp_path / "set", ("happy", "sad"))
    (root / "sad/im7.png").symlink_to("im0.png")
    with pytest.raises(DataError, match=r"a member 'set/sad/im7\.png' that is a link; expected .*tar -h"):
        datasets.load("folder", tarred(tmp_path / "set.tar", root))
    info = zipfile.ZipInfo("sad/im7.png")
    info.external_attr = 0o120777 << 16
    (root / "sad/im7.png").unlink()
    with zipfile.ZipFile(zipped(tmp_path / "set.zip", root), "a") as archive:
        archive.writestr(info, "im0.png")
    with pytest.raises(DataError, match=r"a member 'sad/im7\.png' that is a link; expected .*without -y"):
        datasets.load("folder", tmp_path / "set.zip")


def written(path: Path, members: dict[str, bytes]) -> Path:
    """A zip whose names stay as they are given, backslashes and all."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo("x")
            info.filename = name
            archive.writestr(info, data)
    return path


def test_a_zip_of_windows_with_folders_as_members_is_read(tmp_path):
    files = {path.name: path.read_bytes() for path in sorted(classes(tmp_path, ("happy",), 3).rglob("*.png"))}
    members = {"happy\\": b"", "sad\\": b"", **{f"{label}\\{n}": files[n] for n in files for label in ("happy", "sad")}}
    assert len(datasets.load("folder", written(tmp_path / "w.zip", members))) == 6
    members = {"fer\\fer2013.csv": rows().encode(), "fer\\icml_face_data.csv": b"x"}
    assert len(datasets.load("fer2013", written(tmp_path / "c.zip", members))) == 8


def spelt(path: Path, names: list[bytes], *more: str, flag=False) -> Path:
    """A zip of pictures whose names are these bytes, said to be UTF-8 or not, and `more`."""
    given = [b"%dX%d" % (number, number) + b"n" * (len(name) - 3) for number, name in enumerate(names)]
    with zipfile.ZipFile(path, "w") as archive:
        for name in (*(name.decode() for name in given), *more):
            archive.writestr(name, draw(path.parent / "p.png", 8).read_bytes())
    data = path.read_bytes()
    for old, new in zip(given, names, strict=True):
        assert len(old) == len(new) and data.count(old) == 2
        data = data.replace(old, new)
    data = bytearray(data)
    for start, at in ((b"PK\x03\x04", 7), (b"PK\x01\x02", 9)):
        for found in re.finditer(re.escape(start), bytes(data)) if flag else ():
            data[found.start() + at] |= 0x08
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("page", "words", "told"),
    [
        ("utf-8", ("Überraschung", "Müde"), None),
        ("cp437", ("Überraschung", "Müde"), "read as cp437 (Überraschung/1.png)"),
        ("cp1252", ("Überraschung", "Müde"), "read as cp1252 (Überraschung/1.png)"),
        ("latin-1", ("colère", "dégoût"), "read as cp1252 (colère/1.png)"),
        ("cp932", ("怒り", "驚き", "悲しみ", "ソース表"), "read as cp932 (怒り/1.png)"),
        ("cp866", ("злость", "радость"), "may be misspelt; unpacked where it was made they are not"),
    ],
)
def test_names_of_a_zip_are_read_in_the_code_page_of_which_they_are(tmp_path, page, words, told):
    names = [f"{word}/{number}.png".encode(page) for word in words for number in (1, 2)]
    faces = datasets.load("folder", spelt(tmp_path / "w.zip", names))
    assert (set(faces.classes) == set(words)) == (page != "cp866")
    if told is None:
        assert faces.notes == ()
    else:
        (note,) = faces.notes
        assert (
            note.startswith(f"w.zip does not say in which code page {len(names)} of its names are: ") and told in note
        )


def test_names_that_are_one_after_all_and_names_that_cannot_be_are_told(tmp_path):
    spelt(tmp_path / "b.zip", ["böse/1.png".encode("cp1252")], "böse/1.png")
    with pytest.raises(DataError, match=r"b\.zip: found two members of the name 'böse/1\.png'; expected each"):
        datasets.load("folder", tmp_path / "b.zip")
    with pytest.raises(DataError, match=r"c\.zip: found a damaged archive \('utf-8' codec can't decode"):
        datasets.load("folder", spelt(tmp_path / "c.zip", [b"m\xfcde/1.png"], flag=True))


def test_what_macos_puts_beside_a_table_is_no_second_one(tmp_path):
    path = written(tmp_path / "m.zip", {"my.csv": rows().encode(), "__MACOSX/._my.csv": b"\0\5\26\7"})
    (note,) = datasets.load("fer2013", path).notes
    assert note.startswith("Not the whole of FER2013")


# -- archives that are not to be trusted ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["../out.png", "/out.png", "a/../../out.png", "C:/out.png", "..\\out.png"])
def test_an_archive_that_leads_out_is_refused_and_nothing_is_written(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(name, b"x")
        archive.writestr("happy/1.png", b"x")
    (tmp_path / "deep/er").mkdir(parents=True)
    with pytest.raises(DataError, match=r"a\.zip: found a member .* which leads out of the archive"):
        archives.unpack(tmp_path / "a.zip", tmp_path / "deep/er")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.zip", "deep", "er"]


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_bomb_ends_early(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(archives, "SPARE", 1 << 20)
    path, data = tmp_path / "bomb", bytes(32 << 20)
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("happy/1.png", data)
    else:
        with tarfile.open(path, "w:gz") as archive:
            info = tarfile.TarInfo("happy/1.png")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    with pytest.raises(DataError, match=r"unpacks to more than .*decompression bomb"):
        datasets.load("folder", path)


def test_archives_in_an_archive_share_its_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "limit", lambda path: 3 << 20)
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("1.png", bytes(1 << 20))
    for count in (2, 4):
        with zipfile.ZipFile(tmp_path / f"{count}.zip", "w") as archive:
            for number in range(count):
                archive.writestr(f"{number}.zip", inner.getvalue())
    archives.unpack(tmp_path / "2.zip", tmp_path / "two")
    assert len(list((tmp_path / "two").rglob("1.png"))) == 2
    with pytest.raises(DataError, match=r"decompression bomb"):
        archives.unpack(tmp_path / "4.zip", tmp_path / "four")


def test_a_csv_that_unpacks_without_end_ends_early(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "SPARE", 1 << 20)
    lines = rows().splitlines(keepends=True)
    (tmp_path / "rows").write_bytes(gzip.compress((lines[0] + f"0,{'7 ' * 2304},Training\n" * 2500).encode()))
    with pytest.raises(DataError, match=r"decompression bomb"):
        datasets.load("fer2013", tmp_path / "rows")
    write(tmp_path / "plain.csv", rows() + "\n" * (3 << 20))
    with pytest.raises(DataError, match=r"line .*: found more than 1,048,576 bytes of blank lines"):
        datasets.load("fer2013", tmp_path / "plain.csv")
    write(tmp_path / "list", "\n" * 200_000)
    with pytest.raises(DataError, match=r"line 100001: found 100,000 blank lines"):
        list(text.lines(tmp_path / "list"))


@pytest.mark.parametrize("name", [name for name in datasets.REAL if name != "ferplus"])
def test_a_pipe_is_refused_and_not_waited_for(tmp_path, name):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="pipe: found neither a file nor a folder"):
        datasets.load(name, tmp_path / "pipe")


def test_other_archives_are_called_by_their_names(tmp_path):
    for start, name in ((b"Rar!\x1a\x07", "RAR"), (b"7z\xbc\xaf\x27\x1c", "7-Zip")):
        (tmp_path / "set").write_bytes(start + bytes(50))
        for known in ("fer2013", "folder", "rafdb"):
            with pytest.raises(DataError, match=f"found a {name} archive, which is not read; expected it unpacked"):
                datasets.load(known, tmp_path / "set")


# -- roles ---------------------------------------------------------------------------------------------------------


def leaking(root: Path, name: str) -> tuple[Path, int]:
    """A set in one of three layouts, and how many of its test images are copies of training images."""
    if name == "rafdb":
        folders = sorted((rafdb(root, lists=False) / "DATASET/train").iterdir())
        targets = [root / "DATASET/test" / folder.name for folder in folders]
    else:
        train, test = ("train", "val") if name == "affectnet" else ("Train_Set", "testing")
        for split in (train, test):
            classes(root / split, SEVEN, 3)
        folders = sorted((root / train).iterdir())
        targets = [root / test / folder.name for folder in folders]
    for number, (folder, target) in enumerate(zip(folders[:4], targets[:4], strict=True)):
        first = sorted(folder.iterdir())[0]
        (target / f"test_{number:05d}_copy{first.suffix}").write_bytes(first.read_bytes())
    return root, 4


@pytest.mark.parametrize("name", ["rafdb", "affectnet", "folder"])
def test_planted_leaks_are_counted_whatever_the_splits_are_called(tmp_path, name, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root, planted = leaking(tmp_path / "set", name)
    assert cli.main(["import", name, str(root), "--to", "in"]) == 0
    faces = datasets.load_imported("in")
    test, train = faces.split_of("test"), faces.split_of("train")
    found = audit.leakage(faces, audit.exact_duplicates(faces.pixels))
    assert found.loc[test, f"in_{train}"] == planted and found.loc[test, "share"] == planted / len(faces.rows("test"))
    exact = audit.exact_duplicates(faces.pixels)
    assert (splits.mask(faces, exact, exact)["deduplicated"] == 0).sum() == planted
    assert (~audit.without_copies(faces, "test")["deduplicated"]).sum() == planted
    assert cli.main(["audit", "in"]) == 0
    assert f"{planted}  {planted / len(faces.rows('test')):.4f}"[:1] in capsys.readouterr().out


def test_without_a_split_that_trains_there_is_an_error_and_no_zero(tmp_path):
    for split in ("one", "two"):
        classes(tmp_path / split, ("happy", "sad"))
    faces = datasets.load("folder", tmp_path)
    exact = audit.exact_duplicates(faces.pixels)
    for ask in (
        lambda: audit.leakage(faces, exact),
        lambda: splits.mask(faces, exact, exact),
        lambda: faces.rows("train"),
    ):
        with pytest.raises(datasets.NoSplit, match=r"no split 'train'; it has 'one', 'two'.*--roles train=SPLIT"):
            ask()
    named = datasets.load("folder", tmp_path, roles={"train": "one", "test": "two"})
    assert audit.leakage(named, exact)["in_one"].tolist() == [0, 0] and len(named.rows("test")) == 4
    with pytest.raises(DataError, match="the role train=three, with the splits 'one', 'two'"):
        datasets.load("folder", tmp_path, roles={"train": "three"})


@pytest.mark.parametrize(
    ("names", "roles"),
    [
        (
            ("Training", "PublicTest", "PrivateTest"),
            {"train": "Training", "select": "PublicTest", "test": "PrivateTest"},
        ),
        (("train", "valid", "test"), {"train": "train", "select": "valid", "test": "test"}),
        (("Train_Set", "dev", "testing_data"), {"train": "Train_Set", "select": "dev", "test": "testing_data"}),
        (("train", "val", "valid"), {"train": "train"}),
        (("train", "eval"), {"train": "train", "test": "eval"}),
        (("train", "Eval_Set", "test"), {"train": "train", "select": "Eval_Set", "test": "test"}),
        (("train", "evaluation", "hold-out"), {"train": "train", "select": "evaluation", "test": "hold-out"}),
        (("training", "development", "held_out"), {"train": "training", "select": "development", "test": "held_out"}),
        (("train", "test", "holdout"), {"train": "train"}),
        (("",), {"train": ""}),
        (("a", "b"), {}),
    ],
)
def test_roles_by_name(names, roles):
    from fercore.datasets.faces import roles_of

    assert roles_of(names) == roles


def test_imports_that_are_older_than_roles_are_read_by_name(tmp_path):
    path = datasets.import_dataset(
        "synthfer", None, tmp_path, images=200, roles={"test": "PublicTest", "select": "PrivateTest"}
    )
    assert datasets.load_imported(tmp_path).roles["test"] == "PublicTest"
    index = json.loads(path.read_text())
    del index["roles"]
    path.write_text(json.dumps(index))
    assert datasets.load_imported(tmp_path).roles["test"] == "PrivateTest"


# -- division by shares --------------------------------------------------------------------------------------------


def test_what_a_split_is_said_to_be_for_holds_before_what_trains_is_divided(tmp_path):
    for split in ("train", "val"):
        classes(tmp_path / split, ("happy", "sad"), 5)
    with pytest.raises(ValueError, match="a split that selects, 'val': no --split 80/20"):
        datasets.load("folder", tmp_path, split="80/20")
    faces = datasets.load("folder", tmp_path, split="80/20", roles={"test": "val"})
    assert faces.roles == {"train": "train", "select": "select", "test": "val"}
    assert [len(faces.rows(role)) for role in datasets.ROLES] == [8, 2, 10]


def test_a_set_is_divided_by_shares_and_nobody_is_on_two_sides(tmp_path):
    for person in range(20):
        for label in ("happy", "sad"):
            for number in range(2):
                draw(tmp_path / label / f"S{person:02d}_{number}.png", 8)
    faces = datasets.load("folder", tmp_path, split="80/10/10")
    assert [len(faces.rows(role)) for role in datasets.ROLES] == [64, 8, 8]
    assert [np.bincount(faces.labels[faces.rows(role)]).tolist() for role in datasets.ROLES] == [
        [32, 32],
        [4, 4],
        [4, 4],
    ]
    faces = datasets.load("folder", tmp_path, split="80/10/10", subject=r"(S\d+)_", seed=3)
    sides = faces.table.groupby("subject")["split"].nunique()
    assert (sides == 1).all() and [len(faces.rows(role)) for role in datasets.ROLES] == [64, 8, 8]
    assert "nobody is on two sides" in faces.notes[-1]
    again = datasets.load("folder", tmp_path, split="80/10/10", subject=r"(S\d+)_", seed=3)
    assert again.table.equals(faces.table)
    other = datasets.load("folder", tmp_path, split="80/10/10", subject=r"(S\d+)_", seed=4)
    assert not other.table.equals(faces.table)
    for wrong in ("80", "a/b", "80/20/0", "1/1/1/1"):
        with pytest.raises(ValueError, match="expected shares such as 80/10/10"):
            datasets.load("folder", tmp_path, split=wrong)


def test_images_of_several_sizes_are_told_a_way_that_their_reader_has(tmp_path):
    for part in ("train", "test"):
        classes(tmp_path / "fer" / part, side=48)
        classes(tmp_path / "any" / part, side=48)
    for name in ("fer", "any"):
        draw(tmp_path / name / "train/happy/other.png", 50)
    with pytest.raises(DataError, match="or import images of other sizes by the name folder, with --size 48"):
        datasets.load("fer2013", tmp_path / "fer")
    with pytest.raises(DataError, match=r"or scale them all alike \(--size 48"):
        datasets.load("folder", tmp_path / "any")
    assert datasets.load("folder", tmp_path / "fer", size=48).pixels.shape[1:] == (48, 48)


def test_two_shares_divide_what_trains(tmp_path):
    faces = datasets.load("rafdb", rafdb(tmp_path), split="67/33")
    assert [len(faces.rows(role)) for role in datasets.ROLES] == [14, 7, 21] and faces.splits[0] == "test"
    with pytest.raises(ValueError, match="has a split that selects"):
        datasets.load("ferplus", ferplus(tmp_path / "f"), split="90/10")


# -- weights -------------------------------------------------------------------------------------------------------


def test_a_head_of_other_classes_is_drawn_anew_and_said(tmp_path):
    same = models.create("tinyfer_lite", 7, weights="fer2013", classes=SEVEN)
    with pytest.warns(
        models.WeightsWarning, match=r"is of the classes angry, .*, and not 1, 2, .*a new head is initialised"
    ):
        other = models.create("tinyfer_lite", 7, weights="fer2013", classes=tuple("1234567"))
    with pytest.warns(models.WeightsWarning):
        eight = models.create("tinyfer_lite", 8, weights="fer2013", classes=(*SEVEN, "contempt"))
    ours = same.state_dict()
    for network in (other, eight):
        differ = (
            {name for name, value in network.state_dict().items() if not torch.equal(value, ours[name])}
            if (network is other)
            else {name for name, value in network.state_dict().items() if value.shape != ours[name].shape}
        )
        assert differ and all(
            value.shape[0] in (7, 8) for name, value in network.state_dict().items() if name in differ
        )


def test_a_pickle_is_named_converted_and_never_opened(tmp_path, capsys, monkeypatch):
    from safetensors.torch import save_file

    network = models.create("microexpnet_xxs", 7)
    state = network.state_dict()
    torch.save(state, tmp_path / "state.pth")
    torch.save(
        {"state_dict": {f"module.{name}": value for name, value in state.items()}, "epoch": 3}, tmp_path / "run.pt"
    )
    torch.save(network, tmp_path / "whole.pt")
    torch.save(state, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    monkeypatch.chdir(tmp_path)
    for name in ("state.pth", "run.pt", "whole.pt", "old.pth"):
        with pytest.raises(models.WeightsError, match=f"{name} is a pickled PyTorch file.*fercore convert {name}"):
            models.create("microexpnet_xxs", 7, weights=name)
    for name in ("state.pth", "run.pt", "old.pth"):
        assert cli.main(["convert", name, f"{name}.safetensors"]) == 0
        again = models.create("microexpnet_xxs", 7, weights=f"{name}.safetensors").state_dict()
        assert all(torch.equal(value, again[key]) for key, value in state.items())
    assert cli.main(["convert", "whole.pt", "w.safetensors"]) == 1
    assert "holds more than tensors" in capsys.readouterr().err and not Path("w.safetensors").exists()
    for prefix in ("module.", "_orig_mod.", "_orig_mod.module."):
        save_file({prefix + name: value.clone() for name, value in state.items()}, "p.safetensors")
        assert models.create("microexpnet_xxs", 7, weights="p.safetensors")


# -- the table of downloads ------------------------------------------------------------------------------------------


def write_csv(root: Path) -> Path:
    return write(root / "fer2013.csv", rows())


def weights(root: Path) -> Path:
    root.mkdir(parents=True)
    torch.save(models.create("microexpnet_xxs", 7).state_dict(), root / "model.pth")
    return root / "model.pth"


def votes(root: Path) -> Path:
    names = "neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
    lines = [f"Usage,Image name,{names}"]
    lines += [f"{usage},,{'10,0' if number % 2 else '0,10'},0,0,0,0,0,0,0,0" for number, usage in enumerate(
        ["Training"] * 4 + ["PublicTest"] * 2 + ["PrivateTest"] * 2)]  # fmt: skip
    return write(root / "fer2013new.csv", "\n".join(lines) + "\n")


def by_name(root: Path) -> Path:
    for number, label in enumerate(("happy", "sad", "happy")):
        draw(root / f"face_{label}_{number}.png")
    return root


def people(root: Path) -> Path:
    return classes(root, ("happy", "sad"), side=30, name="S{}_1.png")


def table(root: Path, label=lambda number: ("happy", "sad")[number % 2], folder="") -> Path:
    names = [f"{folder and label(number) + '/'}{number}.png" for number in range(7)]
    for name in names:
        draw(root / name)
    lines = [f"{name},{label(number)},{'train' if number < 4 else 'test'}" for number, name in enumerate(names)]
    return write(root / "labels.csv", "\n".join(["path,label,split", *lines])).parent


def coco(root: Path) -> Path:
    held = {"categories": [{"id": 1, "name": "happy"}, {"id": 2, "name": "sad"}], "images": [], "annotations": []}
    for number in range(4):
        draw(root / "train" / f"{number}.png")
        held["images"].append({"id": number, "file_name": f"{number}.png"})
        held["annotations"].append({"image_id": number, "category_id": 1 + number % 2, "bbox": [4, 4, 20 + number, 30]})
    return write(root / "train/_annotations.coco.json", json.dumps(held)).parent.parent


DOWNLOADS = [
    write_csv,
    unnamed,
    votes,
    ferplus,
    rafdb,
    affectnet,
    ckplus,
    oulucasia,
    jaffe,
    kdef,
    people,
    by_name,
    table,
    coco,
    partial(table, folder="classes"),
    partial(table, label=str),
    weights,
]
USAGE = (ROOT / "docs/usage.md").read_text("utf-8")
TABLE = re.findall(r"^\| .+? \| `(fercore (?:import|convert) .+)` \|$", USAGE, re.M)


def test_each_command_of_the_table_is_tried():
    assert len(TABLE) == len(DOWNLOADS)
    assert {command.split()[2] for command in TABLE if "import" in command} == set(datasets.REAL)


@pytest.mark.parametrize("number", range(len(DOWNLOADS)))
def test_a_command_of_the_table(tmp_path, monkeypatch, number, capsys):
    monkeypatch.chdir(tmp_path)
    if "data/fer2013" in TABLE[number]:
        datasets.import_dataset("fer2013", write_csv(tmp_path / "first"), "data/fer2013")
    download = DOWNLOADS[number](tmp_path / "download")
    _, *words = shlex.split(TABLE[number].replace("\\|", "|"))
    assert cli.main([str(download) if word == "DOWNLOAD" else word for word in words]) == 0, capsys.readouterr().err


def test_a_photograph_without_a_label_as_the_text_has_it(tmp_path):
    (code,) = re.findall(r"In Python `(.+)\(PICTURE\)` of `fercore.deployment`", USAGE)
    (face,) = eval(code, {"predict": predict})(draw(tmp_path / "cut out.jpg", 48, "RGB"))
    assert set(face.probabilities) == set(SEVEN)
