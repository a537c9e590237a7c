"""A photograph, which emotion: with a stub for the detector here, with the real ones where the extra is installed."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw

from fercore.datasets import DataError
from fercore.deployment import detect, export, predict, videos
from fercore.deployment.detect import Box
from fercore.deployment.predict import Face, Found, Predictor
from fercore.models.weights import RELEASED, WeightsError

CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


def face_of(certain=True, box=None, **probabilities):
    return Face(box, probabilities, certain)


def test_three_lines(predictor, photograph):
    found = predictor(photograph)
    assert [face.box.left for face in found] == [30, 140]
    for face in found:
        assert tuple(face.probabilities) == CLASSES
        assert sum(face.probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert face.label in CLASSES and face.certain == (face.probability >= 0.5)


def test_no_face_and_a_face_already_cut_out(photograph):
    found = []
    predictor = Predictor(detector=lambda picture: found.append(picture.shape) or [])
    assert predictor(photograph) == [] and found == [(160, 240, 3)]
    (face,) = predictor(np.zeros((48, 48), np.uint8))  # as small as a data set's
    assert face.box is None and len(found) == 1 and str(face).endswith("% (whole picture)")


def test_a_picture_of_one_long_side_is_looked_through_and_one_of_two_short_sides_is_a_face(predictor):
    for shape, boxes in (((112, 112, 3), 1), ((112, 113, 3), 2), ((113, 112, 3), 2)):
        assert len(predictor(np.zeros(shape, np.uint8))) == boxes


def test_the_detector_is_given_its_sizes_and_the_model_its_threads(monkeypatch):
    given = Mock()
    monkeypatch.setattr(detect, "detector", given.detector)
    monkeypatch.setattr(export, "load", given.load)
    Predictor(model="a.onnx", detector="yunet", sizes=detect.MOVING, threads=3)
    given.detector.assert_called_once_with("yunet", detect.MOVING)
    given.load.assert_called_once_with("a.onnx", 3)


def test_an_answer_that_is_not_finite_is_no_answer(predictor, photograph, monkeypatch):
    """Of seven NaN, the first class would be the most probable."""
    monkeypatch.setattr(predictor, "classify", lambda faces: np.full((len(faces), 7), np.nan, np.float32))
    with pytest.raises(WeightsError, match="not finite"):
        predictor(photograph)


def test_uncertain_answers_say_so():
    probabilities = dict(zip(CLASSES, (0.4, 0.02, 0.3, 0.1, 0.1, 0.05, 0.03), strict=True))
    unsure = Face(Box(1, 2, 30, 40), probabilities, certain=False)
    assert str(unsure) == "uncertain: angry 40 %, fear 30 % at 1, 2, 30 x 40 px"
    sure = Face(Box(1, 2, 30, 40), probabilities | {"angry": 0.93}, certain=True)
    assert str(sure) == "angry 93 % at 1, 2, 30 x 40 px"


def test_a_threshold_of_ones_own(photograph, two_faces):
    assert not any(face.certain for face in Predictor(detector=two_faces, certain=1.0)(photograph))
    with pytest.raises(ValueError, match="certain is a probability"):
        Predictor(detector=two_faces, certain=50)


def test_what_is_as_probable_as_asked_for_is_certain():
    picture = np.zeros((48, 48), np.uint8)
    (face,) = Predictor(detector=None)(picture)
    for more, certain in ((0.0, True), (1e-6, False)):
        (again,) = Predictor(detector=None, certain=face.probability + more)(picture)
        assert again.certain is certain


def test_bad_input_gets_one_line_and_the_rest_goes_on(predictor, photograph, tmp_path):
    folder = tmp_path / "batch"
    (folder / "below").mkdir(parents=True)
    photograph.rename(folder / "below" / "good.png")
    (folder / "text.jpg").write_text("no picture")
    (folder / "cut.png").write_bytes((folder / "below" / "good.png").read_bytes()[:500])
    Image.new("1", (10_000, 10_000)).save(folder / "bomb.png")
    (folder / "._good.png").write_text("a resource fork")
    (folder / "notes.txt").write_text("of no interest")
    (tmp_path / "empty").mkdir()
    sources = [folder, tmp_path / "empty", tmp_path / "missing.png"]
    said = []
    table = predict.report(predict.predict(predictor, sources), CLASSES, say=said.append)
    assert len(said) == 6 and all("\n" not in line for line in said)
    assert table.groupby("source", sort=False).size().to_list() == [2, 1, 1, 1, 1, 1]
    told = table[table["face"].isna()].set_index("source")["note"].to_dict()
    for name, text in {
        "bomb.png": "decompression bomb", "cut.png": "cannot be decoded", "text.jpg": "cannot be decoded",
        "empty": "no picture and no video", "missing.png": "no such file or folder",
    }.items():  # fmt: skip
        (note,) = (note for source, note in told.items() if Path(source).name == name)
        assert text in note
    assert predict.summary(table).startswith("pictures: 1; faces: 2 (") and "not read: 5" in predict.summary(table)
    assert "judge nobody by these answers. More: fercore predict --limits" in predict.summary(table)
    twice = pd.concat([table, table])
    assert predict.summary(twice) == predict.summary(table), "what is given twice is one picture"


def test_where_the_network_cannot_look_the_next_picture_is_gone_on_with(predictor, photograph, monkeypatch):
    monkeypatch.setattr(videos, "fps", Mock(side_effect=export.ExportError("cv2 is not installed")))
    clip = photograph.with_name("a.mp4")
    clip.touch()
    first, second = predict.predict(predictor, [clip, photograph])
    assert first.note == "cv2 is not installed" and len(second.faces) == 2


def test_frames_are_told_by_their_number():
    said = []
    found = [Found("a.mp4", 3, (), predict.NO_FACE, np.zeros((9, 9, 3), np.uint8))]
    predict.report(found, CLASSES, say=said.append)
    assert said == ["a.mp4, frame 3: no face found"]


def test_the_summary_counts_frames_faces_and_what_is_uncertain_or_without_one():
    picture = np.zeros((9, 9, 3), np.uint8)
    found = [
        Found("a.mp4", 0, (face_of(happy=0.9), face_of(False, sad=0.4)), "", picture),
        Found("a.mp4", 1, (), predict.NO_FACE, picture),
        Found("b.png", None, (face_of(happy=0.8),), "", picture),
        Found("c.png", None, (), "cannot be decoded"),
    ]
    table = predict.rows(found, ["happy", "sad"])
    first, second, *_ = predict.summary(table).splitlines()
    assert first == "pictures: 3; faces: 3 (happy 2, sad 1); uncertain: 1; without a face: 1; not read: 1"
    assert second != export.NOT_CALIBRATED == predict.summary(table, calibrated=False).splitlines()[1]


def animated(path, frames, **how):
    first, *others = (frame.copy() for frame in frames)  # Pillow leaves its settings on what it has saved
    first.save(path, save_all=True, append_images=others, **how)
    return path


@pytest.fixture
def frames(photograph):
    picture = Image.open(photograph).convert("RGB")
    return [picture, picture.rotate(180), picture, picture.rotate(180), picture]


@pytest.mark.parametrize("name", ["moves.gif", "moves.webp", "moves.png"])
def test_an_animation_is_read_frame_by_frame(predictor, frames, tmp_path, name):
    how = {"lossless": True} if name == "moves.webp" else {}
    path = animated(tmp_path / name, frames, duration=[300, 100, 300, 200, 100], **how)
    found = list(predict.predict(predictor, [path], every=2))
    assert [one.frame for one in found] == [0, 2, 4] and {one.fps for one in found} == {2.5}, "5 frames in a second"
    assert all(len(one.faces) == 2 and one.picture.shape == (160, 240, 3) for one in found)
    seen = [one.picture for one in predict.predict(predictor, [path])]
    assert len(seen) == 5 and np.array_equal(seen[0], seen[2]) and np.array_equal(seen[1], seen[3])
    assert not np.array_equal(seen[0], seen[1])
    clear = [frame.convert("RGBA") for frame in frames]
    for frame in clear:
        frame.putpixel((0, 0), (0, 0, 0, 0))
    path = animated(tmp_path / name, clear, duration=200, **how)
    assert {one.fps for one in predict.predict(predictor, [path])} == {5.0}, "transparent or not"


@pytest.mark.parametrize("name", ["moves.webp", "moves.png"])
def test_an_animation_stands_upright_as_its_exif_says(predictor, frames, tmp_path, name):
    turned = Image.Exif()
    turned[0x112] = 6
    how = {"lossless": True} if name == "moves.webp" else {}
    path = animated(tmp_path / name, frames, duration=200, exif=turned, **how)
    seen = [one.picture for one in predict.predict(predictor, [path])]
    upright = [np.asarray(frame.transpose(Image.Transpose.ROTATE_270)) for frame in frames]
    assert len(seen) == 5 and all(map(np.array_equal, seen, upright))


def test_previews_and_pages_are_no_frames(predictor, frames, tmp_path):
    small = frames[1].resize((120, 80))
    paths = [animated(tmp_path / "camera.jpg", [frames[0], small], format="MPO"), tmp_path / "still.gif"]
    paths.append(animated(tmp_path / "pages.tif", [frames[0], small]))
    frames[0].save(paths[1])
    found = list(predict.predict(predictor, paths))
    assert [(one.frame, one.picture.shape) for one in found] == [(None, (160, 240, 3))] * 3


def test_of_an_animation_that_breaks_off_what_there_is_is_looked_at(predictor, frames, tmp_path):
    path = animated(tmp_path / "moves.gif", frames, duration=200)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    *found, last = predict.predict(predictor, [path])
    assert [one.frame for one in found] == list(range(len(found))) and found and "cannot be decoded" in last.note


@pytest.mark.usefixtures("opencv")
def test_an_animation_of_any_pace_is_drawn_and_what_cannot_be_is_said(predictor, frames, tmp_path, monkeypatch):
    paths = [animated(tmp_path / f"{pace}.png", frames, duration=pace) for pace in (3, 15, 60_000)]
    predict.report(predict.predict(predictor, paths), CLASSES, tmp_path / "drawn", say=str)
    for path in paths:
        assert len(list(videos.frames(tmp_path / "drawn" / f"{path.stem}.mp4"))) == 5
    frames[0].save(tmp_path / "still.png")

    def missing(*_):
        raise export.ExportError("cv2 is not installed")

    monkeypatch.setattr(videos, "writer", missing)
    said = []
    table = predict.report(
        predict.predict(predictor, [paths[0], tmp_path / "still.png"]), CLASSES, tmp_path / "again", say=said.append
    )
    assert [line for line in said if "not drawn" in line] == [f"{paths[0]}: not drawn, cv2 is not installed"]
    assert table["source"].nunique() == 2 and (tmp_path / "again/still.png").is_file()


def test_what_is_smaller_than_any_face_is_none(predictor):
    assert predictor(np.full((9, 60, 3), 90, np.uint8)) == []
    assert len(predictor(np.full((10, 60, 3), 90, np.uint8))) == 1
    with pytest.raises(ValueError, match="the picture: found a side of less than 10 px"):
        predict.opinions({"one": predictor}, np.full((9, 60, 3), 90, np.uint8))


def test_pictures_of_kinds_that_are_not_read_are_told(predictor, photograph, tmp_path):
    (tmp_path / "phone.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    Image.open(photograph).save(tmp_path / "scan.jp2")
    table = predict.report(predict.predict(predictor, [tmp_path]), CLASSES, say=str)
    told = table[table["face"].isna()].set_index("source")["note"]
    assert sorted(Path(source).name for source in told.index) == ["phone.HEIC", "scan.jp2"]
    assert told.str.contains("cannot be decoded").all()


def test_tables(predictor, photograph, tmp_path):
    table = predict.rows(predict.predict(predictor, [photograph]), CLASSES)
    predict.save(table, tmp_path / "t.csv")
    read = pd.read_csv(tmp_path / "t.csv")
    assert read["face"].to_list() == [1, 2] and read["left"].to_list() == [30, 140]
    assert read.filter(like="p_").sum(axis=1).to_numpy() == pytest.approx(1, abs=1e-3)
    predict.save(table, tmp_path / "t.json")
    assert [row["label"] for row in json.loads((tmp_path / "t.json").read_text())] == read["label"].to_list()
    with pytest.raises(ValueError, match=r"ending in \.csv or \.json"):
        predict.save(table, tmp_path / "t.xlsx")
    for name in ("t.csv", "t.json"):  # of files whose name is no Unicode
        predict.save(table.assign(source="\udcffé.png"), tmp_path / name)
        assert r"\udcffé.png" in (tmp_path / name).read_text(encoding="utf-8").replace(r"\\", "\\")


def test_a_face_has_a_row_with_its_place(predictor, photograph):
    table = predict.rows(predict.predict(predictor, [photograph]), CLASSES)
    assert table[list(predict.PLACE)].to_numpy().tolist() == [[30, 20, 60, 80], [140, 30, 40, 50]]
    apart = face_of(box=Box(1.26, 2, 3, 4), happy=1.0)
    assert predict.rows([Found("a", None, (apart,))], ["happy"])["left"].item() == 1.3


def test_drawn_pictures(predictor, photograph, tmp_path):
    picture = predict.read(photograph)
    image = predict.draw(picture, predictor(photograph))
    assert min(image.size) >= 360 and image.size == (240 * 3, 160 * 3)
    larger = np.asarray(Image.fromarray(picture).resize(image.size, Image.Resampling.BICUBIC))
    assert (np.asarray(image) != larger).any() and np.array_equal(np.asarray(predict.draw(picture, [])), larger)
    (tmp_path / "below").mkdir()
    Image.fromarray(picture).save(tmp_path / "below" / "photograph.png")
    found = predict.predict(predictor, [photograph, tmp_path / "below"])
    predict.report(found, CLASSES, tmp_path / "drawn", say=str)
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == ["photograph-2.png", "photograph.png"]


@pytest.mark.parametrize(
    ("certain", "colour", "said"), [(True, (20, 110, 200), "happy 40 %"), (False, (105, 105, 105), "happy? 40 %")]
)
def test_a_drawn_face_has_a_frame_at_its_place_and_says_whether_it_is_certain(monkeypatch, certain, colour, said):
    words = []
    monkeypatch.setattr(ImageDraw.ImageDraw, "text", lambda pen, place, *given, **more: words.append(given[0]))
    face = face_of(certain, Box(60, 80, 40, 50), happy=0.4, sad=0.3)
    image = predict.draw(np.full((200, 240, 3), 255, np.uint8), [face])
    rows, columns = np.nonzero((np.asarray(image)[180:] == colour).all(axis=2))  # below the label
    assert (columns.min(), columns.max(), rows.max() + 180) == (120, 200, 260) and words == [said]


@pytest.mark.parametrize("place", [(0, 0), (0, 190), (230, 0), (230, 190), (-20, -20)])
def test_what_a_face_is_called_stands_in_the_picture(monkeypatch, place):
    labels, rectangle = [], ImageDraw.ImageDraw.rectangle

    def noted(pen, box, *given, **more):
        if "fill" in more:
            labels.append(box)
        rectangle(pen, box, *given, **more)

    monkeypatch.setattr(ImageDraw.ImageDraw, "rectangle", noted)
    image = predict.draw(np.zeros((200, 240, 3), np.uint8), [face_of(box=Box(*place, 30, 30), surprise=1.0)])
    ((left, top, right, bottom),) = labels
    assert min(left, top) >= 0 and right <= image.width and bottom <= image.height


def test_a_drawing_that_is_named_itself_is_not_drawn_over(predictor, photograph, tmp_path):
    for _ in range(2):
        predict.report(predict.predict(predictor, [photograph]), CLASSES, tmp_path / "drawn", say=str)
    drawing = tmp_path / "drawn/photograph.png"
    before = drawing.read_bytes()
    predict.report(predict.predict(predictor, [drawing]), CLASSES, tmp_path / "drawn", say=str)
    assert drawing.read_bytes() == before and (tmp_path / "drawn/photograph-2.png").is_file()


def test_a_drawing_never_takes_the_place_of_an_original(predictor, photograph, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    picture = Image.open(photograph)
    for name in ("a.png", "b.jpg", "b.png"):
        picture.save(folder / name)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    for _ in range(2):  # the second time, the drawings of the first are neither read nor kept
        table = predict.report(predict.predict(predictor, [folder]), CLASSES, folder, say=str)
        assert [Path(source).name for source in table["source"].unique()] == ["a.png", "b.jpg", "b.png"]
        assert {path: path.read_bytes() for path in before} == before
        drawings = sorted(path.name for path in folder.iterdir() if path not in before)
        assert drawings == ["a-2.png", "b-2.png", "b-3.png"]
    predict.report(
        predict.predict(predictor, [folder / "b.jpg"]), CLASSES, folder, say=str
    )  # which leaves b.png unread
    assert {path: path.read_bytes() for path in before} == before
    assert len(list(folder.iterdir())) == 6


def test_pictures_come_in_natural_order(tmp_path):
    for name in ("10.png", "9.png", "b/1.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("L", (48, 48)).save(tmp_path / name)
    found = [path.relative_to(tmp_path).as_posix() for path in predict.listing(tmp_path)]
    assert found == ["9.png", "10.png", "b/1.png"]


def test_folders_are_listed_before_anything_is_drawn(predictor, photograph, tmp_path):
    (tmp_path / "drawn").mkdir()
    Image.open(photograph).save(tmp_path / "drawn" / "other.jpg")
    found = predict.predict(predictor, [photograph, tmp_path / "drawn"])
    first = next(found)
    Image.open(photograph).save(tmp_path / "drawn" / "new.png")
    assert [Path(one.source).name for one in (first, *found)] == ["photograph.png", "other.jpg"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_linked_folders_are_looked_into_and_one_that_leads_back_is_not(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    Image.new("L", (48, 48)).save(tmp_path / "elsewhere/a.png")
    (tmp_path / "given/inner").mkdir(parents=True)
    for name in ("train", "test"):
        (tmp_path / "given" / name).symlink_to("../elsewhere")
    (tmp_path / "given/inner/back").symlink_to("..")
    for name in (".hidden", "@eaDir", "__MACOSX"):  # the latter of network drives and macOS, with copies of pictures
        (tmp_path / "given" / name).mkdir()
        Image.new("L", (48, 48)).save(tmp_path / "given" / name / "a.png")
    found = predict.listing(tmp_path / "given")
    assert [path.relative_to(tmp_path / "given").as_posix() for path in found] == ["test/a.png", "train/a.png"]


def test_a_dead_link_is_told_as_a_picture_that_cannot_be_read(predictor, photograph, tmp_path):
    (tmp_path / "given").mkdir()
    Image.open(photograph).save(tmp_path / "given/one.png")
    for name in ("dead.jpg", "dead.txt"):
        (tmp_path / "given" / name).symlink_to(tmp_path / "nowhere")
    assert [path.name for path in predict.listing(tmp_path / "given")] == ["dead.jpg", "one.png"]
    said = []
    predict.report(predict.predict(predictor, [tmp_path / "given"]), CLASSES, say=said.append)
    assert len(said) == 2 and "dead.jpg" in said[0]


def test_a_hidden_folder_that_cannot_be_read_is_passed_over_and_another_is_told(tmp_path, monkeypatch):
    """As .Trashes on a drive that somebody else has written."""
    for name in (".Trashes", "open"):
        (tmp_path / name).mkdir()
    Image.new("L", (48, 48)).save(tmp_path / "open/a.png")
    iterdir, closed = Path.iterdir, {".Trashes"}

    def refusing(path):
        if path.name in closed:
            raise PermissionError(13, "Permission denied")
        return iterdir(path)

    monkeypatch.setattr(Path, "iterdir", refusing)
    assert [path.name for path in predict.listing(tmp_path)] == ["a.png"]
    closed.add("open")
    with pytest.raises(DataError, match=r"open: found a folder that cannot be read \(Permission denied\)"):
        predict.listing(tmp_path)


def test_pictures_of_a_folder_are_what_an_import_takes_for_images(photograph, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    for name, kind in (("a.jfif", "JPEG"), ("b", "PNG"), ("c.png", "PNG")):
        Image.open(photograph).save(folder / name, format=kind)
    (folder / "d.txt").write_text("no picture")
    assert [path.name for path in predict.listing(folder)] == ["a.jfif", "b", "c.png"]


def test_a_drawing_that_is_not_finished_leaves_the_earlier_one(predictor, photograph, tmp_path, monkeypatch):
    def drawn_anew():
        predict.report(predict.predict(predictor, [photograph]), CLASSES, tmp_path / "drawn", say=str)

    drawn_anew()
    before = (tmp_path / "drawn" / "photograph.png").read_bytes()

    def interrupted(self, file, **words):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(Image.Image, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        drawn_anew()
    assert [path.read_bytes() for path in (tmp_path / "drawn").iterdir()] == [before]


@pytest.mark.usefixtures("opencv")
def test_a_drawing_that_finds_no_room_costs_neither_the_table_nor_the_next_one(
    predictor, photograph, frames, tmp_path, monkeypatch
):
    moves = animated(tmp_path / "moves.png", frames, duration=200)
    real, full = Path.open, OSError(28, "No space left on device")

    def no_room(self, mode="r", *rest, **words):
        if mode == "ab":
            raise full
        return real(self, mode, *rest, **words)

    monkeypatch.setattr(Path, "open", no_room)
    monkeypatch.setattr(Image.Image, "save", Mock(side_effect=full))
    said, kept = [], []
    found = predict.predict(predictor, [moves, photograph])
    table = predict.report(found, CLASSES, tmp_path / "drawn", say=said.append, keep=kept.append)
    told = [line.partition(": not drawn, ")[0] for line in said if "No space left" in line]
    assert told == [str(photograph), str(tmp_path / "drawn/moves.mp4")]
    assert set(table["source"]) == {str(moves), str(photograph)} and kept[0].equals(table)
    assert not list((tmp_path / "drawn").iterdir()), "nothing that the next run would take for an original"
    assert table.attrs["drawn"] == 0


def test_where_somebody_stops_it_the_table_has_what_was_found(predictor, photograph):
    def stopped():
        yield from predict.predict(predictor, [photograph])
        raise KeyboardInterrupt

    kept = []
    with pytest.raises(KeyboardInterrupt):
        predict.report(stopped(), CLASSES, say=str, keep=kept.append)
    assert kept[0]["source"].tolist() == [str(photograph)] * len(kept[0]) and len(kept[0])


def test_a_picture_that_fails_does_not_take_the_others_with_it(photograph, tmp_path, two_faces):
    def find(picture):
        if picture[0, 0].sum() == 0:
            raise ZeroDivisionError("float division\nby zero")
        return two_faces(picture)

    Image.new("RGB", (200, 200)).save(tmp_path / "black.png")
    said = []
    found = predict.predict(Predictor(detector=find), [tmp_path / "black.png", photograph])
    table = predict.report(found, CLASSES, tmp_path / "drawn", say=said.append)
    assert table["note"].tolist() == ["ZeroDivisionError: float division by zero", "", ""] and len(said) == 2
    assert "not read: 1" in predict.summary(table) and table["face"].notna().sum() == 2


def test_a_thin_picture_is_not_drawn_a_hundred_times_as_large():
    assert predict.draw(np.zeros((3, 4000, 3), np.uint8), []).size == (4000, 3)


@pytest.mark.parametrize(("name", "every"), [("video.mp4", 0), ("photograph.png", 0), ("photograph.png", -1)])
def test_every_no_frame_is_refused_whatever_is_looked_at(predictor, name, every):
    with pytest.raises(ValueError, match=f"every must be at least 1 frame, not {every}"):
        next(predict.predict(predictor, [name], every))


def test_distilled_weights_are_taken_where_there_are_some_and_none_are_named(predictor):
    assert (predictor.description.network, predictor.description.data) == ("lean_250k", "fer2013_distilled")
    assert Predictor("tinyfer_lite", detector=None).description.data == "fer2013"


def test_the_limits_are_the_cards_and_the_papers():
    text = predict.limits()
    assert text == predict.limits("lean_250k", "fer2013_distilled") != predict.limits("lean_250k", "fer2013")
    assert "An expression is not a feeling" in text and "is called uncertain" in text
    assert "diagnostic, psychological, surveillance or identity system" in text


def test_the_limits_of_a_file_that_comes_with_the_project_are_its_cards():
    assert predict.limits_of(RELEASED / "lean_250k-fer2013.onnx") == predict.limits("lean_250k", "fer2013")


def test_the_limits_of_a_file_in_eight_bits_say_that_they_are_of_another(tmp_path):
    whole, told = export.read(RELEASED / "lean_250k-fer2013.onnx")
    file = export.write(whole, tmp_path / "a.onnx", replace(told, precision="int8"))
    assert predict.limits_of(file) == predict.OTHER.format("INT8") + predict.limits("lean_250k", "fer2013")


@pytest.mark.usefixtures("opencv")
def test_several_networks_look_at_the_largest_face():
    class Says:
        description = Mock(face_shape=(48, 48))

        def __init__(self, **probabilities):
            self.probabilities, self.seen = probabilities, []

        def __call__(self, picture):
            self.seen.append(picture)
            return [predict.Face(None, self.probabilities, max(self.probabilities.values()) >= 0.5)]

    one, two = Says(happy=0.8, sad=0.2), Says(happy=0.4, sad=0.45)
    picture = np.zeros((200, 300, 3), np.uint8)
    picture[100:160, 200:260] = 255
    boxes = [detect.Box(0, 0, 20, 20), detect.Box(200, 100, 60, 60)]
    face, said, words = predict.opinions({"a": one, "b": two}, picture, lambda _: boxes)
    assert (face.mean() > 200) and (one.seen[0] == face).all() and (two.seen[0] == face).all()
    assert said.loc["sad"].to_dict() == {"a": 0.2, "b": 0.45} and words == "happy or sad?"
    unsure = Says(happy=0.4, sad=0.3)
    assert predict.opinions({"a": unsure, "b": one}, picture)[2] == "happy"  # which one of them is sure of
    face, _, words = predict.opinions({"a": one}, picture, lambda _: [])
    assert face.shape == picture.shape and words == "the whole picture: happy"
    assert predict.opinions({"a": one}, picture[:40, :40])[2] == "happy"
    face, _, _ = predict.opinions({"a": Predictor()}, picture, lambda _: [detect.Box(210, 110, 7, 8)])
    assert face.shape == (48, 48, 3), "a face that is smaller than any is enlarged"


@pytest.mark.usefixtures("opencv")
def test_networks_are_given_the_largest_face_by_area_as_large_as_the_largest_of_them_takes():
    small, large = (
        Mock(description=Mock(face_shape=(side, side)), return_value=[face_of(happy=1.0)]) for side in (48, 64)
    )
    picture = np.zeros((200, 300, 3), np.uint8)
    picture[:, 200:] = 255
    boxes = [Box(0, 0, 60, 20), Box(210, 40, 50, 60)]
    face, _, _ = predict.opinions({"small": small, "large": large}, picture, lambda _: boxes)
    assert face.min() > 200 and face.shape == (64, 64, 3)
    assert [one.call_args.args[0].shape for one in (small, large)] == [face.shape] * 2
    cut_out = np.zeros((112, 112, 3), np.uint8)
    face, _, _ = predict.opinions({"small": small}, cut_out, lambda _: pytest.fail("searched a face"))
    assert face.shape == cut_out.shape


@pytest.mark.usefixtures("opencv")
def test_a_smile(astronaut):
    (face,) = Predictor()(astronaut)
    assert face.label == "happy" and face.certain
