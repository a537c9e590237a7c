"""bf16 on a CPU: only where the CPU has it, with weights, moments and scores in fp32, and to the same bytes again."""

import contextlib
import dataclasses
import json

import pytest
import torch

from fercore import models
from fercore.evaluation import inference
from fercore.training import checkpoint, losses
from fercore.training.checkpoint import RunError
from fercore.training.recipe import Recipe
from fercore.training.trainer import fit

BF16 = Recipe(
    epochs=3, batch_size=16, img_size=24, loss="cross_entropy", class_weighted=False, smoothing=0.1, learning_rate=3e-3,
    weight_decay=0.02, filter_bias_and_bn=True, schedule="cosine", warmup=1, monitor="accuracy", tta="flip",
    precision="bf16", channels_last=True, ema=0.9, seed=1,
)  # fmt: skip
needs_bf16 = pytest.mark.skipif(not inference.cpu_has_bf16(), reason="this CPU has no bf16 arithmetic")


def train(faces, folder=None, recipe=BF16, **more):
    return fit("lean_65k", faces, recipe, folder, device="cpu", progress=False, **more)


@pytest.fixture
def asked_anew():
    inference.cpu_has_bf16.cache_clear()
    yield
    inference.cpu_has_bf16.cache_clear()


@pytest.mark.parametrize("has", [True, False])
def test_a_cpu_without_bf16_says_so(faces, monkeypatch, has):
    monkeypatch.setattr(inference, "cpu_has_bf16", lambda: has)
    if has:
        assert isinstance(inference.autocast("bf16", torch.device("cpu")), torch.autocast)
        return
    with pytest.raises(ValueError, match=r"this CPU has no bf16 arithmetic.*there is fp32"):
        train(faces)
    train(faces, recipe=dataclasses.replace(BF16, precision="fp32", epochs=1, warmup=0))


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_a_recipe_that_cannot_run_here_takes_nothing_away(faces, tmp_path, monkeypatch, precision):
    full = dataclasses.replace(BF16, precision="fp32", epochs=1, warmup=0)
    train(faces, tmp_path, full)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.setattr(inference, "cpu_has_bf16", lambda: False)
    with pytest.raises(ValueError, match=r"there is fp32|there are fp32"):
        train(faces, tmp_path, dataclasses.replace(full, precision=precision), restart=True)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_what_another_machine_has_trained_in_half_precision_is_read_here(faces, tmp_path, monkeypatch):
    recipe = dataclasses.replace(BF16, epochs=1, warmup=0)
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(inference, "autocast", lambda *_: contextlib.nullcontext())
        trained = train(faces, tmp_path, recipe)
    monkeypatch.setattr(inference, "cpu_has_bf16", lambda: False)
    assert train(faces, tmp_path, recipe).history.equals(trained.history)


@pytest.mark.parametrize(
    ("machine", "onednn", "avx512_bf16", "has"),
    [
        ("x86_64", True, True, True),
        ("AMD64", True, False, False),  # plain AVX-512, which oneDNN takes bf16 from and converts
        ("x86_64", False, False, False),
        ("aarch64", True, False, True),
        ("aarch64", False, False, False),
    ],
)
def test_what_a_cpu_is_asked(asked_anew, monkeypatch, machine, onednn, avx512_bf16, has):
    monkeypatch.setattr(inference.platform, "machine", lambda: machine)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: onednn)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512_bf16)
    assert inference.cpu_has_bf16() is has


def in_two_parts(again, folder, monkeypatch):
    """`again` into folder/whole, and into folder/parts after being killed at the end of its second epoch: the same
    bytes. Returns what the last checkpoint holds, and its record."""
    again(folder / "whole")
    write = checkpoint.write

    def stopped(path, tensors, record):
        write(path, tensors, record)
        if path.name == checkpoint.LAST and len(record["history"]) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "write", stopped)
        with pytest.raises(KeyboardInterrupt):
            again(folder / "parts")
    again(folder / "parts")
    for name in (checkpoint.BEST, checkpoint.HISTORY, checkpoint.METRICS):
        assert (folder / "parts" / name).read_bytes() == (folder / "whole" / name).read_bytes()
    (held, record), (more, _) = (checkpoint.read(folder / part / checkpoint.LAST) for part in ("whole", "parts"))
    assert held.keys() == more.keys() and all(torch.equal(value, more[name]) for name, value in held.items())
    return held, record


@needs_bf16
def test_killed_and_gone_on_with_to_the_same_bytes(faces, tmp_path, monkeypatch):
    in_two_parts(lambda folder: train(faces, folder), tmp_path, monkeypatch)
    with pytest.raises(RunError, match=r"recipe\.precision: bf16, not fp32"):
        train(faces, tmp_path / "whole", dataclasses.replace(BF16, precision="fp32"))


@needs_bf16
def test_weights_moments_and_scores_are_in_full_precision(faces, tmp_path, monkeypatch):
    computed = {True: set(), False: set()}  # in training, at evaluation
    network = models.create("lean_65k", 3)
    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d):
            layer.register_forward_hook(lambda layer, given, out: computed[layer.training].add(out.dtype))
    recipe = dataclasses.replace(BF16, ema=0.0)  # so that it is the network itself that is evaluated
    run = fit(network, faces, recipe, tmp_path, device="cpu", progress=False)
    assert computed == {True: {torch.bfloat16}, False: {torch.float32}}
    assert run.probabilities(faces, faces.rows("PrivateTest")).dtype == "float64"
    held, _ = checkpoint.read(tmp_path / checkpoint.LAST)
    kinds = {name: value.dtype for name, value in held.items() if not name.endswith("num_batches_tracked")}
    assert set(kinds.values()) == {torch.float32}
    assert {name.rsplit(".", 1)[-1] for name in kinds if name.startswith("optimizer.")} == {
        "step", "exp_avg", "exp_avg_sq",
    }  # fmt: skip
    # some weight has digits that bf16 has not
    assert not all(torch.equal(value, value.bfloat16().float()) for name, value in held.items() if "weight" in name)


@needs_bf16
def test_provenance_has_the_precision_and_that_the_cpu_has_it(faces, tmp_path):
    train(faces, tmp_path / "half", dataclasses.replace(BF16, epochs=1, warmup=0))
    train(faces, tmp_path / "full", dataclasses.replace(BF16, epochs=1, warmup=0, precision="fp32"))
    for name, precision in (("half", "bf16"), ("full", "fp32")):
        found = json.loads((tmp_path / name / checkpoint.PROVENANCE).read_text())
        assert (found["precision"], found["cpu_has_bf16"]) == (precision, True)


class Loud(torch.nn.Module):
    """Whose first gradients, times the scaler's first factor, are beyond fp16."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, images):
        return 30 * self.network(images)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_fp16_scales_its_gradients_and_leaves_out_steps_that_overflow(faces, tiny, tmp_path, monkeypatch, optimizer):
    """A CPU stands in for the GPU: autocast and scaler are PyTorch's own on both. Memory is littered, so that momentum
    that nobody has set shows; the temperature is what a loss learns by itself, outside of the optimiser."""
    monkeypatch.setattr(inference, "autocast", lambda precision, _: torch.autocast("cpu", torch.float16))
    recipe = Recipe(
        epochs=4, batch_size=16, img_size=12, augmentation=None, loss="cross_entropy", class_weighted=False,
        optimizer=optimizer, learning_rate=1e-3, weight_decay=0.0, schedule="constant", precision="fp16", seed=1,
        distillation=losses.Curriculum(rise=1.0),
    )  # fmt: skip

    def again(folder):
        litter = [torch.full((count,), 3e4) for count in (3, 8, 24, 72) for _ in range(1000)]
        del litter
        return fit(Loud(tiny()), faces, recipe, folder, teacher=tiny(), device="cpu", progress=False)

    held, record = in_two_parts(again, tmp_path, monkeypatch)
    assert 1 <= record["scaler"]["scale"] < 2**16, "no step was left out"
    assert record["history"][-1]["train_loss"] < record["history"][0]["train_loss"]
    assert 0 < abs(held["learned.temperature"].item() - 1) < 10, "by its gradient, and not by the scaler's times that"
