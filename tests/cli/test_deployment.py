"""The commands that use networks: what they export, and what they see by."""

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from fercore import cli, datasets
from fercore.cli import main
from fercore.datasets import splits
from fercore.deployment import bundle, compress, detect, export, predict, webcam
from fercore.deployment.predict import Predictor
from fercore.labs import grade
from fercore.models import weights

CLASSES = tuple("abcdefg")


def test_what_is_exported_is_called_onnx(refused, project):
    assert "name a file ending in .onnx" in refused("export", "lean_65k", "--to", "x.tflite")
    assert not (project / "x.tflite").exists()


def test_a_place_that_no_file_can_take_is_told_before_the_work(refused, project, monkeypatch):
    def worked(*_):
        pytest.fail("worked for a file that has no place")

    monkeypatch.setattr(export, "from_weights", worked)
    monkeypatch.setattr(bundle, "make", worked)
    monkeypatch.setattr(grade, "grade_all", worked)
    for words in (["export", "lean_65k", "--to"], ["bench", "bundle"], ["grade", "handed_in", "--to"]):
        (project / words[0]).with_suffix(".onnx").mkdir()
        assert f"{words[0]}.onnx" in refused(*words, f"{words[0]}.onnx")


def test_a_file_in_eight_bits_says_what_it_loses(said, tmp_path, faces, monkeypatch):
    asked, held = [], export.Description("lean_250k", "fer2013", faces.classes, 48, temperature=0.9)

    def made(whole, faces, to, method):
        asked.append((to, method))
        export.write(b"", to, held)
        return {"fp32": 0.5, "int8": 0.496}

    monkeypatch.setattr(export, "from_weights", lambda *words: asked.append(words[:2]))
    monkeypatch.setattr(datasets, "load_imported", lambda path: asked.append(path) or faces)
    monkeypatch.setattr(compress, "export_int8", made)
    words = ["export", "lean_250k", "--int8", "data/x", "--to", "a.onnx"]
    assert said(*words) == "a.onnx: accuracy on PublicTest fp32 50.00 %, int8 49.60 %\n"
    assert asked == ["data/x", ("lean_250k", "fer2013_distilled"), ("a.onnx", compress.METHODS[-1])]
    for method in compress.METHODS:
        said(*words, "--method", method)
        assert asked[-1] == ("a.onnx", method)
    assert cli.deployment.INT8_METHODS == compress.METHODS
    held = replace(held, temperature=1.0)  # a run's own weights
    assert said(*words).endswith(f"49.60 %\n{export.NOT_CALIBRATED}\n")


def test_an_export_says_where_it_is_not_calibrated(said, monkeypatch):
    def made(network, weights, to):
        return export.write(b"", to, export.Description(network, "mine", "ab", 48, temperature=float(weights)))

    monkeypatch.setattr(export, "from_weights", made)
    assert said("export", "lean_65k", "--weights", "0.9", "--to", "a.onnx") == "a.onnx\n"
    assert said("export", "lean_65k", "--weights", "1.0", "--to", "a.onnx") == f"a.onnx\n{export.NOT_CALIBRATED}\n"


def test_a_method_of_eight_bits_is_not_asked_for_in_vain(refused):
    assert "--method can only be used with --int8" in refused(
        "export", "lean_250k", "--to", "a.onnx", "--method", "per tensor"
    )


def test_a_picture_is_seen_by_the_same_network_from_a_shell_and_in_python(capsys):
    for command in ("predict", "webcam"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        told = " ".join(capsys.readouterr().out.split())
        assert f"included (default: {predict.NETWORK})" in told
        assert f"(default: {weights.preferred(predict.NETWORK)} where it has them, else fer2013)" in told
        assert f"at most {predict.CROPPED} px always are" in told


def test_a_camera_is_seen_by_what_predict_takes(said, refused, monkeypatch):
    asked, told = {}, SimpleNamespace(description=SimpleNamespace(calibrated=False))
    monkeypatch.setattr(predict, "Predictor", lambda **given: asked.update(given) or told)
    monkeypatch.setattr(webcam, "watch", lambda *_: {"frames": 1, "seconds": 1.0, "fps": 1.0})
    words = ["--network", "tinyfer_lite", "--data", "fer2013", "--certain", "0.7", "--detector", "none"]
    assert "Not calibrated" in said("webcam", *words)
    told.description.calibrated = True
    assert "Not calibrated" not in said("webcam", *words)
    assert asked == {
        "network": "tinyfer_lite", "data": "fer2013", "model": None, "certain": 0.7, "detector": "none",
        "sizes": detect.MOVING,
    }  # fmt: skip
    said("webcam", *["--weights" if word == "--data" else word for word in words])
    assert asked["data"] == "fer2013", "as export calls it"
    assert "leave out --network" in refused("webcam", "--model", "a.onnx", "--network", "tinyfer_lite")


def test_a_camera_is_watched_as_it_was_asked_for(said, monkeypatch):
    asked, told = [], SimpleNamespace(description=SimpleNamespace(calibrated=True))
    monkeypatch.setattr(predict, "Predictor", lambda **_: told)
    monkeypatch.setattr(
        webcam, "watch", lambda *given: asked.append(given) or {"frames": 1, "seconds": 1.0, "fps": 1.0}
    )
    said("webcam", "--camera", "1", "--port", "8000", "--seconds", "2.5", "--record", "kept.webm")
    said("webcam", "--camera", "rtsp://camera")
    assert asked == [(told, 1, 8000, 2.5, "kept.webm"), (told, "rtsp://camera", 0, None, None)]


def test_a_file_that_comes_along_is_scored_and_its_answers_are_saved(said, tmp_path, refused, monkeypatch):
    pytest.importorskip("onnxruntime")
    from fercore.evaluation import statistics

    datasets.import_dataset("synthfer", None, tmp_path / "set", images=300, seed=0)
    faces = datasets.load_imported(tmp_path / "set")
    file = str(weights.RELEASED / "lean_65k-fer2013_distilled.onnx")
    words = ["score", file, "--data", str(tmp_path / "set")]
    text = said(*words, "--to", str(tmp_path / "to"))
    answers = export.load(file).probabilities(faces, faces.rows("test")).argmax(1)
    value = statistics.compare(faces.labels[faces.rows("test")], answers, 7, {})["value"].iloc[0]
    assert "\nnote: the network learned from fer2013, and may have seen images of synthfer\n" in text
    assert text.startswith("PrivateTest of synthfer, with 95 % intervals") and f"{value:.4f}" in text
    assert {path.name for path in (tmp_path / "to").iterdir()} >= {
        "scores.csv", "report.csv", "predictions.csv", "findings.json", "confusion.svg",
    }  # fmt: skip
    rows, marks = faces.rows("select"), np.arange(len(faces))
    right = (export.load(file).probabilities(faces, rows).argmax(1) == faces.labels[rows]).mean()
    text = said(*words, "--split", "select")
    assert text.startswith("PublicTest of synthfer") and f"{right:.4f}" in text and "deduplicated" not in text
    mask = splits.mask(faces, marks, np.where(marks == faces.rows("test")[0], faces.rows("train")[0], marks))
    mask.to_csv(tmp_path / "mask.csv", index=False)
    text = said(*words, "--mask", str(tmp_path / "mask.csv"))
    assert re.search(rf"near_deduplicated +accuracy +{len(faces.rows('test')) - 1} ", text)
    assert "has no split 'tset'" in refused(*words, "--split", "tset")
    one = replace(faces, name="mine", table=faces.table.assign(split=""), roles=None, fingerprint=None)
    model = export.load(file)
    model.description = replace(model.description, data="mine")
    with monkeypatch.context() as patched:
        patched.setattr(datasets, "load_imported", lambda _: one)
        patched.setattr(export, "load", lambda _: model)
        text = said(*words, "--split", "")
    assert text.startswith("all images of mine, with 95 % intervals") and "was trained on all images\n" in text


def test_every_so_many_frames_is_what_is_looked_at(photograph, said, monkeypatch):
    asked = []
    real = predict.predict
    monkeypatch.setattr(predict, "predict", lambda *given: asked.append(given[1:]) or real(*given))
    said("predict", str(photograph), "--detector", "none", "--every", "5")
    assert asked == [([str(photograph)], 5)]


def test_the_command(photograph, tmp_path, capsys, monkeypatch, two_faces):
    monkeypatch.setattr(detect, "detector", lambda *_: two_faces)
    words = ["predict", str(photograph), "--to", str(tmp_path / "t.csv"), "--draw", str(tmp_path / "drawn")]
    assert cli.main(words) == 0
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 3 and said[1].startswith("pictures: 1; faces: 2 (")
    assert said[2].endswith("More: fercore predict --limits")
    assert (tmp_path / "t.csv").is_file() and (tmp_path / "drawn" / "photograph.png").is_file()
    assert cli.main(["predict", str(tmp_path / "missing.png")]) == 1
    with monkeypatch.context() as patched:
        patched.setattr(detect, "detector", lambda *_: lambda picture: [])
        assert cli.main(["predict", str(photograph)]) == 0 and predict.NO_FACE in capsys.readouterr().out, "an answer"
    assert cli.main(["predict", "--limits"]) == 0 and "surveillance" in capsys.readouterr().out
    assert cli.main(["predict"]) == 1 and "name a picture" in capsys.readouterr().err
    assert cli.main(["predict", str(photograph), "--to", "t.txt"]) == 1
    assert cli.main(["predict", str(photograph), "--to", str(tmp_path / "new" / "below" / "t.json")]) == 0
    assert (tmp_path / "new" / "below" / "t.json").is_file()
    capsys.readouterr()
    with monkeypatch.context() as patched:
        patched.setattr(predict, "predict", lambda *_: pytest.fail("worked for a table that has no place"))
        assert cli.main(["predict", str(photograph), "--to", str(photograph / "t.csv")]) == 1
        (tmp_path / "folder.csv").mkdir()
        capsys.readouterr()
        assert cli.main(["predict", str(photograph), "--to", str(tmp_path / "folder.csv")]) == 1
        assert capsys.readouterr().err.endswith("folder.csv'\n")
    with monkeypatch.context() as patched:

        def full(path, write):
            raise OSError(28, "No space left on device", str(path))

        patched.setattr(predict.files, "replace", full)
        assert cli.main(["predict", str(photograph), "--draw", str(tmp_path / "full")]) == 1, "nothing could be drawn"
        assert "not drawn" in capsys.readouterr().out
    assert cli.main(["predict", str(photograph), "--network", "light_fer"]) == 1
    assert "no weights 'fer2013' of light_fer" in capsys.readouterr().err
    assert cli.main(["predict", "face.png", "--weights", "runs/mine/best.safetensors"]) == 1
    assert "no name of weights that come with the project; fercore export makes a model" in capsys.readouterr().err


def test_the_command_says_where_a_model_is_not_calibrated(photograph, capsys, monkeypatch, two_faces):
    predictor = Predictor(detector=two_faces)
    monkeypatch.setattr(cli.deployment, "_predictor", lambda _: predictor)
    for temperature, said in ((0.9, 0), (1.0, 1)):
        predictor.description = replace(predictor.description, temperature=temperature)
        assert cli.main(["predict", str(photograph)]) == 0
        assert capsys.readouterr().out.count(export.NOT_CALIBRATED) == said


def test_the_command_that_tells_the_limits_is_of_what_answered(photograph, capsys, monkeypatch, two_faces):
    predictor = Predictor(detector=two_faces)
    monkeypatch.setattr(cli.deployment, "_predictor", lambda _: predictor)
    assert cli.main(["predict", str(photograph), "--model", "of mine.onnx"]) == 0
    assert capsys.readouterr().out.endswith("More: fercore predict --model 'of mine.onnx' --limits\n")
    assert cli.main(["predict", str(photograph), "--network", "lean_65k"]) == 0
    assert capsys.readouterr().out.endswith("More: fercore predict --network lean_65k --limits\n")


def test_a_model_is_not_asked_for_beside_another_network(photograph, tmp_path, capsys):
    model = export.write(b"", tmp_path / "a.onnx", export.Description("lean_65k", "mine", CLASSES, 48))
    words = ["predict", str(photograph), "--model", str(model)]
    assert cli.main([*words, "--network", "lean_250k", "--data", "fer2013"]) == 1
    assert "leave out --network and --data" in capsys.readouterr().err


@pytest.mark.parametrize(("network", "data"), [("lean_65k", "mine"), ("lean_250k", "fer2013")])
def test_the_limits_of_a_model_of_ones_own_are_of_no_other_network(network, data, tmp_path, capsys):
    """Not even of the same network on the same data, which was another training."""
    model = export.write(b"", tmp_path / "a.onnx", export.Description(network, data, CLASSES, 48, fingerprint="f00d"))
    assert cli.main(["predict", "--model", str(model), "--limits"]) == 0
    text = capsys.readouterr().out
    assert (
        "Calibration" not in text
        and export.NOT_CALIBRATED in text
        and "which of 7 words" in text
        and "surveillance" in text
    )


def test_a_network_that_takes_one_size_says_so_in_a_line(refused):
    assert "doesn't match model (224)" in refused("bench", "vit_tiny_patch16_224@48", "--runtimes", "PyTorch")


def test_what_is_given_for_something_else_is_told_before_the_work(refused, project, capsys):
    (project / "file").write_text("mine")
    for words in (["predict", "x.png", "--draw"], ["score", "x.onnx", "--data", "x", "--to"], ["bench", "--to"]):
        assert "file is a file; expected a folder" in refused(*words, "file")
    assert "lean_250k@0" in refused("bench", "lean_250k@0")
    assert main(["predict", "https://example.org/a.png"]) == 1
    assert "found a URL; expected a local file or folder: download it first" in capsys.readouterr().out
