"""Latency counts what is timed, and waits for it."""

import time

import pytest
import torch
from torch import nn

from fercore import models
from fercore.deployment import latency
from fercore.models.profile import profile


class Slow(nn.Module):
    """The first passes are slower, as while caches fill."""

    def __init__(self):
        super().__init__()
        self.conv, self.shapes = nn.Conv2d(1, 1, 1), []

    def forward(self, images):
        assert not self.training and not torch.is_grad_enabled()
        self.shapes.append(tuple(images.shape))
        time.sleep(0.05 if len(self.shapes) <= 3 else 0.005)
        return images


def test_warm_up_is_not_timed():
    network = Slow().train()
    seconds = latency.latency(network, img_size=7, batch_size=2, warmup=3, timed=5)
    assert network.shapes == [(2, 1, 7, 7)] * 8 and network.training
    assert len(seconds) == 5 and seconds.min() >= 0.005 and seconds.min() < 0.05


def test_the_papers_protocol_is_the_default():
    network = Slow()
    assert len(latency.latency(network)) == 50
    assert network.shapes == [(1, 1, 224, 224)] * 60


@pytest.mark.parametrize("mode", [True, False])
def test_the_mode_is_as_it_was(mode):
    network = Slow().train(mode)
    latency.latency(network, 4, timed=1)
    assert network.training is mode


def test_costs_are_counted_and_timed_beside_what_is_printed():
    asked = []
    table = latency.costs(["tinyfer_lite", "mobilenet_v3_small"], 64, 3, lambda name: asked.append(name) or 0.002)
    assert table.index.tolist() == ["tinyfer_lite", "mobilenet_v3_small"] and table["parameters"].iloc[0] == 932_202
    assert (table["MiB"] * 2**20 > 4 * table["parameters"]).all() and (table["cpu_ms"] > 0).all()
    assert (table[["paper_cpu_ms", "paper_gpu_ms"]] == 2).all().all()
    assert asked[:2] == ["latency(tinyfer_lite, ryzen_5_3600)", "latency(tinyfer_lite, rtx_3050)"]


def test_costs_of_a_network_that_sees_grey():
    table = latency.costs(["microexpnet_xxs"], 84, 1, lambda name: 0.002)
    assert table.loc["microexpnet_xxs", "cpu_ms"] > 0


def test_work_is_counted_on_as_many_channels_as_a_network_takes():
    found = latency.macs(["microexpnet_xxs", "tinyfer_lite"], 84)
    assert found.index.tolist() == ["microexpnet_xxs", "tinyfer_lite"]
    grey = profile(models.create("microexpnet_xxs", 7), (1, 84, 84))["macs"]
    assert found["microexpnet_xxs"] == pytest.approx(grey / 1e6) and found["tinyfer_lite"] > 1


def test_time_by_batch_is_of_one_image(monkeypatch):
    asked = []
    monkeypatch.setattr(latency.models, "create", lambda name, classes: Slow())
    monkeypatch.setattr(
        latency, "latency", lambda network, *given, **more: asked.append((given, more)) or [0.1, 0.4, 0.2]
    )
    table = latency.by_batch(["x"], 64, [1, 4], timed=3)
    assert table.loc["x"].tolist() == [200.0, 50.0] and table.columns.tolist() == [1, 4]
    assert asked[1] == ((64, 4), {"warmup": 1, "timed": 3})


def test_what_is_given_work_and_not_waited_for_is_waited_for(monkeypatch):
    waited = []
    monkeypatch.setattr(torch.accelerator, "synchronize", waited.append)
    for device in map(torch.device, ("cpu", "mps", "cuda")):
        latency._wait(device)
    assert [device.type for device in waited] == ["mps", "cuda"]
