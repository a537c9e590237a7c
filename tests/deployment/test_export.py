"""An exported file answers as PyTorch does, says what it is, and is refused once a byte of it has changed."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

from fercore import models
from fercore.datasets import preprocess
from fercore.deployment import export
from fercore.deployment.export import Description, ExportError, FromFace
from fercore.models.weights import WeightsError
from fercore.training.recipe import Recipe
from fercore.training.trainer import fit

DESCRIPTION = Description("tiny", "grey noise", ("dark", "middle", "bright"), 16, face_size=12, temperature=0.8)


@pytest.mark.parametrize(("size", "side"), [((48, 48), 64), ((24, 27), 48), ((150, 97), 48), ((20, 200), 48)])
def test_resizing_is_that_of_evaluation(size, side):
    images = torch.rand(2, 1, *size, generator=torch.Generator().manual_seed(0))
    expected = F.interpolate(images, (side, side), mode="bilinear", align_corners=False, antialias=True)
    assert torch.allclose(export.resize(images, side, side), expected, atol=1e-6)


@pytest.mark.parametrize("tta", ["one", "flip"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_face_is_seen_as_at_evaluation(tiny, faces, tta, channels):
    network = tiny(channels=channels).eval()
    pixels = torch.from_numpy(faces.pixels[:5])
    seen = preprocess.resize(pixels, 16, channels)
    views = [seen, seen.flip(-1)] if tta == "flip" else [seen]
    expected = torch.stack([(network(view) / 0.8).softmax(-1) for view in views]).mean(0)
    module = FromFace(network, replace(DESCRIPTION, tta=tta))
    found = module(torch.from_numpy(export.three_channels(faces.pixels[:5])))
    assert torch.allclose(found, expected, atol=1e-6)


def test_colours_are_taken_away_where_there_were_none(tiny):
    network, draw = tiny(channels=3).eval(), np.random.default_rng(0)
    colour = torch.from_numpy(draw.integers(0, 256, (2, 12, 12, 3), np.uint8))
    grey, kept = (FromFace(network, replace(DESCRIPTION, grey=value)) for value in (True, False))
    assert not torch.allclose(grey(colour), kept(colour))
    alike = colour[..., :1].expand(-1, -1, -1, 3)
    assert torch.allclose(grey(alike), kept(alike), atol=1e-6)


def test_what_meets_padding_alone_is_left_out(tmp_path):
    onnx = pytest.importorskip("onnx")
    torch.manual_seed(0)
    network = models.create("mini_resemotenet_c", num_classes=3).eval()
    whole = [weight.shape for weight in network.parameters()]
    description = replace(DESCRIPTION, network="mini_resemotenet_c", img_size=64, face_size=48)
    path = export.export(network, tmp_path / "c.onnx", description)  # which compares the answers
    kernels = {tuple(tensor.dims) for tensor in onnx.load(path).graph.initializer if len(tensor.dims) == 4}
    assert {(256, 128, 2, 2), (256, 256, 1, 1)} <= kernels and (256, 256, 3, 3) not in kernels
    assert [weight.shape for weight in network.parameters()] == whole, "the network itself stays as it is"


def test_a_network_that_was_trained_without_them_has_any_number_of_images_too(tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    torch.manual_seed(0)
    network = models.create("mini_resemotenet_c", num_classes=3, trimmed=64).eval()
    path = export.export(network, tmp_path / "c.onnx", replace(DESCRIPTION, network="mini_resemotenet_c", img_size=64))
    session = runtime.InferenceSession(path)
    assert session.get_inputs()[0].shape[0] == session.get_outputs()[0].shape[0] == "n"


def test_the_digest_is_the_end_of_the_file(tmp_path):
    path = export.write(b"model", tmp_path / "a.onnx", DESCRIPTION)
    content, description = export.read(path)
    assert description == DESCRIPTION and content == path.read_bytes()
    last = export._entry(export.DIGEST, content[-64:].decode())
    assert content.endswith(last)
    assert hashlib.sha256(content[: -len(last)]).hexdigest().encode() == content[-64:]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda content: content[:-1], "truncated, or not written by fercore export"),
        (lambda content: content[: len(content) // 2], "truncated"),
        (lambda content: b"", "truncated"),
        (lambda content: b"x" + content[1:], "changed since it was exported"),
        (lambda content: content.replace(b"bright", b"brighp"), "changed since it was exported"),
        (lambda content: content + b"0", "truncated"),
    ],
)
def test_a_changed_file_is_refused(tmp_path, change, told):
    path = export.write(b"model", tmp_path / "a.onnx", DESCRIPTION)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ExportError, match=told):
        export.read(path)


def test_a_file_of_another_version_or_none(tmp_path):
    content = export._entry(export.RECORD, json.dumps({"network": "tiny"}))
    content += export._entry(export.DIGEST, hashlib.sha256(content).hexdigest())
    (tmp_path / "a.onnx").write_bytes(content)
    with pytest.raises(ExportError, match="made by another version"):
        export.read(tmp_path / "a.onnx")
    with pytest.raises(ExportError, match="no such file"):
        export.read(tmp_path / "b.onnx")


def test_what_is_missing_says_how_to_get_it():
    with pytest.raises(ExportError, match=r"no_such_runtime is not installed: pip install 'fercore\[edge\]'"):
        export.required("no_such_runtime")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A network and its file, where the extra `edge` is installed."""
    for name in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(name, reason=f"{name} is not installed, of the extra edge")
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    network.append(nn.Linear(8, 3)).eval()
    path = tmp_path_factory.mktemp("export") / "tiny.onnx"
    return network, export.export(network, path, replace(DESCRIPTION, tta="flip"))


def test_answers_are_pytorchs(made):
    network, path = made
    exported = export.load(path)
    module = FromFace(network, exported.description)
    assert exported.description.fingerprint == export.fingerprint(network)
    for size in ((12, 12, 3), (12, 12), (40, 31, 3), (7, 9, 3)):
        faces = np.random.default_rng(1).integers(0, 256, (3, *size), np.uint8)
        with torch.no_grad():
            expected = module(torch.from_numpy(export.three_channels(faces))).numpy()
        assert np.abs(exported(faces) - expected).max() < 1e-5


def test_it_says_what_it_is_and_nothing_of_the_machine(made):
    held = export.session(made[1].read_bytes()).get_modelmeta().custom_metadata_map
    assert json.loads(held["fercore"])["classes"] == ["dark", "middle", "bright"]
    assert b".py" not in made[1].read_bytes()


def test_a_file_that_answers_otherwise_is_not_written(made, tmp_path, monkeypatch):
    (tmp_path / "old.onnx").write_text("what stood there")
    monkeypatch.setattr(export, "difference", lambda *_: 2e-4)
    with pytest.raises(ExportError, match=r"differ from PyTorch's by 0\.0002, more than 0\.0001; nothing written"):
        export.export(made[0], tmp_path / "old.onnx", DESCRIPTION)
    assert (tmp_path / "old.onnx").read_text() == "what stood there"


def test_weights_may_be_stored_in_half_precision(made, tmp_path, monkeypatch):
    """Kernels and matrices are; arithmetic, biases and what the file says of itself stay."""
    onnx = pytest.importorskip("onnx")
    network, whole = made
    path = export.export(network, tmp_path / "half.onnx", export.load(whole).description, half=True)
    held = onnx.load(path).graph
    stored = [tensor for tensor in held.initializer if tensor.data_type == onnx.TensorProto.FLOAT16]
    assert sorted(tuple(tensor.dims) for tensor in stored) == [(3, 8), (8, 1, 3, 3)]
    assert export.load(path).description == export.load(whole).description
    faces = np.random.default_rng(1).integers(0, 256, (3, 12, 12, 3), np.uint8)
    apart = np.abs(export.load(path)(faces) - export.load(whole)(faces)).max()
    assert 0 < apart < 1e-3, "rounded, and no more"
    monkeypatch.setattr(export, "HALF_PARITY", 0)
    with pytest.raises(ExportError, match="more than 0; nothing written"):
        export.export(network, tmp_path / "other.onnx", DESCRIPTION, half=True)
    assert not (tmp_path / "other.onnx").exists()


def test_a_network_that_is_very_sure_is_exported_and_one_that_answers_nan_is_not(tiny, tmp_path):
    """Of logits more than 104 apart a probability is 0 in single precision."""
    network = tiny().eval()
    with torch.no_grad():
        network.head.bias[0] += 300
    path = export.export(network, tmp_path / "sure.onnx", DESCRIPTION)
    assert export.load(path)(np.zeros((1, 12, 12, 3), np.uint8)).min() == 0
    with torch.no_grad():
        network.head.bias[0] = np.nan
    with pytest.raises(ExportError, match="by nan"):
        export.export(network, tmp_path / "none.onnx", DESCRIPTION)


@pytest.mark.parametrize("place", range(3))
def test_an_answer_that_is_no_number_is_told_at_every_size(made, tmp_path, monkeypatch, place):
    found = iter(np.where(np.arange(3) == place, np.nan, 0.0).tolist())
    monkeypatch.setattr(export, "difference", lambda *_: next(found))
    with pytest.raises(ExportError, match="by nan, more than"):
        export.export(made[0], tmp_path / "new.onnx", DESCRIPTION)


def test_a_file_that_does_not_run_is_not_written(made, tmp_path, monkeypatch):
    def refuse(*_):
        raise RuntimeError("an operator of tomorrow")

    monkeypatch.setattr(export, "difference", refuse)
    with pytest.raises(ExportError, match=r"does not run it \(an operator of tomorrow\); nothing written"):
        export.export(made[0], tmp_path / "new.onnx", DESCRIPTION)
    assert not (tmp_path / "new.onnx").exists()


@pytest.mark.parametrize("size", [12, (16, 12)])
def test_a_run_is_exported_as_it_was_trained(made, make_faces, tmp_path, size):
    faces = make_faces(30, size)
    recipe = Recipe(epochs=1, batch_size=16, img_size=24, loss="cross_entropy", schedule="cosine", tta="flip")
    run = fit("lean_65k", faces, recipe, tmp_path / "run", device="cpu", progress=False)
    best = tmp_path / "run" / "best.safetensors"
    exported = export.load(export.from_weights("lean_65k", best, tmp_path / "a.onnx"))
    told = exported.description
    assert (told.data, told.classes, told.img_size, told.face_size) == (faces.name, faces.classes, 24, size)
    assert told.grey and told.tta == "flip"
    rows = np.arange(5)
    assert np.allclose(exported(faces.pixels[rows]), run.probabilities(faces, rows), atol=1e-5)
    with pytest.raises(WeightsError, match="is of lean_65k, not lean_250k"):
        export.from_weights("lean_250k", best, tmp_path / "b.onnx")
    record = best.with_name("provenance.json")
    found = json.loads(record.read_text())
    for changed in (found | {"parameters": {}}, found | {"data": {}}):  # of another run, of an earlier version
        record.write_text(json.dumps(changed))
        with pytest.raises(WeightsError, match="does not say how large the faces are"):
            export.from_weights("lean_65k", best, tmp_path / "b.onnx")
    record.unlink()  # best.safetensors came alone from a cluster
    with pytest.raises(WeightsError, match=r"provenance.json, which says how large .*, is not there: copy the run's"):
        export.from_weights("lean_65k", best, tmp_path / "b.onnx")


def test_weights_that_are_not_there_are_called_so(tmp_path):
    with pytest.raises(WeightsError, match=r"^no weights at .*missing\.safetensors; give"):
        export.from_weights("lean_65k", tmp_path / "missing.safetensors", tmp_path / "a.onnx")
    torch.save({}, tmp_path / "state.pth")
    with pytest.raises(WeightsError, match=r"state\.pth is a pickled PyTorch file.*fercore convert"):
        export.from_weights("lean_65k", tmp_path / "state.pth", tmp_path / "a.onnx")


def test_weights_given_for_a_model_are_told_how_one_is_made_of_them(tmp_path):
    torch.save({}, tmp_path / "w.pth")
    save_file({}, tmp_path / "w.safetensors")
    made = r"fercore export NETWORK --weights \S+w\.safetensors --to \S+w\.onnx$"
    with pytest.raises(ExportError, match=rf"w\.pth: weights, .*: fercore convert \S+ \S+, then {made}"):
        export.read(tmp_path / "w.pth")
    with pytest.raises(ExportError, match=rf"w\.safetensors: weights, not an exported model; to export them: {made}"):
        export.read(tmp_path / "w.safetensors")


def test_weights_without_a_record_are_told_the_way_in_python(made, tmp_path):
    """As `fercore convert` makes them of a file of torch.save."""
    path = tmp_path / "s.safetensors"
    save_file(made[0].state_dict(), path)
    with pytest.raises(
        WeightsError, match=r"s\.safetensors has no fercore record, .*: export\.export\(network, path, De"
    ):
        export.from_weights("lean_65k", path, tmp_path / "a.onnx")


def test_the_folder_of_a_run_is_told_its_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("run", "fer2013"):  # the latter beside weights that come with the project
        Path(name).mkdir()
    for folder in ("run", tmp_path / "run"):
        with pytest.raises(WeightsError, match=r"is a folder; of a run, name .*run/best\.safetensors"):
            export.from_weights("lean_250k", folder, tmp_path / "a.onnx")
    monkeypatch.setattr(export, "export", lambda *words, half: words[2].data)
    assert export.from_weights("lean_250k", "fer2013", tmp_path / "a.onnx") == "fer2013"


def test_faces_that_are_none(made):
    with pytest.raises(ValueError, match="faces are uint8"):
        export.load(made[1])(np.zeros((1, 12, 12, 3), np.float32))
