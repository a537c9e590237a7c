"""bf16 on a CPU: only where the CPU has it, with weights, moments and scores in fp32, and to the same bytes again."""

import dataclasses
import json

import pytest
import torch

from fercore import evaluation, models, runs
from fercore.recipe import Recipe
from fercore.runs import RunError
from fercore.training import fit

BF16 = Recipe(
    epochs=3, batch=16, side=24, loss="cross_entropy", class_weighted=False, smoothing=0.1, learning_rate=3e-3,
    weight_decay=0.02, filter_bias_and_bn=True, schedule="cosine", warmup=1, select="accuracy", views="flip",
    precision="bf16", channels_last=True, ema=0.9, seed=1,
)  # fmt: skip
needs_bf16 = pytest.mark.skipif(not evaluation.cpu_has_bf16(), reason="this CPU has no bf16 arithmetic")


def train(faces, folder=None, recipe=BF16, **more):
    return fit("lean_65k", faces, recipe, folder, device="cpu", progress=False, **more)


@pytest.fixture
def asked_anew():
    evaluation.cpu_has_bf16.cache_clear()
    yield
    evaluation.cpu_has_bf16.cache_clear()


@pytest.mark.parametrize("has", [True, False])
def test_a_cpu_without_bf16_says_so(faces, monkeypatch, has):
    monkeypatch.setattr(evaluation, "cpu_has_bf16", lambda: has)
    if has:
        assert isinstance(evaluation.autocast("bf16", torch.device("cpu")), torch.autocast)
        return
    with pytest.raises(ValueError, match=r"this CPU has no bf16 arithmetic.*there is fp32"):
        train(faces)
    train(faces, recipe=dataclasses.replace(BF16, precision="fp32", epochs=1, warmup=0))


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
    monkeypatch.setattr(evaluation.platform, "machine", lambda: machine)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: onednn)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512_bf16)
    assert evaluation.cpu_has_bf16() is has


@needs_bf16
def test_killed_and_gone_on_with_to_the_same_bytes(faces, tmp_path, monkeypatch):
    train(faces, tmp_path / "whole")
    write = runs.write

    def stopped(path, tensors, record):
        write(path, tensors, record)
        if path.name == runs.LAST and len(record["history"]) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(runs, "write", stopped)
        with pytest.raises(KeyboardInterrupt):
            train(faces, tmp_path / "parts")
    train(faces, tmp_path / "parts")
    for name in (runs.BEST, runs.HISTORY, runs.METRICS):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    held, again = (runs.read(tmp_path / part / runs.LAST)[0] for part in ("whole", "parts"))
    assert held.keys() == again.keys() and all(torch.equal(value, again[name]) for name, value in held.items())
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
    held, _ = runs.read(tmp_path / runs.LAST)
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
        found = json.loads((tmp_path / name / runs.PROVENANCE).read_text())
        assert (found["precision"], found["cpu_has_bf16"]) == (precision, True)
