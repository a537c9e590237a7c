"""Own images with a list of labels beside them, as Hugging Face, Roboflow, COCO and people write them."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fercore import cli, datasets
from fercore.datasets import DataError, folder

SEVEN = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
NOISE = np.random.default_rng(13)


def draw(root: Path, *names: str, side=8) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(NOISE.integers(0, 256, (side, side), dtype=np.uint8)).save(root / name)
    return root


def listed(root: Path, name: str, *lines: str, **how) -> Path:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text("\n".join(lines) + "\n", **{"encoding": "utf-8", **how})
    return root


def found(source, **options) -> dict[str, tuple[str, str]]:
    """The label and split of each image."""
    faces = datasets.load("folder", source, **options)
    rows = zip(faces.table["source"], faces.labels, faces.table["split"], strict=True)
    return {name: (faces.classes[label], split) for name, label, split in rows}


THREE = {"a.png": ("happy", ""), "b.png": ("sad", ""), "c.png": ("happy", "")}


# -- what wrote them -----------------------------------------------------------------------------------------------


def test_imagefolder_of_hugging_face(tmp_path):
    for split, name in (("train", "metadata.csv"), ("test", "metadata.jsonl")):
        draw(tmp_path / split, "a.png", "b.png")
        if name == "metadata.csv":
            listed(tmp_path / split, name, "file_name,label,text", 'a.png,happy,"one, two"', "b.png,sad,")
        else:
            lines = ({"label": "Happiness", "file_name": "a.png"}, {"file_name": "b.png", "label": "sad", "more": [1]})
            listed(tmp_path / split, name, *map(json.dumps, lines))
    wanted = {"a.png": "happy", "b.png": "sad"}
    assert found(tmp_path) == {f"{split}/{one}": (wanted[one], split) for split in ("train", "test") for one in wanted}
    faces = datasets.load("folder", tmp_path)
    assert faces.roles == {"train": "train", "test": "test"}
    assert "labels from test/metadata.jsonl, train/metadata.csv" in faces.notes
    assert not any("passed over" in note for note in faces.notes)


def roboflow(root: Path) -> Path:
    for split in ("train", "valid", "test"):
        draw(root / split, "a_jpg.rf.1.jpg", "b_jpg.rf.2.jpg", "c.jpg", "d.jpg")
        rows = ("a_jpg.rf.1.jpg, 0, 1, 0", "b_jpg.rf.2.jpg, 1, 0, 0", "c.jpg, 1, 1, 0", "d.jpg, 0, 0, 0")
        listed(root / split, "_classes.csv", "filename, Anger, Mask, Happy", *rows)
    listed(root, "README.roboflow.txt", "exported")
    return root


def test_classification_of_roboflow(tmp_path):
    faces = datasets.load("folder", roboflow(tmp_path))
    assert faces.classes == ("Anger", "Mask") and faces.roles["select"] == "valid" and len(faces) == 6
    assert [faces.classes[label] for label in faces.labels[:2]] == ["Anger", "Mask"]
    assert faces.notes[-1].startswith("16 files found, 9 read; skipped: 3 of several labels: ")
    assert "3 without a label in the list: " in faces.notes[-1] and "(.txt): README.roboflow.txt" in faces.notes[-1]
    listed(tmp_path / "test", "_classes.csv", "filename, Anger, Mask, Happy", "a_jpg.rf.1.jpg, 0, 2, 0")
    with pytest.raises(DataError, match=r"test/_classes\.csv: line 2: found label '2'; expected a whole number from 0"):
        datasets.load("folder", tmp_path)


def coco(images, annotations, categories=((0, "faces"), (1, "happy"), (2, "sad"))) -> str:
    return json.dumps(
        {
            "images": [{"id": number, "file_name": name, "width": 8, "height": 8} for number, name in images],
            "annotations": [
                {"id": number, "image_id": image, "category_id": category, "bbox": box}
                for number, (image, category, box) in enumerate(annotations)
            ],
            "categories": [{"id": number, "name": name} for number, name in categories],
        }
    )


def test_coco_as_roboflow_has_it_with_faces_cut_out(tmp_path):
    draw(tmp_path / "train", "a.png", "b.png", "c.png", "d.png")
    draw(tmp_path / "valid", "a.png", "b.png")
    boxes = [(1, 1, [2, 1, 4, 6]), (2, 2, [0, 0, 8, 8]), (3, 1, [0, 0, 4, 4]), (3, 1, [4, 4, 4, 4])]
    held = coco([(1, "a.png"), (2, "b.png"), (3, "c.png"), (4, "d.png")], boxes)
    listed(tmp_path / "train", "_annotations.coco.json", held)
    listed(tmp_path / "valid", "_annotations.coco.json", coco([(7, "a.png"), (9, "b.png")], [(9, 1, []), (7, 2, [])]))
    assert found(tmp_path, size=8) == {
        "train/a.png": ("happy", "train"),
        "train/b.png": ("sad", "train"),
        "valid/a.png": ("sad", "valid"),
        "valid/b.png": ("happy", "valid"),
    }
    faces = datasets.load("folder", tmp_path, size=(6, 4))
    original = np.asarray(Image.open(tmp_path / "train/a.png"))
    assert (faces.pixels[faces.table["source"].eq("train/a.png")][0] == original[1:7, 2:6]).all()
    assert "1 faces cut out by their boxes" in faces.notes
    assert "1 of several faces: train/c.png; 1 without a label in the list: train/d.png" in faces.notes[-1]


def test_coco_in_folders_of_its_own(tmp_path):
    draw(tmp_path / "images", "train2017/1.png", "val2017/2.png", "train2017/3.png")
    held = {"train": [(1, "1.png"), (3, "3.png")], "val": [(2, "val2017/2.png")]}
    for split, names in held.items():
        named = coco(names, [(number, 1 + number % 2, [0, 0, 8, 8]) for number, _ in names])
        listed(tmp_path / "annotations", f"instances_{split}2017.json", named)
    (tmp_path / "other.json").write_text("{")
    assert found(tmp_path) == {
        "images/train2017/1.png": ("sad", "train"),
        "images/train2017/3.png": ("sad", "train"),
        "images/val2017/2.png": ("happy", "val"),
    }


@pytest.mark.parametrize(
    ("held", "told"),
    [
        ('{"images": [', r"_annotations\.coco\.json: found JSON that cannot be read"),
        ("[1]", "found no image in class folders"),
        (coco([(1, "a.png")], [(1, 9, [])]), "found a COCO file that lacks 9; expected images"),
        (coco([(1, "a.png")], [(1, 1, [1, 2])]), r"image 1: found the box \[1, 2\]; expected left, top, width"),
        (coco([(1, "a.png")], [(1, 1, [1, "x", 2, 2])]), r"image 1: found box 'x'; expected a number"),
        ('{"images": [{}], "annotations": [], "categories": []}', "found a COCO file that lacks 'id'"),
        ('{"images": [3], "annotations": [], "categories": []}', "found a COCO file that lacks"),
        ('{"images": [], "annotations": {}, "categories": []}', "found no image in class folders"),
    ],
)
def test_a_coco_file_that_is_damaged_is_told(tmp_path, held, told):
    listed(draw(tmp_path, "a.png"), "_annotations.coco.json", held)
    with pytest.raises(DataError, match=told):
        datasets.load("folder", tmp_path)


def test_boxes_of_tensorflow_in_a_table(tmp_path):
    rows = ("a.png,8,8,happy,0,0,4,8", "b.png,8,8,sad,0,0,8,8", "c.png,8,8,sad,0,0,4,4", "c.png,8,8,sad,4,4,8,8")
    header = "filename,width,height,class,xmin,ymin,xmax,ymax"
    listed(draw(tmp_path, "a.png", "b.png", "c.png"), "_annotations.csv", header, *rows)
    assert found(tmp_path, size=8) == {"a.png": ("happy", ""), "b.png": ("sad", "")}
    notes = datasets.load("folder", tmp_path, size=8).notes
    assert "1 faces cut out by their boxes" in notes and "1 of several faces: c.png" in notes[-1]


@pytest.mark.parametrize(
    ("lines", "how"),
    [
        (("path,label", "a.png,happy", "b.png,sad", "c.png,happy"), {}),
        (("a.png,happy", "b.png,sad", "c.png,happy"), {}),
        (("Image Name;Emotion", "a.png;happy", "b.png;sad", ";", "c.png;happy"), {"encoding": "utf-8-sig"}),
        (("ID\tFILE_NAME\tCLASS", "1\ta.png\thappy", "2\tb.png\tsad", "3\tc.png\thappy"), {"newline": "\r\n"}),
        (('"path","label","label_name"', '"a.png","3","happy"', '"b.png","4.0","sad"', '"c.png",3,happy'), {}),
        (("id,label", "a,happy", "b,sad", "c,happy"), {}),
        (("path,label", ".\\a.png,happy", "./b.png,sad", "C.PNG,happy"), {}),
    ],
)
def test_a_table_whoever_wrote_it(tmp_path, lines, how):
    assert found(listed(draw(tmp_path, "a.png", "b.png", "c.png"), "labels.csv", *lines, **how)) == THREE


def test_splits_and_subjects_of_a_table(tmp_path):
    rows = ("p1/1.png,happy,train,p1", "p1/2.png,sad,train,p1", "p2/1.png,sad,eval,p2", "p3/1.png,happy,hold-out,p3")
    listed(draw(tmp_path, *(row.split(",")[0] for row in rows)), "faces.csv", "path,label,split,subject", *rows)
    faces = datasets.load("folder", tmp_path)
    assert faces.roles == {"train": "train", "select": "eval", "test": "hold-out"}
    assert dict(zip(faces.table["source"], faces.table["subject"], strict=True))["p2/1.png"] == "p2"
    assert found(tmp_path, subject="/(.)")["p2/1.png"] == ("sad", "eval")
    listed(tmp_path, "faces.csv", "path,label,split", "p1/1.png,happy,one", "p1/2.png,sad,two")
    faces = datasets.load("folder", tmp_path)
    assert faces.roles == {} and any("--roles train=SPLIT,test=SPLIT" in note for note in faces.notes)
    with pytest.raises(datasets.NoSplit, match="no split 'train'; it has 'one', 'two'"):
        faces.rows("train")


def test_a_list_a_split(tmp_path):
    draw(tmp_path / "img", "1.png", "2.png", "3.png", "4.png")
    listed(tmp_path, "train_labels.csv", "image,label", "1.png,happy", "2.png,sad")
    listed(tmp_path, "labels-test.csv", "image,label", "3.png,happy", "4.png,sad")
    listed(tmp_path, "all.csv", "image,label", "1.png,happy", "2.png,sad", "3.png,happy", "4.png,sad")
    listed(tmp_path, "sample_submission.csv", "image,label", "3.png,angry", "4.png,angry")
    wanted = {
        "1.png": ("happy", "train"),
        "2.png": ("sad", "train"),
        "3.png": ("happy", "test"),
        "4.png": ("sad", "test"),
    }
    assert found(tmp_path) == {f"img/{name}": one for name, one in wanted.items()}
    listed(tmp_path, "all.csv", "image,label", "1.png,happy", "2.png,sad", "3.png,sad", "4.png,sad")
    with pytest.raises(DataError, match=r"found the label .* for img/3\.png, which has .*; expected lists that agree"):
        datasets.load("folder", tmp_path)
    assert found(tmp_path / "all.csv") == {f"img/{n}.png": ("happy" if n == 1 else "sad", "") for n in range(1, 5)}


def test_of_two_lists_the_one_with_a_label_counts(tmp_path):
    draw(tmp_path, "1.png", "2.png", "3.png")
    listed(tmp_path, "test.csv", "image,label", "1.png,", "2.png,", "3.png,")
    listed(tmp_path, "test_labels.csv", "image,label", "1.png,happy", "2.png,sad")
    assert found(tmp_path) == {"1.png": ("happy", "test"), "2.png": ("sad", "test")}
    assert "1 without a label in the list: 3.png" in datasets.load("folder", tmp_path).notes[-1]


@pytest.mark.parametrize("missing", ["", "NaN", "NA", "N/A", "#N/A", "<NA>", "null"])
def test_what_a_table_writes_where_there_is_no_label_is_none(tmp_path, missing):
    draw(tmp_path, "1.png", "2.png", "3.png")
    listed(tmp_path, "all.csv", "image,label", "1.png,happy", "2.png,sad", f"3.png,{missing}")
    assert found(tmp_path) == {"1.png": ("happy", ""), "2.png": ("sad", "")}
    assert "1 without a label in the list: 3.png" in datasets.load("folder", tmp_path).notes[-1]


@pytest.mark.parametrize("column", ["emotion_name", "Emotion Label", "expression_label", "classLabel"])
def test_a_column_of_labels_by_a_longer_name(tmp_path, column):
    draw(tmp_path, "1.png", "2.png", "3.png")
    wanted = {"1.png": ("happy", ""), "2.png": ("sad", ""), "3.png": ("sad", "")}
    for number in ("4", "", "NaN", "N/A"):
        listed(tmp_path, "all.csv", f"image,label,{column}", "1.png,3,happy", "2.png,4,sad", f"3.png,{number},sad")
        assert found(tmp_path) == wanted, "words and no numbers, of which one may be missing"
    listed(tmp_path, "all.csv", f"image,{column}", "1.png,happy", "2.png,sad", "3.png,sad")
    assert found(tmp_path) == wanted


def test_names_that_each_split_has_are_of_the_split_that_its_list_is_of(tmp_path):
    draw(tmp_path / "images", "train/1.png", "train/2.png", "val/1.png", "val/2.png")
    listed(tmp_path / "labels", "train.csv", "path,label", "1.png,happy", "2.png,sad")
    listed(tmp_path / "labels", "val.csv", "path,label", "1.png,sad", "2.png,happy")
    wanted = {"train/1.png": "happy", "train/2.png": "sad", "val/1.png": "sad", "val/2.png": "happy"}
    assert found(tmp_path) == {f"images/{name}": (label, name.split("/")[0]) for name, label in wanted.items()}


def test_an_image_that_is_listed_in_two_splits_stands_in_both(tmp_path):
    rows = ("a.png,happy,train", "b.png,sad,train", "a.png,happy,test", "b.png,sad,train")
    listed(draw(tmp_path, "a.png", "b.png"), "labels.csv", "path,label,split", *rows)
    faces = datasets.load("folder", tmp_path)
    assert faces.table.groupby("split")["source"].apply(list).to_dict() == {
        "test": ["a.png"],
        "train": ["a.png", "b.png"],
    }
    assert "1 images are listed in several splits: they stand in each" in faces.notes


# -- where the images are ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "front", ["", "/content/drive/MyDrive/faces/", "C:\\Users\\me\\faces\\", "../", "images/", "https://host/v1/"]
)
@pytest.mark.parametrize("home", ["", "down/", "down/lists/"])
def test_folders_in_front_are_those_of_whoever_wrote_the_list(tmp_path, front, home):
    names = ("train/x/1.png", "train/y/1.png", "test/x/1.png", "test/x/2.png")
    rows = [f"{front}{name}".replace("/", "\\" if "\\" in front else "/") for name in names]
    listed(tmp_path, f"{home}labels.csv", "path,label", *(f"{row},{'happy' if 'x' in row else 'sad'}" for row in rows))
    draw(tmp_path / "down", *names)
    wanted = {f"down/{name}": ("happy" if "x" in name else "sad", name.split("/")[0]) for name in names}
    assert found(tmp_path, labels="list") == wanted


def test_what_is_listed_and_not_there_and_there_and_not_listed_is_told(tmp_path):
    rows = ("train/1.png,happy", "train/2.png,sad", "train/3.png,sad", "train/4.png,")
    listed(draw(tmp_path, "train/1.png", "train/2.png", "train/4.png", "test/3.png"), "l.csv", "path,label", *rows)
    faces = datasets.load("folder", tmp_path)
    assert faces.table["source"].tolist() == ["train/1.png", "train/2.png"]
    assert "l.csv lists 1 that are not here, such as train/3.png" in faces.notes
    assert faces.notes[-1] == (
        "5 files found, 3 read; skipped: 1 without a label in the list: train/4.png; 1 in no list: test/3.png"
    )


@pytest.mark.parametrize("row", ["1.png", "happy/1.png", "/data/happy/1.png"])
def test_a_path_that_several_images_have_is_refused(tmp_path, row):
    draw(tmp_path, "train/happy/1.png", "test/happy/1.png", "train/sad/2.png")
    listed(tmp_path, "l.csv", "path,label", f"{row},happy", f"{row},happy")
    with pytest.raises(DataError, match=rf"l\.csv: line 2: found the image '{row}', which may be any of 2: test/happy"):
        datasets.load("folder", tmp_path, labels="list")


def test_of_two_spellings_the_one_that_is_listed_is_meant(tmp_path):
    draw(tmp_path / "x", "a.png", "A.png")
    listed(tmp_path, "l.csv", "path,label", "A.png,happy", "a.png,sad")
    assert found(tmp_path) == {"x/A.png": ("happy", ""), "x/a.png": ("sad", "")}


def test_a_list_of_other_images_is_told(tmp_path):
    listed(draw(tmp_path, "a.png"), "l.csv", "path,label", "x.png,happy", "y.png,sad")
    with pytest.raises(
        DataError, match=r"l\.csv: found l\.csv lists 2 that are not here, such as x\.png; .* in no list"
    ):
        datasets.load("folder", tmp_path)
    listed(tmp_path, "l.csv", "path,label", "a.png,")
    with pytest.raises(
        DataError, match=r"l\.csv: found 2 files found, 1 read; .* 1 without a label in the list: a\.png"
    ):
        datasets.load("folder", tmp_path)


def test_a_row_that_is_cut_off_is_told_with_its_line(tmp_path):
    listed(draw(tmp_path, "a.png"), "l.csv", "path,label,split", "a.png,happy,train", "b.png,sad")
    with pytest.raises(DataError, match=r"l\.csv: line 3: found 2 fields \(cut off\?\); expected 3"):
        datasets.load("folder", tmp_path)
    listed(tmp_path, "l.csv", "path;label", "a.png;Überraschung", encoding="cp1252")
    with pytest.raises(DataError, match=r"l\.csv: line 2: found bytes that are not text .*; expected UTF-8 text"):
        datasets.load("folder", tmp_path)
    (tmp_path / "l.csv").rename(tmp_path / "m.jsonl")
    listed(tmp_path, "m.jsonl", '{"file_name": "a.png", "label": "happy"}', '{"file_name": "b.png"')
    with pytest.raises(DataError, match=r"m\.jsonl: line 2: found JSON that cannot be read"):
        datasets.load("folder", tmp_path)


def test_a_column_that_a_line_of_json_lacks_is_told(tmp_path):
    lines = ('{"file_name": "a.png", "happy": 1, "sad": 0}', '{"file_name": "b.png", "happy": 1}')
    listed(draw(tmp_path, "a.png", "b.png"), "metadata.jsonl", *lines)
    with pytest.raises(DataError, match=r"metadata\.jsonl: line 2: found label 'None'; expected a number"):
        datasets.load("folder", tmp_path)
    listed(tmp_path, "metadata.jsonl", '{"file_name": ["a.png"], "label": "happy"}')
    with pytest.raises(DataError, match=r"metadata\.jsonl: line 1: found the value \['a\.png'\]; expected a word"):
        datasets.load("folder", tmp_path)


def test_a_table_that_is_no_list_says_what_one_has(tmp_path):
    listed(draw(tmp_path, "a.png"), "l.csv", "photograph,feeling", "a.png,happy")
    for source in (tmp_path, tmp_path / "l.csv"):
        with pytest.raises(DataError, match=r"expected .*columns of paths \(filename, .*\) and of labels \(label, "):
            datasets.load("folder", source)


def test_a_table_that_is_no_text_is_told(tmp_path):
    listed(draw(tmp_path, "a.png"), "l.csv", "path,label", "a.png,happy", encoding="utf-16")
    with pytest.raises(DataError, match=r"l\.csv: line 1: found a NUL byte; expected UTF-8 text"):
        datasets.load("folder", tmp_path)


@pytest.mark.parametrize(
    "held",
    [
        {"a.png": "happy", "b.png": "sad", "c.png": "happy"},
        [{"image": f"{name}.png", "label": label} for name, label in (("a", "happy"), ("b", "sad"), ("c", "happy"))],
    ],
)
def test_labels_in_json(tmp_path, held):
    assert found(listed(draw(tmp_path, *THREE), "labels.json", json.dumps(held))) == THREE
    listed(tmp_path, "labels.json", json.dumps({"a.png": "happy", "version": "2"}))
    with pytest.raises(DataError, match=r"or a list of labels, which labels\.json is not: columns of paths"):
        datasets.load("folder", tmp_path)


def test_a_column_of_splits_or_of_sources(tmp_path):
    draw(tmp_path, "a.png", "b.png")
    for values, splits in ((("train", "test"), ("test", "train")), (("FER2013", "CK+"), ("",))):
        rows = (f"0,a.png,happy,{values[0]}", f"1,b.png,sad,{values[1]}")
        listed(tmp_path, "l.csv", "class id,filepaths,labels,data set", *rows)
        assert datasets.load("folder", tmp_path).splits == splits


def test_an_archive_with_a_list(tmp_path):
    rows = (f"{name},{label}" for name, (label, _) in THREE.items())
    listed(draw(tmp_path / "in", *THREE), "labels.csv", "path,label", *rows)
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for path in sorted((tmp_path / "in").iterdir()):
            archive.write(path, f"faces/{path.name}")
    assert found(tmp_path / "set.zip") == {f"faces/{name}": one for name, one in THREE.items()}


# -- folders and lists ---------------------------------------------------------------------------------------------


def test_a_list_that_contradicts_no_folder_is_not_told_to(tmp_path):
    draw(tmp_path, "Happy/1.png", "sad/1.png")
    listed(tmp_path, "labels.csv", "path,label", "Happy/1.png,happiness", "sad/1.png,sad")
    assert datasets.load("folder", tmp_path).notes == ()


def test_folders_of_expressions_count_and_the_list_where_it_is_said(tmp_path):
    draw(tmp_path, "Happy/1.png", "Happy/2.png", "sad/1.png")
    listed(tmp_path, "labels.csv", "path,label", "Happy/1.png,happiness", "Happy/2.png,sad", "sad/9.png,sad")
    faces = datasets.load("folder", tmp_path)
    assert faces.classes == ("Happy", "sad") and len(faces) == 3
    (note,) = (note for note in faces.notes if note.startswith("labels.csv has another label for 1 of 2 images"))
    assert note.endswith("that it lists: folder labels are used; labels=list (--labels list) uses the list's")
    assert found(tmp_path, labels="list")["Happy/2.png"] == ("sad", "")
    assert len(datasets.load("folder", tmp_path, labels="folders")) == 3
    with pytest.raises(ValueError, match="labels is 'lists'; expected folders or list"):
        datasets.load("folder", tmp_path, labels="lists")
    (tmp_path / "labels.csv").unlink()
    with pytest.raises(DataError, match="found no list of labels; expected columns of paths"):
        datasets.load("folder", tmp_path, labels="list")


def test_a_list_that_cannot_be_read_beside_folders_of_expressions_is_a_note(tmp_path):
    draw(tmp_path, "happy/1.png", "sad/1.png")
    for rows, told in (("1.png,happy", "which may be any of 2"), ("happy/1.png,happy,x", "found 3 fields, 1 more")):
        listed(tmp_path, "labels.csv", "path,label", rows)
        (note, _) = datasets.load("folder", tmp_path).notes
        assert (
            note.startswith(f"folder labels are used; a list cannot be read: {tmp_path}/labels.csv: line 2")
            and told in note
        )
        with pytest.raises(DataError, match=told):
            datasets.load("folder", tmp_path, labels="list")


def test_folders_of_people_do_not_count_beside_a_list(tmp_path):
    draw(tmp_path, "P1/1.png", "P1/2.png", "P2/1.png")
    listed(tmp_path, "labels.csv", "path,label,person", "P1/1.png,happy,P1", "P1/2.png,sad,P1", "P2/1.png,happy,P2")
    assert found(tmp_path) == {"P1/1.png": ("happy", ""), "P1/2.png": ("sad", ""), "P2/1.png": ("happy", "")}
    assert set(found(tmp_path, labels="folders").values()) == {("P1", ""), ("P2", "")}


def test_a_table_of_the_classes_is_no_list_of_images(tmp_path):
    draw(tmp_path, *(f"{label}/{number}.png" for label in ("angry", "happy", "notes") for number in (1, 2, 3)))
    listed(tmp_path, "classes.csv", "id,class", "0,angry", "1,happy", "2,notes")
    faces = datasets.load("folder", tmp_path)
    assert faces.classes == ("angry", "happy", "notes") and "1 no image (.csv): classes.csv" in faces.notes[-1]
    listed(tmp_path, "of_all.csv", "id,class", *(f"{number},{label}" for label in "abc" for number in (1, 2, 3)))
    with pytest.raises(DataError, match=r"'1', which may be any of 3.*; or --labels folders, if these count"):
        datasets.load("folder", tmp_path)


def test_folders_that_are_no_classes_and_one_label(tmp_path):
    draw(tmp_path, "images/1.png", "images/2.png")
    listed(tmp_path, "labels.csv", "path,label", "1.png,happy", "2.png,happy")
    with pytest.raises(DataError, match="found one class, 'happy', alone; expected two at least: give a list"):
        datasets.load("folder", tmp_path)
    assert len(datasets.load("folder", tmp_path, labels="list", as_is=True)) == 2


def test_a_list_that_contradicts_itself_down_to_one_class_says_what_was_passed_over(tmp_path):
    listed(draw(tmp_path, "a.png", "b.png"), "labels.csv", "file,label", "a.png,happy", "b.png,sad", "a.png,sad")
    with pytest.raises(DataError, match=r"one class, 'sad', alone; .*1 of several labels: a\.png; expected two"):
        datasets.load("folder", tmp_path)


def test_numbers_are_named_by_the_classes_that_are_given(tmp_path):
    draw(tmp_path, *(f"{number}.png" for number in range(7)))
    listed(tmp_path, "l.csv", "path,label", *(f"{number}.png,{number}" for number in range(7)))
    assert any("name them in order (--classes" in note for note in datasets.load("folder", tmp_path).notes)
    assert found(tmp_path, classes=SEVEN) == {f"{number}.png": (name, "") for number, name in enumerate(SEVEN)}
    listed(tmp_path, "l.csv", "path,label", *(f"{number}.png,{number + 1}.0" for number in range(7)))
    faces = datasets.load("folder", tmp_path, classes=SEVEN)
    assert faces.labels.tolist() == [*range(7)] and "1 is angry, and so on to 7, neutral" in faces.notes
    with pytest.raises(DataError, match=r"6\.png: found the label '7'; expected one of angry, disgust"):
        datasets.load("folder", tmp_path, classes=SEVEN[:6])


def test_the_command_takes_a_list_and_says_what_it_took(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    roboflow(tmp_path / "set")
    assert cli.main(["import", "folder", "set"]) == 0
    assert "note: labels from test/_classes.csv, train/_classes.csv, valid/_classes.csv" in capsys.readouterr().out
    assert datasets.load_imported("data/folder").roles == {"train": "train", "select": "valid", "test": "test"}
    assert cli.main(["import", "folder", "set/train/_classes.csv", "--labels", "list"]) == 0
    assert len(datasets.load_imported("data/folder")) == 2


def test_a_list_of_all_images_beside_one_of_each_split_doubles_none(tmp_path):
    for number in range(4):
        Image.new("L", (8, 8), 40 * number).save(tmp_path / f"{number}.png")
    rows = [f"{number}.png,{('sad', 'happy')[number % 2]}\n" for number in range(4)]
    for name, part in (("labels", rows), ("train", rows[:2]), ("test", rows[2:])):
        (tmp_path / f"{name}.csv").write_text("path,label\n" + "".join(part))
    assert folder.read(tmp_path).table["split"].value_counts().to_dict() == {"train": 2, "test": 2}
