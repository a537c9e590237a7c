"""Networks are as large as their papers say, to the last parameter, and are counted without being filled."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import nn

from fercore import claims, models
from fercore.models.profile import compare, count, profile, structure, structures
from fercore.results import measurements

ROOT = Path(__file__).parents[2]
NETWORKS = claims.networks(ROOT / "params/paper/networks.yaml")
PARAMETERS = {
    ("simple_cnn", 7): 1_175_015,
    ("mobilenet_v2", 7): 2_232_839,
    ("mobilenet_v3_small", 7): 1_525_031,
    ("efficientnet_b0", 7): 4_016_515,
    ("tinyfer_lite", 7): 932_202,
    ("microexpnet_m", 8): 900_920,
    ("microexpnet_s", 8): 232_184,
    ("microexpnet_xs", 8): 120_728,
    ("microexpnet_xxs", 8): 65_000,
    ("resemotenet", 7): 80_238_599,
    ("mini_resemotenet_a", 7): 20_069_383,
    ("mini_resemotenet_b", 7): 5_022_215,
    ("mini_resemotenet_c", 7): 1_259_911,
    ("microexpnet_se", 7): 1_243_127,  # its paper says 1.18 M, and its own parts give this
}
MIB = {  # with buffers, and of parameters alone
    "size(tinyfer_lite, 7, buffers)": 3.61,
    "size(simple_cnn, 7, buffers)": 4.49,
    "size(mobilenet_v2, 7, buffers)": 8.65,
    "size(mobilenet_v3_small, 7, buffers)": 5.86,
    "size(efficientnet_b0, 7, buffers)": 15.48,
    "size(resemotenet, 7, parameters)": 306.09,
    "size(mini_resemotenet_a, 7, parameters)": 76.56,
    "size(mini_resemotenet_b, 7, parameters)": 19.16,
}


@pytest.fixture(scope="module")
def counted():
    return measurements.table(count(NETWORKS)).set_index("measurement")["value"]


@pytest.mark.parametrize(("name", "classes"), PARAMETERS)
def test_parameters_are_the_papers(counted, name, classes):
    assert counted[f"parameters({name}, {classes})"] == PARAMETERS[name, classes]


@pytest.mark.parametrize("name", MIB)
def test_sizes_are_the_papers(counted, name):
    assert round(counted[name] / 2**20, 2) == MIB[name]


def test_every_network_of_the_papers_is_counted():
    assert set(models.names()) <= {entry["network"] for entry in NETWORKS}


def test_counting_without_weights_gives_the_same(counted):
    found = profile(models.create("tinyfer_lite", num_classes=7), (3, 224, 224))
    assert found == {
        "parameters": counted["parameters(tinyfer_lite, 7)"],
        "bytes": counted["size(tinyfer_lite, 7, parameters)"],
        "bytes_buffers": counted["size(tinyfer_lite, 7, buffers)"],
        "macs": counted["macs(tinyfer_lite, 7, 3x224x224)"],
        "macs_ptflops": counted["macs(tinyfer_lite, 7, 3x224x224, convention=ptflops)"],
    }


def test_operations_and_bytes_by_hand():
    """And the network stays in its mode."""
    network = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.Flatten())
    network.append(nn.Linear(4 * 5 * 6, 2)).append(nn.ReLU())
    assert profile(network, (3, 5, 6)) == {
        "parameters": 108 + 8 + 242,
        "bytes": 4 * (108 + 8 + 242),
        "bytes_buffers": 4 * (108 + 8 + 242) + 4 * 8 + 8,  # running mean and variance, and a 64-bit counter
        "macs": 108 * 30 + 240,
        "macs_ptflops": 108 * 30 + 240 + 2 * 120 + 2 + 2,  # the normalisation, a bias and the rectifier
    }
    assert network.training
    pooled = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1, affine=False), nn.Hardswish())
    assert profile(pooled, (1, 4, 6))["macs_ptflops"] == 6 + 24 + 6 + 6


def test_what_ptflops_counts_of_the_networks_that_are_compared_by_it(counted):
    """Table 1 of the 2026 MicroExpNet, but for its own network; with its hooks, ptflops 0.7.5 gives the same digits."""
    printed = {
        "vgg13": 11.3,
        "resnet50": 4.1,
        "efficientnet_b0": 0.39,
        "mobilenet_v2": 0.32,
        "shufflenet_v2_x1_0": 0.15,
    }
    for name, gigas in printed.items():
        found = counted[f"macs({name}, 1000, 3x224x224, convention=ptflops)"] / 1e9
        assert round(found, 1 if gigas > 1 else 2) == gigas, name


def test_what_a_network_is_built_of():
    network = nn.Sequential()
    network.add_module("conv", nn.Conv2d(1, 4, 3, stride=2))
    network.add_module("pool", nn.MaxPool2d(2, 3))
    network.add_module("head", nn.Sequential(nn.Dropout(0.3), nn.Linear(16, 5)))
    assert structure(network) == {
        "conv_layers": 1, "fc_layers": 1, "conv.parameters": 40, "pool.parameters": 0, "head.parameters": 85,
        "conv.channels": 1, "conv.filters": 4, "conv.kernel": 3, "conv.stride": 2, "pool.kernel": 2, "pool.stride": 3,
        "head.0.rate": 0.3, "head.1.inputs": 16, "head.1.neurons": 5,
    }  # fmt: skip
    with pytest.raises(ValueError, match=r"\(3, 5\) is not square"):
        structure(nn.Sequential(nn.Conv2d(1, 1, (3, 5))))


def test_a_part_that_a_network_has_not_is_refused():
    assert structures([("candidate_p1_m", "conv1.stride")]) == [
        {"measurement": "structure(candidate_p1_m, conv1.stride)", "value": 2}
    ]
    with pytest.raises(ValueError, match=r"microexpnet_m has no conv3.filters; .*conv2.filters"):
        structures([("microexpnet_m", "conv3.filters")])


def test_counting_draws_nothing():
    before = torch.random.get_rng_state()
    count(NETWORKS[:1])
    assert torch.equal(before, torch.random.get_rng_state())


def test_what_comes_with_the_project_is_what_is_counted(counted):
    found = measurements.gather([ROOT / "reports/reference"])["value"]
    assert found[counted.index].to_dict() == counted.to_dict()


def test_compared_with_the_most_precise_number_that_is_printed(counted):
    entry = {"network": "tinyfer_lite", "classes": 7, "input": "3x224x224"}
    columns = ["measurement", "claimed", "unit", "verdict", "rule"]
    rows = [
        ("parameters(tinyfer_lite, 7)", "0.9M", "parameters", "exact", ""),
        ("parameters(tinyfer_lite, 7)", "932,203", "parameters", "not reproduced", ""),
        ("size(tinyfer_lite, 7, buffers)", "3.61", "MiB", "exact", ""),
        ("size(tinyfer_lite, 7, buffers)", "3.783", "MB", "not reproduced", ""),
    ]
    (row,) = compare([entry], counted.to_frame(), pd.DataFrame(rows, columns=columns)).to_dict("records")
    assert (row["parameters"], row["parameters printed"], row["parameters equal"]) == ("932,202", "932,203", "no")
    assert (row["MiB"], row["MiB printed"], row["MiB equal"]) == ("3.61", "3.61", "yes")
    assert (row["GMACs printed"], row["GMACs equal"]) == ("", "")
    rows.append(("macs(tinyfer_lite, 7, 3x224x224)", "0.06G", "macs", "exact", "counted_by_a_convention"))
    (row,) = compare([entry], counted.to_frame(), pd.DataFrame(rows, columns=columns)).to_dict("records")
    assert (row["GMACs printed"], row["GMACs equal"]) == ("0.06G", "by convention")
