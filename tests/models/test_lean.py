"""The project's own networks have the sizes they say, take faces of several sides, and learn in every part."""

import json
from pathlib import Path

import pytest
import timm
import torch

from fercore import claims, cli, models
from fercore.models.lean import NETWORKS, BasicBlock
from fercore.models.weights import DISTILLED
from fercore.results import measurements

ROOT = Path(__file__).parents[2]
PARAMETERS = {
    "lean_65k": 63_865,
    "lean_250k": 229_911,
    "lean_932k": 891_539,
    "lean_1m2": 1_210_531,
    "lean_5m": 4_853_527,
}
BELOW = {  # the network of a paper that each is compared with
    "lean_65k": ("microexpnet_xxs", 8),
    "lean_250k": ("microexpnet_s", 8),
    "lean_932k": ("tinyfer_lite", 7),
    "lean_1m2": ("mini_resemotenet_c", 7),
    "lean_5m": ("mini_resemotenet_b", 7),
}


def count(network):
    return sum(weight.numel() for weight in network.parameters())


def test_they_are_none_of_the_papers_and_may_be_measured():
    assert tuple(PARAMETERS) == models.OWN and not set(models.OWN) & set(models.names())
    counted = claims.networks(ROOT / "params/paper/networks.yaml")
    assert {"network": "lean_250k", "classes": 7, "input": "1x48x48"} in counted
    known = [entry["network"] for entry in counted]
    for name in models.OWN:
        measurement = f"accuracy({name}, fer2013, PrivateTest)"
        assert measurements.check(measurement, known) == measurement


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_are_fewer_than_the_papers(name):
    network, (other, classes) = models.create(name, num_classes=7), BELOW[name]
    assert count(network) == PARAMETERS[name] <= count(models.create(other, num_classes=classes))
    assert count(models.create(name)) == PARAMETERS[name]


@pytest.mark.parametrize("side", [44, 48])
@pytest.mark.parametrize("name", PARAMETERS)
def test_timm_knows_it_and_it_takes_grey_faces(name, side):
    network = timm.create_model(name, num_classes=5).eval()
    assert next(network.parameters()).shape[1] == 1
    with torch.no_grad():
        logits = network(torch.rand(2, 1, side, side))
    assert logits.shape == (2, 5) and logits.isfinite().all()
    assert models.create(name, in_chans=3)(torch.rand(2, 3, side, side)).shape == (2, 7)


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_parameter_has_a_gradient(name):
    torch.manual_seed(0)
    network = models.create(name)
    torch.nn.functional.cross_entropy(network(torch.randn(8, 1, 48, 48)), torch.arange(8) % 7).backward()
    for part, weight in network.named_parameters():
        assert weight.grad is not None and weight.grad.abs().sum() > 0, part


@pytest.mark.parametrize(("name", "sides"), [("lean_65k", [24, 24, 12, 12]), ("lean_250k", [24, 24, 12, 12, 6])])
def test_maps_are_as_large_as_they_should_be(name, sides):
    features, found = torch.rand(1, 1, 48, 48), []
    network = models.create(name).eval()
    for part in (network.stem, *network.blocks):
        features = part(features)
        found.append(features.shape[-1])
    assert found == sides


def test_a_shortcut_pools_whole_windows_of_odd_maps():
    """By weights of zero in the body and of one in the projection, what comes out is the mean of each window."""
    block = BasicBlock(1, 2, stride=2).eval()
    torch.nn.init.zeros_(block.body[-2].weight)
    torch.nn.init.ones_(block.shortcut[1].weight)
    found = block(torch.arange(9.0).reshape(1, 1, 3, 3))
    expected = torch.tensor([[2.0, 3.5], [6.5, 8.0]]).expand(1, 2, 2, 2)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_dropout_and_what_it_does_not_have():
    rates = {name: models.create(name).dropout.p for name in models.OWN}
    assert rates == {"lean_65k": 0.0, "lean_250k": 0.0, "lean_932k": 0.1, "lean_1m2": 0.2, "lean_5m": 0.3}
    assert models.create("lean_932k", dropout=0.5).dropout.p == 0.5
    with pytest.raises(TypeError, match="no option 'dropot'"):
        models.create("lean_65k", dropot=0.5)
    with pytest.raises(ValueError, match="no ImageNet weights"):
        models.create("lean_65k", weights="imagenet")


RECIPES = {path.stem: path for path in ROOT.glob("params/recipes/*.yaml")}


@pytest.mark.parametrize("path", sorted(ROOT.glob("params/recipes/lean_*.yaml")), ids=lambda path: path.stem)
def test_recipes_are_of_these_networks_on_faces_as_they_are(path):
    name, settings, soft, teacher = cli.training._read_recipe(str(path))
    recipe = settings["recipe"]
    assert all((ROOT / file).is_file() for file in soft) and bool(soft or teacher) == (recipe.smoothing == 0)
    assert path.stem in (f"{name}-fer2013", f"{name}_soft_labels", f"{name}-fer2013{DISTILLED}") and name in models.OWN
    assert recipe.img_size == 48 and recipe.filter_bias_and_bn and not recipe.class_weighted
    assert recipe.augmentation.shear == 0
    assert (
        bool(recipe.augmentation.erasing) == bool(recipe.mixup) == (name == "lean_5m")
    )  # the one that is large enough


MADE = sorted(path.parent for path in ROOT.glob("reports/reference/*/provenance.json") if path.parent.name in RECIPES)


@pytest.mark.parametrize("folder", MADE, ids=lambda folder: folder.name)
def test_reference_results_are_of_the_recipe_as_it_is(folder):
    """By what decides most, which records had under the same names always."""
    made = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))["parameters"]
    name, settings, soft, teacher = cli.training._read_recipe(str(RECIPES[folder.name]))
    assert made["network"].split(",")[0] == name
    for key in ("epochs", "learning_rate", "weight_decay", "optimizer", "schedule", "seed"):
        assert made["recipe"][key] == getattr(settings["recipe"], key), key
    assert bool(made.get("soft_labels")) == bool(soft) and bool(made.get("teacher")) == bool(teacher)


def test_every_size_has_a_recipe():
    found = {path.stem for path in ROOT.glob("params/recipes/lean_*-fer2013.yaml")}
    assert found == {f"{name}-fer2013" for name in NETWORKS}
