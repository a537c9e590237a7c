"""AffectNet in both layouts: labels, boxes, what is dropped, and every way in which a copy can be damaged."""

import numpy as np
import pytest
from PIL import Image

from fercore import datasets
from fercore.datasets import affectnet
from fercore.datasets.faces import FER2013_CLASSES, DataError

HEADER = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal"
EXPRESSIONS = (
    "neutral",
    "happy",
    "sad",
    "surprise",
    "fear",
    "disgust",
    "angry",
    "contempt",
)  # the release's codes 0 to 7
LISTS, PICTURES = "Manually_Annotated_file_lists", "Manually_Annotated_Images"
TRAINING = [3, 9, 0, 7, 10, 6, 8, 10]
VALIDATION = [1, 5, 10, 2, 4]


def write_lists(root, training=TRAINING, validation=VALIDATION, header=HEADER, end="\r\n", before=""):
    """Row r is a 30 x 40 image, black but for a face of red 20 + 15 r at the row's own box."""
    (root / LISTS).mkdir(parents=True)
    for split, codes in (("training", training), ("validation", validation)):
        lines = [header] if header else []
        for row, code in enumerate(codes):
            name = f"{row % 2}/{split}{row}.jpg"
            lines.append(line(name, row, code))
            if code < 8:
                image = np.zeros((30, 40, 3), np.uint8)
                image[row : row + 12, row + 5 : row + 15, 0] = 20 + 15 * row
                path = root / PICTURES / name
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(image).save(path, format="PNG")  # exact values, whatever the name says
        (root / LISTS / f"{split}.csv").write_bytes((before + end.join(lines) + end).encode())
    return root


def line(name, row, code):
    box = f"{row + 5},{row},10,12" if code < 8 else "NULL,NULL,NULL,NULL"
    affect = f"{row / 10},{-row / 10}" if code < 9 else "-2,-2"
    return f"{name},{box},1.5;2.5;3,{code},{affect}"


def edit(root, row, change, split="training"):
    """Change one line of a list; row 0 is the first image's."""
    path = root / LISTS / f"{split}.csv"
    lines = path.read_bytes().split(b"\r\n")
    lines[row + 1] = change(lines[row + 1].decode()).encode()
    path.write_bytes(b"\r\n".join(lines))
    return root


def write_sets(root, training=TRAINING, validation=VALIDATION, affect=True):
    """Image ID i of a split is of red 20 + 15 i."""
    for split, codes in (("train", training), ("val", validation)):
        images, notes = root / f"{split}_set/images", root / f"{split}_set/annotations"
        images.mkdir(parents=True)
        notes.mkdir()
        for number, code in enumerate(codes):
            Image.new("RGB", (224, 224), (20 + 15 * number, 0, 0)).save(images / f"{number + 8}.jpg", format="PNG")
            np.save(notes / f"{number + 8}_exp.npy", str(code))  # a string without dimensions, as in the release
            np.save(notes / f"{number + 8}_lnd.npy", np.zeros(136))
            if affect:
                np.save(notes / f"{number + 8}_val.npy", str(number / 10))
                np.save(notes / f"{number + 8}_aro.npy", str(-number / 10))
    return root


def expected(keep=8):
    """(split, row within its list, expression) of the images that are kept."""
    splits = (("train", TRAINING), ("val", VALIDATION))
    return [(split, row, EXPRESSIONS[code]) for split, codes in splits for row, code in enumerate(codes) if code < keep]


def test_the_published_validation_set_stays_whole_and_reports_where_training_is_divided(tmp_path):
    write_sets(tmp_path)
    whole = datasets.load("affectnet", tmp_path)
    faces = datasets.load("affectnet", tmp_path, split="60/40")
    assert whole.roles == {"train": "train", "test": "val"}
    assert faces.roles == {"train": "train", "select": "select", "test": "val"}
    assert (faces.rows("val") == whole.rows("val")).all() and len(faces.rows("select")) == 1


@pytest.mark.parametrize("write", [write_lists, write_sets])
@pytest.mark.parametrize("contempt", [True, False])
def test_rows_labels_affect_and_faces_stay_together(tmp_path, write, contempt):
    faces = affectnet.read(write(tmp_path), contempt=contempt)
    rows = expected(8 if contempt else 7)
    assert faces.name == "affectnet"
    assert faces.classes == ((*FER2013_CLASSES, "contempt") if contempt else FER2013_CLASSES)
    assert [(row.split, faces.classes[row.label]) for row in faces.table.itertuples()] == [
        (s, name) for s, _, name in rows
    ]
    assert faces.pixels.shape == (len(rows), 112, 112, 3)
    assert (faces.pixels[..., 0] == np.array([20 + 15 * row for _, row, _ in rows])[:, None, None]).all()
    assert (faces.pixels[..., 1:] == 0).all()
    np.testing.assert_allclose(faces.table["valence"], [row / 10 for _, row, _ in rows])
    np.testing.assert_allclose(faces.table["arousal"], [-row / 10 for _, row, _ in rows])
    first = f"{PICTURES}/0/training0.jpg" if write is write_lists else "train_set/images/8.jpg"
    assert faces.table["source"][0] == first
    notes = " | ".join(faces.notes)
    assert "dropped 1 images labelled none" in notes and "dropped 1 images labelled uncertain" in notes
    assert "dropped 3 images labelled no face" in notes
    assert ("dropped 1 images labelled contempt" in notes) != contempt


@pytest.mark.parametrize("write", [write_lists, write_sets])
@pytest.mark.parametrize("code", range(8))
def test_each_code_has_its_name(tmp_path, write, code):
    faces = affectnet.read(write(tmp_path, [code], [code]), size=8)
    assert {faces.classes[label] for label in faces.labels} == {EXPRESSIONS[code]}


def test_size_and_array(tmp_path):
    root = write_lists(tmp_path)
    assert affectnet.read(root, size=(5, 7)).pixels.shape[1:] == (5, 7, 3)
    assert affectnet.read(root, size=None).pixels.shape[1:] == (12, 10, 3)
    array = np.zeros((8, 6, 6, 3), np.uint8)
    assert affectnet.read(root, size=6, allocate=lambda shape: array.reshape(shape)).pixels.base is array


def test_the_number_of_images_of_the_release_is_compared(tmp_path, monkeypatch):
    root = write_lists(tmp_path)
    assert any(
        "4 images of split train; the release has 287,651" in note for note in affectnet.read(root, size=8).notes
    )
    monkeypatch.setattr(affectnet, "RELEASE", {"train": (4,), "val": (3, 4)})
    assert not any("the release has" in note for note in affectnet.read(root, size=8).notes)


def test_nothing_is_said_where_there_is_nothing_to_say(tmp_path, monkeypatch):
    monkeypatch.setattr(affectnet, "RELEASE", {"train": (2,), "val": (1,)})
    notes = affectnet.read(write_lists(tmp_path / "lists", [0, 7], [1]), size=8).notes
    assert notes == ("faces cropped by the boxes of the lists",)
    notes = affectnet.read(write_sets(tmp_path / "sets", [0, 7], [1]), size=8).notes
    assert notes == ("images of the release that is cropped already",)
    notes = affectnet.read(tmp_path / "sets", size=8, contempt=False).notes
    assert notes[1:] == ("dropped 1 images labelled contempt, as asked",)


# -- lists ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"header": None},
        {"header": None, "before": "\ufeff"},
        {"end": "\n"},
        {"end": "\n\n"},
        {"before": "\ufeff"},
        {"header": HEADER.upper().replace(",", " , ")},
        {"header": HEADER + ",extra"},
    ],
)
def test_lists_are_read_as_they_are_meant(tmp_path, options):
    faces = affectnet.read(write_lists(tmp_path, **options), size=8)
    assert [faces.classes[label] for label in faces.labels] == [name for *_, name in expected()]
    assert faces.pixels[0, 0, 0].tolist() == [20, 0, 0] and "valence" in faces.table


def test_columns_are_found_by_name_and_quoted_fields_are_unquoted(tmp_path):
    root = write_lists(tmp_path)
    for split, codes in (("training", TRAINING), ("validation", VALIDATION)):
        rows = [line(f"{row % 2}/{split}{row}.jpg", row, code).split(",") for row, code in enumerate(codes)]
        rows = [HEADER.split(","), *rows]
        order = [8, 6, 0, 1, 2, 3, 4]  # arousal first, no valence, no landmarks
        text = "\n".join(",".join(f'"{row[at]}"' for at in order) for row in rows)
        (root / LISTS / f"{split}.csv").write_text(text)
    faces = affectnet.read(root, size=8)
    assert [faces.classes[label] for label in faces.labels] == [name for *_, name in expected()]
    assert "arousal" in faces.table and "valence" not in faces.table
    assert faces.pixels[0, 0, 0].tolist() == [20, 0, 0]


def test_the_images_that_the_release_lacks_are_left_out(tmp_path):
    flawed = affectnet.FLAWED[0]
    root = edit(write_lists(tmp_path), 5, lambda text: text.replace("1/training5.jpg", flawed))
    faces = affectnet.read(root, size=8)
    assert len(faces) == len(expected()) - 1
    assert any("left out 1 images that are known to be absent" in note for note in faces.notes)
    (root / PICTURES / flawed).parent.mkdir()
    (root / PICTURES / "1/training5.jpg").rename(root / PICTURES / flawed)
    assert len(affectnet.read(root, size=8)) == len(expected())  # a copy that has it


def field(at, value):
    def change(text):
        fields = text.split(",")
        fields[at] = value
        return ",".join(fields)

    return change


BAD_ROWS = {
    "label outside": (field(6, "11"), r"training\.csv: line 4: found label '11'; expected a whole number from 0 to 10"),
    "label negative": (field(6, "-1"), "line 4: found label '-1'"),
    "label no number": (field(6, "happy"), "line 4: found label 'happy'"),
    "label empty": (field(6, ""), "line 4: found label ''"),
    "fields missing": (lambda text: text.rsplit(",", 2)[0], "line 4: found 7 fields; expected at least 9"),
    "box empty": (field(3, "0"), "line 4: found face box of 0 x 12 pixels"),
    "box negative": (field(4, "-5"), "line 4: found face box of 10 x -5 pixels"),
    "box no number": (field(1, "left"), "line 4: found face_x 'left'"),
    "box outside": (field(1, "60"), r"training2\.jpg: found face box from \(60, 2\) to \(70, 14\); .* 40 x 30 pixels"),
    "box far too large": (field(3, "9999"), r"training2\.jpg: found face box"),
    "valence no number": (field(7, "much"), "line 4: found valence 'much'"),
    "arousal infinite": (field(8, "inf"), "line 4: found arousal 'inf'"),
    "NUL": (field(5, "\0"), "line 4: found a NUL byte"),
    "quote": (field(5, '"1;2'), "line 4: found a line that is not CSV"),
    "missing image": (field(0, "0/gone.jpg"), r"Images/0/gone\.jpg: found no such file; expected all 8 images"),
    "leads out": (field(0, "../../out.jpg"), r"out\.jpg: found a path that leads to"),
    "absolute": (field(0, "/etc/hostname"), "/etc/hostname: found a path that leads to /etc/hostname"),
    "too long": (field(0, "n" * 5000), "found no such file"),
}


@pytest.mark.parametrize("case", BAD_ROWS)
def test_a_bad_row_is_named(tmp_path, case):
    change, finding = BAD_ROWS[case]
    with pytest.raises(DataError, match=finding):
        affectnet.read(edit(write_lists(tmp_path / "set"), 2, change), size=8)


def test_the_first_of_many_bad_rows_is_named(tmp_path):
    root = edit(edit(write_lists(tmp_path), 5, field(6, "11")), 3, field(6, "12"))
    with pytest.raises(DataError, match="line 5: found label '12'"):
        affectnet.read(root)


@pytest.mark.parametrize(
    ("content", "finding"),
    [
        (b"", "training.csv: found an empty file"),
        (None, "training.csv: found no such file"),
        (b"emotion,pixels,Usage\n0,1 2 3,Training\n", "line 1: found a header without subDirectory_filePath, face_x"),
        (HEADER.replace("expression", "emotion").encode() + b"\n", "line 1: found a header without expression"),
        (HEADER.encode() + b"\n", "training.csv: found no image to keep"),
        ((HEADER + "\n" + line("a.jpg", 0, 10)).encode(), "training.csv: found no image to keep"),
    ],
)
def test_a_bad_list_is_named(tmp_path, content, finding):
    path = write_lists(tmp_path) / LISTS / "training.csv"
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(DataError, match=finding):
        affectnet.read(tmp_path)


def test_seven_classes_of_a_split_of_contempt_alone_are_none(tmp_path):
    with pytest.raises(DataError, match=r"validation\.csv: found no image to keep; expected labels from 0 to 6"):
        affectnet.read(write_lists(tmp_path, validation=[7]), contempt=False)


def test_missing_folders_are_named(tmp_path):
    with pytest.raises(DataError, match="nowhere: found no such file or folder"):
        affectnet.read(tmp_path / "nowhere")
    with pytest.raises(DataError, match="found no folder of AffectNet; expected Manually_Annotated_file_lists"):
        affectnet.read(tmp_path)
    (tmp_path / LISTS).mkdir()
    with pytest.raises(DataError, match="Manually_Annotated_Images: found no such folder"):
        affectnet.read(tmp_path)


def test_damaged_and_linked_images_are_named(tmp_path):
    root = write_lists(tmp_path / "set")
    path = root / PICTURES / "0/training2.jpg"
    whole = path.read_bytes()
    path.write_bytes(whole[:50])
    with pytest.raises(DataError, match=r"training2\.jpg: found an image that cannot be decoded"):
        affectnet.read(root)
    path.unlink()
    (tmp_path / "out.jpg").write_bytes(whole)
    path.symlink_to(tmp_path / "out.jpg")
    with pytest.raises(DataError, match=r"training2\.jpg: found a path that leads to"):
        affectnet.read(root)


# -- the release that is cropped already ---------------------------------------------------------------------------


def test_affect_is_kept_only_where_it_is(tmp_path):
    assert "valence" not in affectnet.read(write_sets(tmp_path, affect=False), size=8).table
    np.save(tmp_path / "val_set/annotations/8_val.npy", np.float64(0.25))
    table = affectnet.read(tmp_path, size=8).table
    assert table["valence"].tolist()[4] == 0.25 and table["valence"].isna().sum() == 7 and "arousal" not in table


@pytest.mark.parametrize("value", [1, 1.0, np.array(["1"]), b"1"])
def test_labels_of_other_types(tmp_path, value):
    np.save(write_sets(tmp_path) / "train_set/annotations/8_exp.npy", value)
    assert affectnet.read(tmp_path, size=8).labels[0] == FER2013_CLASSES.index("happy")


class Pickled:
    def __reduce__(self):
        return open, ("/nonexistent/unpickled", "w")


@pytest.mark.parametrize(
    ("value", "finding"),
    [
        ("11", "8_exp.npy: found label '11'"),
        ("happy", "8_exp.npy: found label 'happy'"),
        (np.arange(3), "8_exp.npy: found values of shape"),
        (np.array(Pickled(), object), "8_exp.npy: found an array that cannot be read"),
        (b"\x93NUMPY garbage", "8_exp.npy: found an array that cannot be read"),
        (None, "8_exp.npy: found no such file; 1 images have no label"),
    ],
)
def test_a_bad_annotation_is_named(tmp_path, value, finding):
    path = write_sets(tmp_path) / "train_set/annotations/8_exp.npy"
    path.unlink()
    if isinstance(value, bytes):
        path.write_bytes(value)
    elif value is not None:
        np.save(path, value)
    with pytest.raises(DataError, match=finding):
        affectnet.read(tmp_path)


def test_a_bad_valence_is_named(tmp_path):
    np.save(write_sets(tmp_path) / "train_set/annotations/8_val.npy", "much")
    with pytest.raises(DataError, match=r"8_val\.npy: found .* 'much'; expected a number"):
        affectnet.read(tmp_path)


def test_missing_and_damaged_images_and_empty_sets_are_named(tmp_path):
    root = write_sets(tmp_path / "set")
    for number in (10, 13):
        (root / f"train_set/images/{number}.jpg").unlink()
    with pytest.raises(DataError, match=r"images/10\.jpg: found no such file; 2 are missing; expected all 8"):
        affectnet.read(root)
    root = write_sets(tmp_path / "other")
    (root / "val_set/images/9.jpg").write_bytes(b"x")
    with pytest.raises(DataError, match=r"val_set/images/9\.jpg: found an image that cannot be decoded"):
        affectnet.read(root)
    with pytest.raises(DataError, match="val_set: found no image to keep"):
        affectnet.read(write_sets(tmp_path / "third", validation=[]))
    (root / "val_set/annotations").rename(root / "val_set/labels")
    with pytest.raises(DataError, match="val_set/annotations: found no such folder"):
        affectnet.read(root)


def test_a_linked_annotation_is_named(tmp_path):
    path = write_sets(tmp_path / "set") / "val_set/annotations/9_exp.npy"
    path.rename(tmp_path / "out.npy")
    path.symlink_to(tmp_path / "out.npy")
    with pytest.raises(DataError, match=r"9_exp\.npy: found a path that leads to"):
        affectnet.read(tmp_path / "set")
