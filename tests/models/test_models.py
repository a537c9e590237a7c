"""Every network has the parameters that its paper prints, timm knows it, and weights never go missing in silence."""

import json
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision.models.mobilenetv3 import InvertedResidual
from torchvision.ops import SqueezeExcitation

from fercore import models
from fercore.datasets import preprocess
from fercore.models import WeightsError, microexpnet, tinyfer, weights
from fercore.models.profile import profile

INPUT = dict.fromkeys(models.names(), (3, 64, 64))
INPUT |= dict.fromkeys(microexpnet.NETWORKS, (1, 84, 84))


def test_pooling_costs_no_more_than_it_saves():
    """Section IV-A: p1 has as many parameters as v, p2 and p12 a little fewer."""
    for size in microexpnet.SIZES:
        v, p1, p2, p12 = (
            sum(p.numel() for p in models.create(f"candidate_{pooling}_{size}").parameters())
            for pooling in microexpnet.CANDIDATES
        )
        assert v == p1 and p2 == p12 and 0.89 * v < p2 < v


@pytest.mark.parametrize("name", [name for name in models.names() if name != "light_fer"])
def test_timm_knows_it_and_it_runs(name):
    assert timm.is_model(name) and name in timm.list_models(name)
    network = timm.create_model(name, num_classes=5).eval()
    assert type(network) is type(models.create(name, num_classes=5))
    with torch.no_grad():
        logits = network(torch.rand(2, *INPUT[name]))
    assert logits.shape == (2, 5) and logits.isfinite().all()


@pytest.mark.parametrize("module", models._MODULES)
def test_each_module_names_all_that_it_registers(module):
    named = getattr(models._MODULES[module], "NETWORKS", ())
    assert isinstance(named, tuple) and sorted(named) == sorted(timm.list_models(module=module))


def test_mobilenet_has_the_gates_that_notebooks_3_and_6b_count():
    features = models.create("mobilenet_v3_small").features
    blocks = [block for block in features if isinstance(block, InvertedResidual)]
    gated = [block for block in blocks if any(isinstance(part, SqueezeExcitation) for part in block.modules())]
    assert (len(gated), len(blocks)) == (9, 11)


def test_attention_weighs_channels_by_their_neighbours():
    """Equations 4 to 6, written out."""
    attention, features = tinyfer.ECA(), torch.rand(2, 6, 3, 3)
    means = nn.functional.pad(features.mean((2, 3)), (1, 1))
    weights = attention.conv.weight.flatten()
    gates = torch.stack([(means[:, c : c + 3] * weights).sum(1).sigmoid() for c in range(6)], 1)
    torch.testing.assert_close(attention(features), features * gates[:, :, None, None])


def tensorflow_conv(images, kernel, bias, stride):
    """A convolution (N, H, W, C) as TensorFlow's SAME defines it, pixel by pixel of the output."""
    size, (high, wide) = images.shape[1], kernel.shape[:2]
    out = -(-size // stride)
    before = max((out - 1) * stride + high - size, 0) // 2
    padded = np.pad(images, ((0, 0), (before, high + stride), (before, wide + stride), (0, 0)))
    result = np.empty((len(images), out, out, kernel.shape[3]))
    for y in range(out):
        for x in range(out):
            window = padded[:, y * stride : y * stride + high, x * stride : x * stride + wide]
            result[:, y, x] = np.tensordot(window, kernel, 3) + bias
    return result


def tensorflow_pool(images):
    side = -(-images.shape[1] // 2)
    padded = np.pad(images, ((0, 0), (0, 1), (0, 1), (0, 0)), constant_values=-np.inf)
    return np.stack(
        [
            np.stack([padded[:, 2 * y : 2 * y + 2, 2 * x : 2 * x + 2].max((1, 2)) for x in range(side)], 1)
            for y in range(side)
        ],
        1,
    )


@pytest.fixture
def released():
    draw = np.random.default_rng(0)
    shapes = {"wc1": (8, 8, 1, 16), "wc2": (4, 4, 16, 32), "wfc": (1152, 48), "wo": (48, 8)}
    shapes |= {"bc1": (16,), "bc2": (32,), "bfc": (48,), "bo": (8,)}
    return {name: draw.normal(0, 0.1, shape).astype(np.float32) for name, shape in shapes.items()}


def test_released_weights_give_tensorflows_logits(released):
    images = np.random.default_rng(1).random((2, 84, 84, 1))
    features = tensorflow_pool(np.maximum(tensorflow_conv(images, released["wc1"], released["bc1"], 2), 0))
    features = tensorflow_pool(np.maximum(tensorflow_conv(features, released["wc2"], released["bc2"], 2), 0))
    hidden = np.maximum(features.reshape(2, -1) @ released["wfc"] + released["bfc"], 0)
    network = models.microexpnet.from_tensorflow(released)
    with torch.no_grad():
        logits = network(torch.tensor(images, dtype=torch.float32).permute(0, 3, 1, 2))
    np.testing.assert_allclose(logits, hidden @ released["wo"] + released["bo"], atol=1e-4)
    assert sum(p.numel() for p in network.parameters()) == 65_000


@pytest.mark.parametrize("name", ["wc1", "bc2", "wfc", "wo"])
def test_variables_that_are_missing_or_do_not_fit_are_named(released, name):
    without = {key: value for key, value in released.items() if key != name}
    with pytest.raises(ValueError, match=f"no variable {name}"):
        microexpnet.from_tensorflow(without)
    with pytest.raises(ValueError, match=name):
        microexpnet.from_tensorflow(released | {name: released[name][:-1]})
    with pytest.raises(ValueError, match=f"{name} is not finite"):
        microexpnet.from_tensorflow(released | {name: released[name] * np.nan})


@pytest.mark.parametrize("name", ["tinyfer_lite", "microexpnet_se", "mobilenet_v2", "light_fer"])
def test_imagenet_weights_that_cannot_be_had_are_an_error_with_the_ways_out(name, monkeypatch):
    def refuse(*_, **__):
        raise OSError("no network here")

    monkeypatch.setattr("torch.hub.download_url_to_file", refuse)
    monkeypatch.setattr("urllib.request.urlopen", refuse)
    monkeypatch.setattr("torch.hub.get_dir", lambda: "/nonexistent")
    monkeypatch.setattr("torch.hub.os.makedirs", refuse)
    with pytest.raises(models.WeightsError, match=r"(?s)cannot be had.*Either.*or"):
        models.create(name, weights="imagenet")


@pytest.mark.parametrize(
    "options, printed",  # Table 2 of its paper, millions of parameters
    [({"attention": False, "hidden": 0}, 0.93), ({"hidden": 0}, 1.10)],
)
def test_the_rows_of_the_2026_microexpnets_ablation_have_the_printed_parameters(options, printed):
    network = models.create("microexpnet_se", num_classes=7, **options)
    assert sum(weight.numel() for weight in network.parameters()) / 1e6 == pytest.approx(printed, abs=0.005)
    assert network.eval()(torch.zeros(2, 3, 48, 48)).shape == (2, 7)


@pytest.mark.parametrize("name", ["resemotenet", "mini_resemotenet_c"])
def test_resemotenets_dropout_is_that_of_its_released_code(name):
    """approach/ResEmoteNet.py: 0.2 after the first two convolutions, 0.5 after each of the three hidden layers."""
    for times in (1.0, 0.5):
        made = models.create(name, dropout=times)
        rates = [layer.p for layer in made.modules() if isinstance(layer, torch.nn.Dropout)]
        assert rates == [times * rate for rate in (0.2, 0.2, 0.5, 0.5, 0.5)]


@pytest.mark.parametrize("name", ["simple_cnn", "resemotenet", "microexpnet_xxs"])
def test_networks_without_imagenet_weights_say_so(name):
    with pytest.raises(ValueError, match=r"no (pretrained|ImageNet) weights"):
        models.create(name, weights="imagenet")


@pytest.mark.parametrize("name", ["inception_v3", "light_fer"])
def test_imagenet_weights_of_other_statistics_take_images_as_all_do_here(name, monkeypatch):
    """timm's Inception v3 and Xception take pixels from -1 to 1; what has no plain first layer is refused."""
    known = timm.create_model

    def create(what, pretrained, **options):  # of ours it makes those of timm; those that are random here
        return known(what, pretrained=pretrained and what == "light_fer", **options)

    monkeypatch.setattr(weights.timm, "create_model", create)
    torch.manual_seed(0)
    network = models.create(name, weights=None).eval()
    first = next(module for module in network.modules() if isinstance(module, nn.Conv2d))
    assert first.in_channels == 3 and first.padding == (0, 0)
    images = torch.rand(2, 3, 75, 75)
    with torch.no_grad():
        expected = network((images - 0.5) / 0.5)
        torch.manual_seed(0)
        ours = models.create(name, weights="imagenet").eval()
        mean, std = (torch.tensor(values)[:, None, None] for values in (preprocess.MEAN, preprocess.STD))
        found = ours((images - mean) / std)
    assert (found - expected).abs().max() < 1e-3 * expected.abs().max() and expected.std() > 0
    with pytest.raises(WeightsError, match=r"vit_small_patch16_224 are for images normalised by .*0\.5"):
        models.create("vit_small_patch16_224", weights="imagenet")


def test_imagenet_weights_go_into_the_backbone_alone(monkeypatch):
    from torchvision.models import mobilenet_v3_small

    state = {name: torch.full_like(value, 2) for name, value in mobilenet_v3_small().state_dict().items()}
    monkeypatch.setattr(tinyfer, "imagenet", lambda _: state)
    network = models.create("tinyfer_lite", weights="imagenet")
    assert all((value == 2).all() for value in network.features.state_dict().values())
    assert not (network.head.weight == 2).any()


def test_imagenet_weights_of_another_width_are_not_replaced_by_random_ones(monkeypatch):
    """But for the last layer's, where there are other classes."""
    from torchvision.models import get_model

    held = get_model("mobilenet_v3_small").state_dict()
    monkeypatch.setattr(weights, "imagenet", lambda _: dict(held))
    network = models.create("mobilenet_v3_small", 7, weights="imagenet").state_dict()
    assert {name for name in held if not torch.equal(network[name], held[name])} == {
        "classifier.3.weight",
        "classifier.3.bias",
    }
    with pytest.raises(models.WeightsError, match=r"do not fit mobilenet_v3_small with .*width_mult.*: .* is of shape"):
        models.create("mobilenet_v3_small", 7, weights="imagenet", width_mult=0.5)


def test_googlenet_answers_without_its_auxiliary_classifiers(monkeypatch):
    from torchvision.models import get_model

    held = get_model("googlenet", aux_logits=True, init_weights=False).state_dict()
    monkeypatch.setattr(weights, "imagenet", lambda _: dict(held))
    images = torch.rand(2, 3, 64, 64)
    for given in (None, "imagenet"):
        network = models.create("googlenet", 7, given)
        assert network.train()(images).shape == (2, 7) and network.transform_input == (given is not None)
    assert torch.equal(network.conv1.conv.weight, held["conv1.conv.weight"])


def test_weights_from_a_file(tmp_path):
    network = models.create("microexpnet_xxs")
    save_file(network.state_dict(), tmp_path / "w.safetensors")
    again = models.create("microexpnet_xxs", weights=tmp_path / "w.safetensors")
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), again.parameters(), strict=True))
    with pytest.raises(models.WeightsError, match="does not fit"):
        models.create("microexpnet_xs", weights=tmp_path / "w.safetensors")
    with pytest.raises(models.WeightsError, match="no weights at"):
        models.create("microexpnet_xs", weights=tmp_path / "other.safetensors")


def test_what_cannot_be_loaded_is_not_taken_for_anything(tmp_path, recwarn):
    torch.save({}, tmp_path / "w.pth")
    save_file(models.create("microexpnet_xxs", 7).state_dict(), tmp_path / "w.safetensors")
    for file in ("no.safetensors", "w.pth"):
        with pytest.raises(models.WeightsError):
            models.create("microexpnet_xxs", weights=tmp_path / file, classes=tuple("abcdefg"))
    with pytest.raises(models.WeightsError, match="does not fit"):
        models.create("microexpnet_xs", weights=tmp_path / "w.safetensors", classes=tuple("abcdefg"))
    assert not recwarn
    with pytest.warns(models.WeightsWarning, match="does not name its classes: they are taken to be a, b"):
        models.create("microexpnet_xxs", weights=tmp_path / "w.safetensors", classes=tuple("abcdefg"))


def test_a_pickle_is_never_converted_onto_itself(tmp_path):
    torch.save({}, tmp_path / "p.safetensors")
    with pytest.raises(models.WeightsError, match=r"convert \S+p\.safetensors \S+p-converted\.safetensors"):
        models.create("microexpnet_xxs", weights=tmp_path / "p.safetensors")


def test_a_network_has_an_output_for_each_class_that_is_named():
    with pytest.warns(models.WeightsWarning, match="a new head is initialised"):
        six = models.create("lean_65k", weights="fer2013", classes=tuple("abcdef"))
    seven = models.create("lean_65k", weights="fer2013").state_dict()
    assert {len(value) for name, value in six.state_dict().items() if value.shape != seven[name].shape} == {6}
    assert six(torch.zeros(2, 1, 48, 48)).shape == (2, 6)
    with pytest.raises(ValueError, match="7 outputs cannot be the 2 classes a, b"):
        models.create("lean_65k", 7, classes=("a", "b"))


def test_a_file_that_says_how_its_network_was_made_makes_it_so():
    """A stride changes no tensor's shape: made otherwise, the network would load the weights and answer otherwise."""
    path, own = weights.released("tinyfer_lite", "fer2013")
    assert models.options_of("tinyfer_lite", path) == {"stem_stride": 1, "dropout": 0.1}
    assert models.options_of("lean_65k", path) == models.options_of("tinyfer_lite", None) == {}
    by_path, by_name = (models.create("tinyfer_lite", own["num_classes"], given) for given in (path, "fer2013"))
    assert by_path.features[0][0].stride == by_name.features[0][0].stride == (1, 1)
    assert models.create("tinyfer_lite", 7, path, stem_stride=2).features[0][0].stride == (2, 2)


@pytest.mark.parametrize(
    "record", ["[]", "5", "{}", '{"network": "lean_65k", "options": null}', '{"network": "lean_65k"}']
)
def test_a_file_whose_record_is_of_somebody_else_is_taken_as_any_other(tmp_path, monkeypatch, record):
    network = models.create("lean_65k", 7)
    save_file(network.state_dict(), tmp_path / "mine", metadata={"fercore": record})
    monkeypatch.chdir(tmp_path)
    again = models.create("lean_65k", 7, Path("mine"))  # a path, though it might be a name
    assert torch.equal(again.stem[0].weight, network.stem[0].weight)


SPOILT = {
    "nan": ({"norm.weight": torch.tensor([1.0, float("nan")])}, r"norm\.weight is not finite"),
    "infinity": ({"conv.weight": torch.full((2, 1, 1, 1), float("inf"))}, r"conv\.weight is not finite"),
    "variance": ({"norm.running_var": torch.tensor([1.0, -0.1])}, r"norm\.running_var is a variance below 0"),
    "shape": ({"norm.bias": torch.ones(3)}, r"norm\.bias is of shape \(3,\), not \(2,\)"),
    "double": ({"norm.bias": torch.ones(2).double()}, r"norm\.bias is of type float64, not float32"),
    "whole numbers": ({"norm.bias": torch.ones(2).long()}, r"norm\.bias is of type int64, not float32"),
    "one too many": ({"head.bias": torch.ones(2)}, r"the network has no head\.bias"),
}


@pytest.mark.parametrize("tensors, told", SPOILT.values(), ids=SPOILT)
def test_weights_that_are_unfit_are_refused_with_the_tensor_named(tmp_path, tensors, told):
    network = nn.Sequential(OrderedDict(conv=nn.Conv2d(1, 2, 1), norm=nn.BatchNorm2d(2)))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    path = tmp_path / "w.safetensors"
    save_file(network.state_dict() | tensors, path)
    with pytest.raises(models.WeightsError, match=rf"w\.safetensors does not fit Sequential: {told}"):
        models.load_file(network, path)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_weights_that_are_cut_short_are_refused(tmp_path):
    network = nn.Linear(2, 2)
    path = tmp_path / "w.safetensors"
    save_file(network.state_dict(), path)
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(models.WeightsError, match=r"w\.safetensors is not a complete \.safetensors file"):
        models.load_file(network, path)
    save_file({"weight": torch.ones(2, 2)}, path)
    with pytest.raises(models.WeightsError, match="bias is missing"):
        models.load_file(network, path)


def test_an_unknown_name_lists_what_there_is():
    with pytest.raises(ValueError, match=r"no network 'tinyfer'.*tinyfer_lite"):
        models.create("tinyfer")


def test_operations_are_counted_once_a_multiplication():
    assert profile(nn.Sequential(nn.Flatten(), nn.Linear(12, 5)), (3, 2, 2))["macs"] == 60


@pytest.mark.parametrize("name", models.names())
def test_an_option_that_a_network_does_not_have_is_refused(name):
    with pytest.raises(TypeError, match="no option 'atention', 'dropot'"):
        models.create(name, 7, atention=False, dropot=0.9)


def test_microexpnet_starts_as_xavier_has_it():
    torch.manual_seed(0)  # of eight biases, one set in sixty stays below 0.6 of the limit
    layers = models.create("microexpnet_m", 8)
    for layer, before, after in (
        (layers.conv1, 64, 16 * 64), (layers.conv2, 16 * 16, 32 * 16), (layers.fc1, 1152, 768), (layers.fc2, 768, 8)
    ):  # fmt: skip
        limit = (6 / (before + after)) ** 0.5
        assert 0.9 * limit < layer.weight.abs().max() <= limit
        assert layer.weight.std().item() == pytest.approx(limit / 3**0.5, rel=0.05)
        limit = (3 / len(layer.bias)) ** 0.5
        assert 0.6 * limit < layer.bias.abs().max() <= limit


@pytest.mark.parametrize("made", [{"network": "lenet"}, {"network": 3}, ["lenet"], {"network": "x", "start": None}])
def test_a_run_whose_record_is_damaged_is_told_as_such(tmp_path, made):
    path = tmp_path / "last.safetensors"
    save_file({"a": torch.zeros(1)}, path, {"fercore": json.dumps({"identity": made})})
    with pytest.raises(WeightsError, match=r"last\.safetensors does not say which network it is of: its run's record"):
        weights.record(path)


def test_a_network_is_called_alike_whether_by_its_run_or_by_its_file():
    for name in ("lean_250k_distilled", "lean_250k-fer2013_distilled"):
        assert weights.called(name) == "lean_250k, distilled"
    assert weights.called("lean_250k") == weights.called("lean_250k-fer2013") == "lean_250k"


def test_distilled_weights_are_preferred_where_there_are_some():
    assert weights.preferred("lean_250k") == "fer2013_distilled" and weights.preferred("tinyfer_lite") == "fer2013"
    assert weights.preferred("simple_cnn") == "fer2013", "of which there are none, as is told where they are asked for"
