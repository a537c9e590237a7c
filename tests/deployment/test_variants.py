"""A network's forms answer to the same images, cost what they hold, and go on where their training was stopped."""

from dataclasses import replace
from importlib.util import find_spec
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from fercore import models
from fercore.datasets import FER2013_CLASSES
from fercore.deployment import compress, runtimes, variants
from fercore.deployment.variants import FP32, Variants
from fercore.evaluation import statistics
from fercore.models import weights
from fercore.training import Recipe, trainer

RECIPE = Recipe(epochs=2, batch_size=8, img_size=12, loss="cross_entropy", class_weighted=False, schedule="cosine")


class OnGpu(nn.Sequential):
    """Stands in for a network on a GPU, where `fit` leaves it."""

    def cpu(self):
        return self[0]


@pytest.fixture
def network():
    torch.manual_seed(0)
    layers = nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU()
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3)).eval()


@pytest.fixture
def forms(network, faces):
    return Variants("lean_250k", network, faces, faces.rows("test"), RECIPE, calibrated_on=8)


def test_the_first_is_the_network_itself(forms, network):
    cost = forms.found[FP32].cost
    tensors = sum(tensor.numel() for tensor in network.state_dict().values())
    assert cost["MiB"] == tensors * 4 / 2**20 and cost["R"] == pytest.approx(1)
    assert cost["nonzero"] == 8 * 9 + 8 * 8 * 9 + 8 * 3 and cost["macs"] == (8 * 9 * 100 + 8 * 8 * 9 * 64 + 24) / 1e6


def test_fewer_bits_are_a_smaller_file_and_other_answers(forms):
    accuracy = forms.fewer_bits([8, 2])
    eight, two = (forms.found[f"weights of {bits} bits"] for bits in (8, 2))
    weights = 8 * 9 + 8 * 8 * 9 + 8 * 3  # of the convolutions and the linear layer; all else keeps its 32 bits
    for form, bits in ((eight, 8), (two, 2)):
        saved = forms.found[FP32].cost["MiB"] - form.cost["MiB"]
        assert saved == pytest.approx(weights * (32 - bits) / 8 / 2**20)
    assert accuracy.name == "lean_250k" and accuracy[8] == forms.accuracy("weights of 8 bits")
    apart = [np.abs(one.probabilities - forms.found[FP32].probabilities).max() for one in (eight, two)]
    assert 0 < apart[0] < apart[1]


def test_weights_are_taken_out_at_once_and_while_training(forms, network):
    before = {name: value.clone() for name, value in network.state_dict().items()}
    rows = forms.fewer_weights([0.5], epochs=2)
    assert rows["how"].tolist() == ["at once", "while training"] and rows["R"].tolist() == [2, 2]
    ways = [forms.found[f"pruned 0.5 {how}"].module for how in rows["how"]]
    assert [compress.sparsity(each) for each in ways] == [0.5, 0.5]
    assert not torch.equal(ways[0][0].weight, ways[1][0].weight)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    name = forms.light_fer()
    assert name == "pruned 0.5 while training, FP16"
    assert forms.found[name].cost["MiB"] == forms.found[FP32].cost["MiB"] / 2 and forms.found[name].cost["R"] == 2


def test_a_form_of_which_nothing_is_left_has_no_ratio(forms):
    forms.fewer_bits([1])  # within half of one on both sides there is no integer but 0
    assert np.isnan(forms.found["weights of 1 bits"].cost["R"])


def test_what_lost_weights_is_trained_on_at_half_the_rate(forms, network, monkeypatch):
    asked = []
    monkeypatch.setattr(compress, "prune_and_train", lambda *given: asked.append(given[3:]) or network)
    monkeypatch.setattr(compress, "prune_channels", lambda *_: network)
    monkeypatch.setattr(variants, "fit", trained := Mock())
    forms.folder = "runs/x"
    forms.fewer_weights([0.5], epochs=5)
    forms.fewer_channels([0.25], epochs=5)
    half = replace(RECIPE, epochs=5, learning_rate=RECIPE.learning_rate / 2)
    assert asked == [(half, "runs/x-pruned-0.5-5")]
    trained.assert_called_once_with(network, forms.faces, half, "runs/x-channels-0.25-5", select=None, restart=True)


def test_without_a_training_weights_are_taken_out_at_once_alone(forms):
    assert forms.fewer_weights([0.5, 0.9], epochs=0)["how"].tolist() == ["at once", "at once"]
    assert forms.light_fer() == "pruned 0.5 at once, FP16"


def test_light_fers_form_has_weights_that_fp16_holds(forms):
    forms.fewer_weights([0.5], epochs=0)
    module = forms.found[forms.light_fer()].module
    assert all(torch.equal(value.float(), value.half().float()) for value in module.state_dict().values())


def test_two_ratios_of_one_name_are_refused_before_anything_is_trained(forms, monkeypatch):
    monkeypatch.setattr(compress, "prune_channels", lambda *_: pytest.fail("worked"))
    with pytest.raises(ValueError, match="each once"):
        forms.fewer_channels([0.301, 0.304], epochs=1)


def test_lists_that_are_empty_are_refused_before_anything_is_trained():
    variants.require_some(bits=[4], sparsities=[0.5])
    with pytest.raises(ValueError, match="sparsities: empty; expected one number or more"):
        variants.require_some(bits=[1, 16], sparsities=[])


@pytest.mark.skipif(find_spec("torch_pruning") is None, reason="torch-pruning is not installed, of the extra edge")
def test_fewer_channels_are_fewer_multiplications(forms):
    left = forms.fewer_channels([0.5], epochs=1)
    form = forms.found["without 50 % of channels"]
    assert left[0.5] == form.cost["macs"] / forms.found[FP32].cost["macs"] < 0.6
    assert form.cost["R"] > 1.8 and form.cost["MiB"] < 0.6 * forms.found[FP32].cost["MiB"]


def test_fewer_channels_are_on_the_cpu_again(forms, network, monkeypatch):
    monkeypatch.setattr(compress, "prune_channels", lambda *_: OnGpu(network))
    monkeypatch.setattr("fercore.deployment.variants.fit", lambda *_, **__: None)
    forms.fewer_channels([0.5], epochs=1)
    assert forms.found["without 50 % of channels"].module is network


def test_a_training_is_kept_and_gone_on_with(faces, network, tmp_path, monkeypatch):
    def train():
        forms = Variants("x", network, faces, faces.rows("test"), RECIPE, f"{tmp_path}/x", calibrated_on=8)
        return forms.fewer_weights([0.5], epochs=2)

    first = train()
    monkeypatch.setattr(trainer._Training, "epoch", lambda *_: pytest.fail("trained again"), raising=False)
    pd.testing.assert_frame_equal(train(), first)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["x-pruned-0.5-2"]


def test_scores_and_differences_are_of_the_same_images(forms, faces):
    forms.fewer_bits([2])
    masks = {"deduplicated": np.arange(len(forms.rows)) > 2}
    scores, differences = forms.scores(masks), forms.differences()
    assert scores.index.tolist() == [FP32, "weights of 2 bits"]
    assert differences.index.tolist() == ["weights of 2 bits"]
    gap = scores.loc["weights of 2 bits", "accuracy"] - scores.loc[FP32, "accuracy"]
    assert differences["value"].item() == pytest.approx(gap) and differences["value"].dtype == float
    assert differences["note"].item() == statistics.TOO_FEW
    assert scores.loc[FP32, "same_answer"] == 1 and "accuracy_deduplicated" in scores


def test_few_images_are_the_only_ones_that_are_answered(network, faces):
    forms = Variants("x", network, faces, faces.rows("test")[:5], RECIPE, calibrated_on=8)
    assert forms.found[FP32].probabilities.shape == (5, 3) and len(forms.labels) == 5


def test_integers_are_made_by_each_method_and_each_is_as_large_as_its_file(forms, monkeypatch):
    monkeypatch.setattr(compress, "int8", lambda content, images, method: content + method.encode())
    monkeypatch.setattr(compress, "float16", lambda content: content + b"half")
    monkeypatch.setattr(runtimes, "of_onnx", Mock())
    monkeypatch.setattr(forms, "_answers", lambda run: None)
    vars(forms.dense)["onnx"] = b"whole "
    forms.integers()
    made = {f"INT8 {method}": f"whole {method}".encode() for method in compress.METHODS} | {"FP16": b"whole half"}
    assert {name: one.onnx for name, one in forms.found.items() if name != FP32} == made
    assert all(forms.found[name].cost == {"MiB": len(content) / 2**20} for name, content in made.items())


def test_each_form_is_timed_as_a_model_of_its_own_with_the_threads_that_are_asked_for(forms, network, monkeypatch):
    asked, shapes = [], set()
    run = Mock(run=lambda images: shapes.add(images.shape))
    monkeypatch.setattr(runtimes, "of_onnx", lambda *given: asked.append(given) or run)
    monkeypatch.setattr(variants, "Network", lambda name, *_: Mock(onnx=name.encode()))
    vars(forms.dense)["onnx"] = b"whole"
    forms.add("smaller", network)
    forms.found["integers"] = variants.Variant(forms.found[FP32].probabilities, {}, onnx=b"INT8")
    times = forms.latency([FP32, "smaller", "integers"], seconds=0.001, threads=2)
    assert asked == [(b"whole", 2), (b"smaller", 2), (b"INT8", 2)] and shapes == {(1, 1, 12, 12)}
    assert times.loc[FP32, "times_faster"] == 1


class TestByName:
    """Networks that come with the project are taken as they are, on the data that they were trained on alone."""

    def faces(self, make_faces, name):
        return replace(make_faces(60, 24, classes=FER2013_CLASSES), name=name)

    def test_on_its_own_data(self, make_faces, monkeypatch):
        faces = self.faces(make_faces, "fer2013")
        monkeypatch.setattr("fercore.deployment.variants.fit", lambda *_, **__: pytest.fail("trained"))
        forms = Variants.of("lean_250k", faces, faces.rows("test"), RECIPE, "fer2013", "runs", calibrated_on=4)
        assert forms.folder == "runs/lean_250k-fer2013" and forms.departs == variants.RELEASED
        few = Variants.of("lean_250k", faces, faces.rows("test")[:4], RECIPE, "fer2013", calibrated_on=4)
        assert few.departs == f"{variants.RELEASED}, the first 4 images"
        few.start = variants.IMAGENET
        few.recipe = replace(few.recipe, epochs=variants.LEAST_EPOCHS)
        assert few.departs == "the first 4 images"
        few.recipe = replace(few.recipe, epochs=1)
        assert few.departs == "1 epoch, the first 4 images", "which says nothing about a paper that prints no number"
        expected = models.create("lean_250k", weights="fer2013").state_dict()
        assert torch.equal(forms.dense.module.state_dict()["stem.0.weight"], expected["stem.0.weight"])
        path, _ = weights.released("lean_250k", "fer2013")
        assert forms.recipe.img_size == weights.record(path)["img_size"] == 48

    def test_distilled_weights_are_of_the_data_that_they_are_named_for(self, make_faces, monkeypatch):
        faces = self.faces(make_faces, "fer2013")
        monkeypatch.setattr("fercore.deployment.variants.fit", lambda *_, **__: pytest.fail("trained"))
        forms = Variants.of("lean_65k", faces, faces.rows("test"), RECIPE, "fer2013_distilled", calibrated_on=4)
        expected = models.create("lean_65k", weights="fer2013_distilled").state_dict()
        assert torch.equal(forms.dense.module.state_dict()["stem.0.weight"], expected["stem.0.weight"])

    def test_on_its_data_divided_otherwise_it_says_that_it_trains(self, make_faces, monkeypatch):
        """What is held out here may have trained them."""
        faces = self.faces(make_faces, "fer2013")
        faces = replace(faces, roles={"train": "PublicTest", "select": "Training", "test": "PrivateTest"})
        run = type("Run", (), {"network": models.create("lean_250k", 7).eval()})
        monkeypatch.setattr("fercore.deployment.variants.fit", trained := Mock(return_value=run))
        with pytest.warns(weights.WeightsWarning, match="those of fer2013 have seen images that are held out here"):
            Variants.of("lean_250k", faces, faces.rows("test"), RECIPE, "fer2013", calibrated_on=4)
        trained.assert_called_once()

    def test_a_name_of_no_weights_is_refused(self, make_faces, monkeypatch):
        faces = self.faces(make_faces, "fer2013")
        monkeypatch.setattr("fercore.deployment.variants.fit", lambda *_, **__: pytest.fail("trained"))
        with pytest.raises(weights.WeightsError, match="no weights 'imagnet' of lean_250k"):
            Variants.of("lean_250k", faces, faces.rows("test"), RECIPE, "imagnet", calibrated_on=4)

    def test_weights_of_classes_in_another_order_are_refused(self, make_faces):
        faces = self.faces(make_faces, "fer2013")
        faces = replace(faces, classes=tuple(sorted(faces.classes)))
        with pytest.raises(weights.WeightsError, match="is of the classes angry, disgust, fear, happy, sad"):
            Variants.of("lean_250k", faces, faces.rows("test"), RECIPE, "fer2013", calibrated_on=4)

    def test_on_other_data_it_says_that_it_trains(self, make_faces, monkeypatch):
        faces = self.faces(make_faces, "other")
        run = type("Run", (), {"network": models.create("lean_250k", 7).eval()})
        monkeypatch.setattr("fercore.deployment.variants.fit", lambda *_, **__: run)
        with pytest.warns(weights.WeightsWarning, match="lean_250k is trained from random weights on other"):
            forms = Variants.of("lean_250k", faces, faces.rows("test"), RECIPE, "fer2013", calibrated_on=4)
        assert forms.start == variants.RANDOM

    @pytest.mark.parametrize(("name", "given", "start"), [
        ("fer2013", "", None), ("other", "a/x.h5", "a/x.h5"), ("other", "a/x.safetensors", "a/x.safetensors"),
    ])  # fmt: skip
    def test_otherwise_trained(self, make_faces, monkeypatch, tmp_path, name, given, start):
        asked = {}

        def fit(network, faces, recipe, folder, **more):
            asked.update(more, folder=folder, network=network)
            return type("Run", (), {"network": OnGpu(models.create(network, 7).eval())})

        monkeypatch.setattr("fercore.deployment.variants.fit", fit)
        faces = self.faces(make_faces, name)
        recipe = replace(RECIPE, img_size=32)
        forms = Variants.of("lean_65k", faces, faces.rows("test"), recipe, given, f"{tmp_path}", calibrated_on=4)
        assert not isinstance(forms.dense.module, OnGpu) and forms.start == {
            None: variants.RANDOM, "a/x.h5": variants.IMAGENET, "a/x.safetensors": "x.safetensors",
        }[start], "a file of Keras's is ImageNet's"  # fmt: skip
        place = f"{tmp_path}/lean_65k-{'x' if start else 'random'}-2-42"
        assert asked == {"network": "lean_65k", "weights": start, "restart": True, "folder": place}


@pytest.mark.skipif(
    not all(map(find_spec, ("onnx", "onnxscript", "onnxruntime"))), reason="the extra edge is not installed"
)
class TestWithRuntime:
    def test_integers_and_times(self, forms):
        forms.fewer_weights([0.5], epochs=0)
        forms.integers()
        for name, most in {f"INT8 {method}": 0.05 for method in compress.METHODS}.items() | {("FP16", 0.01)}:
            assert np.abs(forms.found[name].probabilities - forms.found[FP32].probabilities).max() < most
        times = forms.latency([FP32, "pruned 0.5 at once", "INT8 per tensor"], seconds=0.02)
        assert times.loc[FP32, "times_faster"] == 1 and (times["median"] > 0).all() and len(times) == 3

    def test_a_runtime_that_is_missing_says_why(self, forms):
        missing = forms.in_runtimes(["TensorRT", "ONNX Runtime"])
        assert list(missing) == ["TensorRT"] and "NVIDIA GPU" in missing["TensorRT"]
        assert np.allclose(forms.found["ONNX Runtime"].probabilities, forms.found[FP32].probabilities, atol=1e-5)
        with pytest.raises(ValueError, match="no runtime"):
            forms.in_runtimes(["caffe"])
        assert runtimes.FIRST == "PyTorch"
