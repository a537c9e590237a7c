"""Weights that come with the project make their network by themselves, and their card says what they are."""

import copy
import dataclasses
import json
import re
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file
from torchvision.transforms.functional import resize

from fercore import cli, datasets, files, models
from fercore.datasets import preprocess, splits, store
from fercore.deployment import export, model_card, predict
from fercore.evaluation import inference
from fercore.models import WeightsError, weights
from fercore.results import tables
from fercore.training import losses
from fercore.training.checkpoint import RunError
from fercore.training.recipe import Recipe
from fercore.training.trainer import fit

RECIPE = Recipe(
    epochs=2, batch_size=16, img_size=16, loss="cross_entropy", class_weighted=False,
    learning_rate=0.01, schedule="cosine"
)  # fmt: skip
OPTIONS = {"stem_stride": 1, "dropout": 0.1}


@pytest.fixture(scope="module")
def faces(request):
    made = datasets.load("synthfer", images=200)
    return dataclasses.replace(made, name="fer2013", synthetic=False, fingerprint="f00d" * 16)


@pytest.fixture(scope="module")
def made(faces, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    run = fit("tinyfer_lite", faces, RECIPE, folder / "run", options=OPTIONS, device="cpu", progress=False)
    exact = np.arange(len(faces))
    exact[faces.rows("PrivateTest")[:3]] = faces.rows("Training")[0]
    masks = splits.kept(faces, "PrivateTest", splits.mask(faces, exact, exact))
    return run, model_card.release(run, "tinyfer_lite", OPTIONS, faces, masks, folder / "released"), masks


@pytest.fixture
def released(made, monkeypatch):
    monkeypatch.setattr(weights, "RELEASED", made[1].parent)
    return made[1]


@pytest.mark.parametrize("classes", [None, 7])
def test_they_are_made_with_their_own_options(made, released, classes):
    network = models.create("tinyfer_lite", classes, weights="fer2013")
    assert network.features[0][0].stride == (1, 1) and network.dropout.p == 0.1
    expected = made[0].network.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize("path", sorted(weights.RELEASED.glob("*.safetensors")), ids=lambda path: path.stem)
def test_the_file_for_onnx_runtime_is_of_the_weights_beside_it(path):
    network, data = path.stem.rsplit("-", 1)
    exported, made = export.load(path.with_suffix(".onnx")), models.create(network, weights=data).eval()
    described = export.describe(network, data)
    assert exported.description == dataclasses.replace(described, fingerprint=export.fingerprint(made))
    seen = np.random.default_rng(1).integers(0, 256, (3, 71, 60, 3), np.uint8)
    with torch.no_grad():
        expected = export.FromFace(made, described)(torch.from_numpy(seen)).numpy()
    half = any(value.dtype == torch.float16 for value in load_file(path).values())
    np.testing.assert_allclose(
        np.log(exported(seen)), np.log(expected), rtol=0, atol=export.HALF_PARITY if half else export.PARITY
    )


@pytest.mark.parametrize("path", sorted(weights.RELEASED.glob("*-int8.onnx")), ids=lambda path: path.stem)
def test_a_file_in_eight_bits_is_of_the_weights_beside_it(path, faces):
    whole, quantised = (export.load(path.with_name(path.name.replace(part, ""))) for part in ("-int8", ""))
    assert quantised.description == dataclasses.replace(whole.description, precision="int8")
    seen = torch.from_numpy(np.array(faces.pixels[:24]))[:, None]
    for size in ((48, 48), (71, 60), (400, 300)):
        resized = resize(seen, list(size), antialias=True)[:, 0].numpy()
        apart = np.abs(whole(resized) - quantised(resized)).mean()
        assert apart < 0.02, f"{size}: networks here differ by 0.05 from one another"
    of_both = predict.limits(whole.description.network, whole.description.data)
    assert predict.limits_of(path) == predict.OTHER.format("INT8") + of_both


def test_a_release_writes_it_and_is_refused_before_training_without_what_it_takes(made, faces, monkeypatch):
    run, path, masks = made
    assert export.load(path.with_suffix(".onnx")).description.classes == tuple(faces.classes)
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(export.ExportError, match=r"onnxscript is not installed: pip install 'fercore\[edge\]'"):
        model_card.release(run, "tinyfer_lite", OPTIONS, faces, masks, path.parent)


def test_a_release_says_how_large_and_of_what_colour_its_faces_are(made):
    """So that the file for ONNX Runtime sees a larger face, or one in colour, as the network did."""
    path = made[1]
    described = export.load(path.with_suffix(".onnx")).description
    assert (described.face_size, described.grey) == (48, True) and "of 48 px and grey" in path.with_suffix(
        ".md"
    ).read_text()
    record = weights.record(path) | {"face_size": 100, "grey": False}
    described = export._described("tinyfer_lite", "rafdb", record)
    assert (described.face_size, described.grey) == (100, False)
    portraits = export._described("tinyfer_lite", "kdef", record | {"face_size": [762, 562]})
    assert portraits.face_shape == (762, 562)
    for old in ("face_size", "grey"):
        record.pop(old)
    assert export._described("tinyfer_lite", "fer2013", record).face_size == 48


def test_what_does_not_fit_is_told(released):
    with pytest.raises(WeightsError, match=r"tinyfer_lite-fer2013\.safetensors has 7 classes, not 8"):
        models.create("tinyfer_lite", 8, weights="fer2013")
    told = r"no weights 'rafdb' of tinyfer_lite come with the project; there are 'fer2013'$"
    with pytest.raises(WeightsError, match=told):
        models.create("tinyfer_lite", 7, weights="rafdb")
    with pytest.raises(WeightsError, match=r"there are 'fer2013'$"):
        weights.released("tinyfer_lite", "imagenet")  # which is refused, and so is not among what there is
    with pytest.raises(WeightsError, match="of lean_250 come with the project; there are none, but of tinyfer_lite"):
        weights.released("lean_250", "fer2013")
    with pytest.raises(WeightsError, match=r"no weights at best\.safetensors"):
        models.create("tinyfer_lite", 7, weights="best.safetensors")


def test_the_card_says_what_they_are(made, faces):
    run, path, masks = made
    card = path.with_suffix(".md").read_text(encoding="utf-8")
    rows = faces.rows("PrivateTest")
    right = run.probabilities(faces, rows).argmax(1) == faces.labels[rows]
    for part, kept in {"all": np.ones(len(rows), bool), **masks}.items():
        shown = re.search(rf"\| {part.replace('_', ' ')} \| accuracy \| (\d+) \| ([0-9.]+) ", card)
        assert int(shown[1]) == kept.sum() and float(shown[2]) == pytest.approx(right[kept].mean(), abs=1e-4)
    assert masks["deduplicated"].sum() == masks["near_deduplicated"].sum() == len(rows) - 3
    assert "Near deduplicated, they miss it by" in card
    assert "932,202 parameters, 3.61 MiB" in card and "2 epochs" in card and "f00df00df00d" in card
    assert f"{len(faces.rows('Training'))} training images" in card and "{" not in card


def test_the_card_names_what_makes_the_network(made, faces):
    """By the file, with its classes and options, where it is not among those that come with the project."""
    path = made[1]
    call = re.search(r"`(models\.create\(.*)`:", path.with_suffix(".md").read_text(encoding="utf-8"))[1]
    assert call.endswith('.safetensors", stem_stride=1, dropout=0.1)')
    network = eval(call, {"models": models})  # as a reader copies it
    expected = made[0].network.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in network.state_dict().items())
    of_the_project = weights.RELEASED / "tinyfer_lite-fer2013.safetensors"
    told = model_card._create("tinyfer_lite", OPTIONS, faces, of_the_project)
    assert told == 'models.create("tinyfer_lite", weights="fer2013")'


def test_the_card_of_ones_own_data_says_nothing_that_was_not_looked_at(made, faces, tmp_path, monkeypatch):
    monkeypatch.setattr(
        export, "from_weights", lambda *_, half: made[1].with_suffix(".onnx")
    )  # which takes long to make
    mine = dataclasses.replace(faces, name="mine")
    card = model_card.release(made[0], "tinyfer_lite", OPTIONS, mine, made[2], tmp_path / "out").with_suffix(".md")
    text = card.read_text(encoding="utf-8")
    assert "are noisy" not in text and "How noisy the labels of mine are was not measured." in text
    assert "published" not in text and "published" in (made[0].folder / "scores.csv").read_text()


@pytest.mark.parametrize(
    ("sure", "told"),
    [
        ([0, 0, 0, 0], "so are 100 % of Test, of which 25 % are right."),
        ([1, 1, 1, 1], "none of Test is; 25 % of it are right."),
        ([1, 1, 0, 0], "so are 50 % of Test, of which 0 % are right; of the\nothers 50 % are."),
    ],
)
def test_the_card_has_a_sentence_where_no_answer_or_every_one_is_uncertain(sure, told):
    right = np.array([True, False, False, False])
    assert model_card._sureness(np.array(sure, bool), right, "Test") == told


def test_the_card_tells_how_sure_a_network_is_of_what_it_has_no_copy_of():
    labels, sure = np.array([0, 0, 0, 1]), np.array([[0.9, 0.1], [0.9, 0.1], [0.8, 0.2], [0.7, 0.3]])
    kept = np.array([False, True, True, True])
    told = "\nNear deduplicated, they miss it by 33.3, and are overconfident by 13.3 points in the mean."
    assert model_card._unseen(labels, sure, kept) == told
    assert "by 10.0, and are underconfident by 10.0 points" in model_card._unseen(labels, sure, ~kept)
    assert model_card._unseen(labels, sure, kept | True) == model_card._unseen(labels, sure, None) == ""


@pytest.mark.parametrize("path", sorted(weights.RELEASED.glob("*.md")), ids=lambda path: path.stem)
def test_the_cards_that_come_along_are_as_they_would_be_written(path):
    parts = re.split(r"\{\w+(?::[^}]*)?\}", model_card.CARD)
    assert re.fullmatch(r"[\s\S]*?".join(map(re.escape, parts)), path.read_text(encoding="utf-8"))
    assert path.read_text(encoding="utf-8").endswith(f"{model_card.TERMS}\n")
    network, _ = path.stem.rsplit("-", 1)
    channels = inference.channels(models.create(network))
    assert model_card._normalised(channels, grey=True) in path.read_text(encoding="utf-8")


def test_the_card_says_what_the_processor_worked_where_others_may_have_used_it():
    assert model_card._took({"device": "cpu", "cpu_seconds": 1234.5}, 9999.0) == "1,234 s of CPU time"
    assert model_card._took({"device": "NVIDIA H100", "cpu_seconds": 1.0}, 99.6) == "100 s on NVIDIA H100"
    assert model_card._took({"device": "cpu"}, 99.6) == "100 s on cpu", "a run of before"
    assert model_card._took({"device": "cpu", "cpu_seconds": 1, "processes": 2}, 9.6) == "10 s on cpu", "of one of two"


def test_soft_labels_are_named_beside_what_was_measured():
    soft = dataclasses.replace(RECIPE, soft_labels="given", soft_weight=0.7)
    assert model_card.departs(soft) == f"{model_card.departs(RECIPE)}, soft labels"
    assert model_card.departs(dataclasses.replace(RECIPE, tta="one")).endswith("random weights, no TTA")
    assert model_card.departs(dataclasses.replace(RECIPE, tta="flip")).endswith("random weights, flip TTA")


def test_large_weights_are_kept_in_half_precision_and_all_that_is_said_is_of_them(made, faces, tmp_path, monkeypatch):
    """Loaded again, they are the network that was scored, and the file for ONNX Runtime is of the same."""
    monkeypatch.setattr(model_card, "LARGE", 1 << 20)
    run, whole, masks = made
    large = dataclasses.replace(run, folder=tmp_path / "run", network=copy.deepcopy(run.network))
    shutil.copytree(run.folder, large.folder)
    path = model_card.release(large, "tinyfer_lite", OPTIONS, faces, masks, tmp_path)
    for suffix in (".safetensors", ".onnx"):
        assert path.with_suffix(suffix).stat().st_size < 0.6 * whole.with_suffix(suffix).stat().st_size
    loaded = models.create("tinyfer_lite", 7, path)
    rounded = {
        name: value.half().float() for name, value in run.network.state_dict().items() if value.is_floating_point()
    }
    for network in (loaded, large.network):
        assert all(torch.equal(network.state_dict()[name], value) for name, value in rounded.items())
    assert not torch.equal(rounded["head.weight"], run.network.head.weight)
    assert export.load(path.with_suffix(".onnx")).description.fingerprint == export.fingerprint(loaded)
    assert re.search(r"\d\.\d\d MiB in half precision, 7 classes", path.with_suffix(".md").read_text(encoding="utf-8"))
    assert "half precision" not in whole.with_suffix(".md").read_text(encoding="utf-8")


def test_no_file_that_comes_along_is_large():
    files = [path for path in weights.RELEASED.iterdir() if path.is_file()]
    assert len(files) > 20 and not [path.name for path in files if path.stat().st_size > model_card.LARGE]


@pytest.mark.parametrize("channels", [1, 3])
def test_the_card_says_how_images_are_normalised(channels):
    found = preprocess.normalise(torch.full((1, channels, 1, 1), 90 / 255)).flatten().numpy()
    mean, std = (preprocess.MEAN, preprocess.STD) if channels == 3 else (0.449, 0.226)
    assert np.allclose(found, (90 / 255 - np.array(mean)) / np.array(std), atol=1e-5)
    told = model_card._normalised(channels, grey=True)
    assert str(mean) in told and str(std) in told


def test_the_card_says_what_was_learned_beside_the_labels(made, faces, tmp_path):
    _, path, masks = made
    alone = path.with_suffix(".md").read_text(encoding="utf-8")
    assert "class probabilities" not in alone and "distilled" not in alone
    assert model_card.TERMS not in alone, "what others release is not under this project's licence"
    recipe = dataclasses.replace(RECIPE, epochs=1, soft_labels="given", soft_weight=0.7)
    soft = np.full((len(faces), 7), 1 / 7, np.float32)
    run = fit("lean_65k", faces, recipe, tmp_path / "run", device="cpu", progress=False, soft_labels=soft)
    card = model_card.release(run, "lean_65k", {}, faces, masks, tmp_path).with_suffix(".md")
    told = card.read_text(encoding="utf-8")
    assert told.startswith("# lean_65k, trained on fer2013\n") and "distilled" not in told
    assert "Its labels are blended with class probabilities of other networks, weighted 0.7." in told


def test_a_distilled_network_has_files_of_its_own(made, faces, tmp_path, monkeypatch):
    recipe = dataclasses.replace(RECIPE, epochs=1, distillation=losses.mini_resemotenet(3.0, 0.2))
    teacher = models.create("lean_65k", 7).eval()
    monkeypatch.setattr(weights, "RELEASED", tmp_path)
    words = {"device": "cpu", "progress": False}
    run = fit("lean_65k", faces, recipe, tmp_path / "run", teacher=teacher, **words)
    (left := tmp_path / "lean_65k-fer2013_distilled-int8.onnx").touch()
    path = model_card.release(run, "lean_65k", {}, faces, made[2], tmp_path, "lean_932k (fer2013)")
    assert not left.exists(), "of the weights that these replace"
    names = tables.read(run.folder / "measurements.csv")["measurement"]
    assert names.str.match(r"\w+\(lean_65k\+kd, ").all(), "as the ledger calls what was taught"
    assert path.name == "lean_65k-fer2013_distilled.safetensors" and weights.released("lean_65k", "fer2013_distilled")
    told = path.with_suffix(".md").read_text(encoding="utf-8")
    assert told.startswith("# lean_65k, distilled on fer2013\n")
    assert '`models.create("lean_65k", weights="fer2013_distilled")`' in told
    assert "its teacher was lean_932k (fer2013)." in told


def test_a_teacher_and_a_recipe_of_distillation_need_each_other(made, faces, tmp_path):
    taught = dataclasses.replace(RECIPE, distillation=losses.mini_resemotenet(3.0, 0.2))
    for run, teacher in ((made[0], "lean_932k (fer2013)"), (dataclasses.replace(made[0], recipe=taught), "")):
        with pytest.raises(ValueError, match="a teacher and a recipe with distillation need each other"):
            model_card.release(run, "tinyfer_lite", OPTIONS, faces, made[2], tmp_path, teacher)
    assert not list(tmp_path.iterdir())


def test_a_set_whose_name_reads_as_distilled_is_refused(faces):
    with pytest.raises(ValueError, match="own_distilled reads as a set that another network has taught"):
        model_card.require_releasable("lean_65k", dataclasses.replace(faces, name="own_distilled"), RECIPE)


def test_the_file_says_how_it_was_made(made):
    from safetensors import safe_open

    with safe_open(made[1], "pt") as file:
        record = json.loads(file.metadata()["fercore"])
    assert record["recipe"] == RECIPE.plain() and record["options"] == OPTIONS and record["img_size"] == 16
    assert made[1].stat().st_size < 4 * 2**20


def test_what_has_seen_other_images_is_not_released(made, faces, tmp_path):
    folder = tmp_path / "run"
    start = made[0].folder / "best.safetensors"
    run = fit("tinyfer_lite", faces, RECIPE, folder, options=OPTIONS, weights=start, device="cpu", progress=False)
    with pytest.raises(ValueError, match=r"trained on fer2013 alone.*fercore export tinyfer_lite --weights RUN"):
        model_card.release(run, "tinyfer_lite", OPTIONS, faces, made[2], tmp_path)


@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"parameters": 3}', '{"parameters": {"start": {"weights": null}}}', None]
)
def test_a_run_whose_record_is_damaged_is_not_released(made, faces, tmp_path, content):
    shutil.copytree(made[0].folder, tmp_path / "run")
    run, path = dataclasses.replace(made[0], folder=tmp_path / "run"), tmp_path / "run/provenance.json"
    path.unlink() if content is None else path.write_text(content)
    damaged = "no JSON|a list;|No such file|a damaged record"
    with pytest.raises(RunError, match=rf"provenance\.json: ({damaged}).*; remove it, and"):
        model_card.release(run, "tinyfer_lite", OPTIONS, faces, made[2], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_rendered_faces_are_not_released(made, faces, tmp_path):
    rendered = dataclasses.replace(faces, name="synthfer", synthetic=True)
    with pytest.raises(ValueError, match="synthfer is rendered"):
        model_card.release(made[0], "tinyfer_lite", OPTIONS, rendered, made[2], tmp_path)


def test_ten_views_are_refused_with_nothing_written(made, faces, tmp_path):
    ten = dataclasses.replace(made[0], recipe=dataclasses.replace(RECIPE, tta="ten"))
    with pytest.raises(ValueError, match="tta is one or flip, not ten"):
        model_card.release(ten, "tinyfer_lite", OPTIONS, faces, made[2], tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_exported_leaves_nothing(made, faces, tmp_path, monkeypatch):
    def refused(*_, half):
        raise export.ExportError("answers differ from PyTorch's")

    monkeypatch.setattr(export, "from_weights", refused)
    with pytest.raises(export.ExportError, match="answers differ from PyTorch's"):
        model_card.release(made[0], "tinyfer_lite", OPTIONS, faces, made[2], tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_comes_with_the_project_loads_and_has_a_card():
    paths = list(weights.RELEASED.glob("*.safetensors"))
    assert {path.stem for path in paths} >= {"lean_250k-fer2013", "lean_932k-fer2013", "tinyfer_lite-fer2013"}
    for path in paths:
        name, data = path.stem.rsplit("-", 1)
        assert path.stat().st_size < 4 * 2**20
        assert f'models.create("{name}", weights="{data}")' in path.with_suffix(".md").read_text(encoding="utf-8")
        network = models.create(name, weights=data)
        assert network(torch.zeros(2, inference.channels(network), 64, 64)).shape == (2, 7)


def test_the_command(faces, tmp_path, capsys, monkeypatch):
    store.save(faces, tmp_path / "data")
    recipe = {"network": "lean_65k", **RECIPE.plain()}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    exact = np.arange(len(faces))
    splits.mask(faces, exact, exact).to_csv(tmp_path / "mask.csv", index=False)
    words = ["train", "recipe.yaml", "--data", "data", "--to", "run", "--device", "cpu"]
    monkeypatch.chdir(tmp_path)
    assert cli.main([*words, "--release", "out", "--mask", "mask.csv"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert re.match(r"run: epoch [12] of 2, PublicTest accuracy 0\.\d{4}, macro-F1 0\.\d{4}$", first)
    assert second == "out/lean_65k-fer2013.safetensors" and (tmp_path / second).is_file()
    assert json.loads((tmp_path / "run/provenance.json").read_text())["device"] == "cpu"
    assert cli.main([*words, "--release", "searched"]) == 0  # copies, where no mask is named
    assert "| near deduplicated | accuracy |" in (tmp_path / "searched/lean_65k-fer2013.md").read_text()
    assert (
        cli.main([*words, "--mask", "mask.csv"]) == 1
        and "--mask can only be used with --release" in capsys.readouterr().err
    )
    monkeypatch.setenv("RANK", "1")  # torchrun's second process trains along and says nothing
    assert cli.main([*words, "--release", "other", "--mask", "mask.csv"]) == 0
    assert capsys.readouterr().out == "" and not (tmp_path / "other").exists()
    monkeypatch.delenv("RANK")
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe | {"weights": "nowhere.safetensors"}))
    assert cli.main([*words[:-4], "--to", "new", "--device", "cpu"]) == 1
    assert "no weights at nowhere.safetensors" in capsys.readouterr().err
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe | {"options": {"dropot": 0.1}}))
    assert cli.main([*words[:-4], "--to", "new", "--device", "cpu"]) == 1
    assert "the network has no option 'dropot'" in capsys.readouterr().err
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe | {"batch_size": 8}))
    assert cli.main(words) == 1
    assert "recipe.batch_size: 16, not 8" in capsys.readouterr().err
    assert cli.main([*words, "--restart", "--train", "PublicTest", "--select", "none"]) == 0
    assert capsys.readouterr().out == "run: epoch 2 of 2, last\n"
    assert json.loads((tmp_path / "run/provenance.json").read_text())["parameters"]["rows"]["select"] is None
    (tmp_path / "recipe.yaml").write_text("epochs: 3\n")
    assert cli.main(words) == 1
    assert capsys.readouterr().err == "fercore: recipe.yaml: names no network\n"


def test_a_release_is_told_of_another_and_stays_in_its_folder(made, faces, tmp_path):
    run, _, masks = made
    with files.locked(tmp_path / "out", "a release"), ThreadPoolExecutor(1) as other:
        running = other.submit(model_card.release, run, "tinyfer_lite", OPTIONS, faces, masks, tmp_path / "out")
        with pytest.raises(files.BusyError, match="is being written by a release"):
            running.result()
    for name in ("a/../../b", "..\\b", "a\0b"):
        named = dataclasses.replace(faces, name=name)
        with pytest.raises(ValueError, match="cannot be the name of a file"):
            model_card.release(run, "tinyfer_lite", OPTIONS, named, masks, tmp_path / "out")
    assert not list(tmp_path.iterdir())
