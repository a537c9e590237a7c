"""What a network is shown at evaluation, and what is made of its answers."""

import numpy as np
import pytest
import torch
import torchvision.transforms.v2 as T

from fercore import models
from fercore.datasets import preprocess
from fercore.evaluation import inference
from fercore.evaluation.inference import Pixels, channels, probabilities, views
from fercore.training import Recipe

CPU = torch.device("cpu")


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("mapped", [False, True])
def test_pixels_are_those_of_the_rows(tmp_path, make_faces, colour, mapped):
    faces = make_faces(30, colour=colour)
    if mapped:
        np.save(tmp_path / "pixels.npy", faces.pixels)
        object.__setattr__(faces, "pixels", np.load(tmp_path / "pixels.npy", mmap_mode="r"))
    rows = np.array([7, 3, 29, 3])
    found = Pixels(faces, rows, CPU)[torch.tensor([3, 0, 2])]
    assert found.dtype == torch.uint8
    expected = faces.pixels[[3, 7, 29]]
    assert np.array_equal(found.numpy(), expected.transpose(0, 3, 1, 2) if colour else expected)


@pytest.mark.parametrize("name, expected", [("tinyfer_lite", 3), ("microexpnet_xxs", 1), ("resnet50", 3)])
def test_channels(name, expected):
    assert channels(models.create(name, 7)) == expected


def test_a_network_without_convolutions_takes_colour():
    assert channels(torch.nn.Linear(2, 2)) == 3


@pytest.mark.parametrize("side", [12, 28])
def test_views(make_faces, side):
    pixels = torch.from_numpy(make_faces(4).pixels)
    whole = preprocess.resize(pixels, side)
    (one,) = views(pixels, side)
    same, mirrored = views(pixels, side, "flip")
    assert torch.equal(one, whole) and torch.equal(same, whole) and torch.equal(mirrored, whole.flip(-1))
    larger = preprocess.resize(pixels, round(side * 8 / 7))
    for found, expected in zip(views(pixels, side, "ten"), T.TenCrop(side)(larger), strict=True):
        assert torch.equal(found, expected)


@pytest.mark.parametrize("kind, count", [("one", 1), ("flip", 2), ("ten", 10)])
def test_probabilities_are_the_mean_over_views(faces, tiny, kind, count):
    network, rows = tiny().eval(), faces.rows("PublicTest")
    found = probabilities(network, faces, rows, 14, kind)
    seen = views(torch.from_numpy(faces.pixels[rows]), 14, kind)
    with torch.no_grad():
        expected = sum(network(view).softmax(1) for view in seen) / len(seen)
    assert len(seen) == count and np.allclose(found, expected, atol=1e-6)
    assert found.dtype == np.float64 and np.allclose(found.sum(1), 1)


def test_batches_do_not_matter_and_the_mode_stays(faces, tiny, monkeypatch):
    network, rows = tiny().train(), np.arange(50)
    whole = probabilities(network, faces, rows, 12)
    monkeypatch.setattr(inference, "BATCH", 7)
    assert np.allclose(probabilities(network, faces, rows, 12), whole, atol=1e-6)
    assert network.training and not network.eval().training
    probabilities(network, faces, rows, 12)
    assert not network.training


def test_answers_are_in_full_precision_on_a_gpu_too(faces, tiny):
    """PyTorch lets a GPU's convolutions take TF32, and whoever has asked for that finds it as it was."""
    network, seen = tiny(), []
    network.conv.register_forward_hook(lambda *_: seen.append(torch.backends.cudnn.allow_tf32))
    assert torch.backends.cudnn.allow_tf32
    probabilities(network, faces, np.arange(5), 12)
    assert seen == [False] and torch.backends.cudnn.allow_tf32


def test_grey_images_for_a_network_that_wants_colour(faces, tiny):
    """As PIL's convert("RGB") and ImageNet's statistics for each channel."""
    found = views(torch.from_numpy(faces.pixels[:3]), 12, channels=3)[0]
    grey = torch.from_numpy(faces.pixels[:3, None]).float() / 255
    expected = T.Normalize(preprocess.MEAN, preprocess.STD)(grey.repeat(1, 3, 1, 1))
    assert torch.allclose(found, expected, atol=1e-6)
    assert probabilities(tiny(channels=3), faces, np.arange(3), 12).shape == (3, 3)


def test_colour_for_a_network_that_wants_grey(make_faces):
    faces = make_faces(6, colour=True)
    found = views(torch.from_numpy(faces.pixels).permute(0, 3, 1, 2), 12, channels=1)[0]
    grey = T.Grayscale()(torch.from_numpy(faces.pixels).permute(0, 3, 1, 2).float() / 255)
    assert found.shape == (6, 1, 12, 12)
    assert views(torch.from_numpy(faces.pixels).permute(0, 3, 1, 2), 12, "ten", 1)[0].shape == (6, 1, 12, 12)
    assert torch.allclose(found, preprocess.normalise(grey), atol=1e-3)


def test_precision_that_a_device_lacks_is_refused(monkeypatch):
    with pytest.raises(ValueError, match="fp16 is for GPUs; on a CPU there are fp32 and bf16"):
        inference.autocast("fp16", CPU)
    layer = torch.nn.Linear(2, 2)
    monkeypatch.setattr(inference, "cpu_has_bf16", lambda: True)
    for precision, kind in [("fp32", torch.float32), ("bf16", torch.bfloat16)]:
        with inference.autocast(precision, CPU):
            assert layer(torch.ones(1, 2)).dtype == kind
    monkeypatch.setattr(inference, "cpu_has_bf16", lambda: False)
    with pytest.raises(ValueError, match="this CPU has no bf16 arithmetic, and would be slower with it than without"):
        inference.autocast("bf16", CPU)


@pytest.mark.parametrize(("asked", "has_bf16", "taken"), [
    ("bf16", False, "fp32"), ("bf16", True, "bf16"), ("fp16", True, "fp32"), ("fp32", False, "fp32"),
])  # fmt: skip
def test_settings_for_another_machine_are_taken_in_fp32(asked, has_bf16, taken, monkeypatch, recwarn):
    monkeypatch.setattr(inference, "cpu_has_bf16", lambda: has_bf16)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert inference.precision_here(asked) == taken
    assert [str(told.message).split(":")[0] for told in recwarn] == [f"fp32 in place of {asked}"] * (taken != asked)


def test_what_is_no_precision_is_left_to_the_recipe_which_refuses_it(recwarn):
    with pytest.raises(ValueError, match="precision is 'half'; there are "):
        Recipe(precision=inference.precision_here("half"))
    assert not recwarn.list


@pytest.mark.parametrize("there, device", [(True, "cuda"), (False, "cpu")])
def test_a_gpu_is_used_where_there_is_one(monkeypatch, there, device):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert inference.default_device().type == device


def test_bf16_is_refused_on_a_gpu_that_only_emulates_it(monkeypatch):
    first, second = (torch.device("cuda", number) for number in (0, 1))
    monkeypatch.setattr(torch.cuda, "get_device_capability", {first: (8, 0), second: (7, 5)}.get)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *_, **__: True)  # as PyTorch says of a T4
    monkeypatch.setattr(torch.cuda, "get_device_name", {second: "Tesla T4"}.get)
    with pytest.raises(ValueError, match="Tesla T4 has no bf16; there are fp32 and fp16"):
        inference.autocast("bf16", second)
    assert inference.gpu_has_bf16(first)
    monkeypatch.setattr(torch.version, "hip", "6.0")
    assert inference.gpu_has_bf16(second), "an AMD"


def test_channels_last_says_the_same(faces, tiny):
    network = tiny(channels=3)
    expected = probabilities(network, faces, np.arange(9), 12)
    assert inference._is_channels_last(network.to(memory_format=torch.channels_last))
    assert np.allclose(probabilities(network, faces, np.arange(9), 12), expected, atol=1e-6)


def test_an_answer_that_is_not_finite_is_no_answer(make_faces):
    faces = make_faces(9)

    class Network(torch.nn.Linear):
        def forward(self, images):
            answers = images.mean((2, 3))[:, :1].repeat(1, 3)
            return torch.where((images.mean((1, 2, 3)) > 0.5)[:, None], float("nan"), answers)

    with pytest.raises(ValueError, match=r"not finite for 3 of 6 images, the first of them row 5 of grey noise"):
        probabilities(Network(3, 3), faces, np.array([3, 4, 5, 2, 8, 0]), 12)


def test_an_answer_that_is_not_finite_is_told_of_whichever_view(make_faces):
    class Network(torch.nn.Linear):
        views = 0

        def forward(self, images):
            self.views += 1
            return torch.full((len(images), 3), float("nan") if self.views == 2 else 0.0)

    with pytest.raises(ValueError, match="not finite for 2 of 2 images"):
        probabilities(Network(3, 3), make_faces(9), np.array([0, 1]), 12, "flip")
