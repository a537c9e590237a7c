"""One warp of a batch is what torchvision does image by image: operation by operation, and in distribution."""

import dataclasses

import numpy as np
import pytest
import torch
import torchvision.transforms as T1
import torchvision.transforms.v2 as T
import torchvision.transforms.v2.functional as TF
from torchvision.transforms import InterpolationMode

from fercore.datasets import preprocess
from fercore.training import augment
from fercore.training.augment import AUGMENTATIONS, NONE, Augmentation

SIDE = 64


def value(number):
    return torch.tensor([float(number)])


@pytest.fixture(scope="module")
def image():
    """A smooth picture (1, 1, 64, 64), so that two ways of interpolating agree."""
    y, x = torch.meshgrid(torch.linspace(0, 1, SIDE), torch.linspace(0, 1, SIDE), indexing="ij")
    return (0.5 + 0.3 * torch.sin(7 * x + 2 * y) + 0.2 * torch.cos(5 * y - 3 * x))[None, None]


def inner(images):
    """Without what a rounded edge can change."""
    return images[..., 3:-3, 3:-3]


@pytest.mark.parametrize("angle", [0, 3, -7.5, 10])
def test_rotation(image, angle):
    found = preprocess.warp(image, (augment.rotation_map(value(angle)), identity()), SIDE)
    expected = TF.rotate(image, angle, InterpolationMode.BILINEAR)
    assert torch.allclose(found, expected, atol=1e-4)


def identity():
    return preprocess.crop_map(value(0), value(0), value(1), value(1), torch.tensor([False]))


@pytest.mark.parametrize("right, down", [(0, 0), (4, -3), (-2, 5)])
@pytest.mark.parametrize("zoom", [0.95, 1.0, 1.05])
@pytest.mark.parametrize("shear", [-5.0, 0.0, 5.0])
def test_affine(image, right, down, zoom, shear):
    shift = [value(right / SIDE), value(down / SIDE)]
    found = preprocess.warp(image, (augment.affine_map(shift, value(zoom), value(shear)), identity()), SIDE)
    expected = TF.affine(image, 0, [right, down], zoom, [shear, 0.0], InterpolationMode.BILINEAR)
    assert torch.allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("left, top, width, height", [(0, 0, 64, 64), (5, 3, 50, 56), (10, 0, 54, 60)])
@pytest.mark.parametrize("mirrored", [False, True])
def test_resized_crop_and_flip(image, left, top, width, height, mirrored):
    place = (value(part / SIDE) for part in (left, top, width, height))
    found = preprocess.warp(image, (preprocess.crop_map(*place, torch.tensor([mirrored])),), 96)
    expected = TF.resized_crop(image, top, left, height, width, [96, 96], InterpolationMode.BILINEAR)
    expected = TF.hflip(expected) if mirrored else expected
    assert torch.allclose(inner(found), inner(expected), atol=1e-4)  # at the edges the crop's own pixels are repeated


@pytest.mark.parametrize(("have", "want"), [(100, 64), (48, 34), (48, 44), (48, 64)])
def test_flips_alone_show_what_a_network_is_evaluated_on(have, want):
    """And what a teacher whose answers are kept has seen: the image or its mirror image, and nothing between."""
    pixels = torch.randint(0, 256, (6, have, have), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    images, mirrored = augment.augmented(pixels, want, AUGMENTATIONS["flip"], torch.Generator().manual_seed(3))
    assert 0 < mirrored.sum() < 6
    seen = preprocess.resize(pixels, want)
    seen[mirrored] = preprocess.resize(pixels.flip(-1), want)[mirrored]
    assert torch.allclose(images, seen, atol=1e-4)


def test_without_augmentation_it_is_a_plain_resize():
    pixels = torch.randint(0, 256, (5, 48, 48), dtype=torch.uint8)
    assert torch.allclose(augment.augment(pixels, 48, NONE), preprocess.resize(pixels, 48), atol=1e-5)
    expected = TF.resize(pixels[:, None].float() / 255, [96, 96], antialias=True)
    assert torch.allclose(preprocess.resize(pixels, 96), preprocess.normalise(expected), atol=1e-5)


def test_it_tells_which_images_are_mirrored():
    pixels = torch.randint(0, 256, (40, 48, 48), dtype=torch.uint8)
    found, mirrored = augment.augmented(pixels, 48, AUGMENTATIONS["flip"], torch.Generator().manual_seed(0))
    seen = preprocess.resize(pixels, 48)
    assert 5 < mirrored.sum() < 35
    expected = torch.where(mirrored[:, None, None, None], seen.flip(-1), seen)
    assert torch.allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(
    "ranges, alone",
    [(None, True), (NONE, True), (AUGMENTATIONS["flip"], True), (AUGMENTATIONS["microexpnet_se"], False),
     (dataclasses.replace(NONE, erasing=0.1), False), (dataclasses.replace(NONE, erasing_area=(0.1, 0.2)), True)],
)  # fmt: skip
def test_flips_alone(ranges, alone):
    assert augment.only_flips(ranges) is alone


def test_colours_are_normalised_as_imagenet():
    pixels = torch.randint(0, 256, (2, 3, 8, 8), dtype=torch.uint8)
    expected = TF.normalize(pixels.float() / 255, preprocess.MEAN, preprocess.STD)
    assert torch.allclose(preprocess.resize(pixels, 8), expected, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", ["brightness", "contrast"])
def test_jitter_is_torchvisions_in_distribution(name, channels):
    pixels = torch.randint(60, 200, (1, channels, 8, 8), dtype=torch.uint8).expand(4000, -1, -1, -1)
    found = augment.augment(pixels, 8, dataclasses.replace(NONE, **{name: 0.2}), torch.Generator().manual_seed(0))
    theirs = T.ColorJitter(**{name: 0.2})
    torch.manual_seed(0)
    expected = torch.stack([theirs(pixels[0].float() / 255) for _ in range(2000)])
    of = preprocess.normalise(expected)
    for statistic in (torch.Tensor.mean, torch.Tensor.std):
        ours, other = (statistic(batch.std((1, 2, 3)) + batch.mean((1, 2, 3))) for batch in (found, of))
        assert ours == pytest.approx(float(other), rel=0.06, abs=0.01)


def test_erasing_is_torchvisions_in_distribution():
    images = torch.ones(6000, 1, 64, 64)
    ranges = Augmentation()
    found = augment.erase(images, ranges, torch.Generator().manual_seed(0)) == 0
    theirs = T.RandomErasing(ranges.erasing, ranges.erasing_area, ranges.erasing_ratio)
    torch.manual_seed(0)
    expected = torch.stack([theirs(images[0]) for _ in range(6000)]) == 0
    assert found.any((1, 2, 3)).float().mean() == pytest.approx(0.2, abs=0.02)
    for statistic in (np.mean, np.std):
        sizes = [statistic(part[part.any((1, 2, 3))].float().mean((1, 2, 3)).numpy()) for part in (found, expected)]
        assert sizes[0] == pytest.approx(sizes[1], rel=0.06)
        widths = [statistic(part[part.any((1, 2, 3))].any(2).sum((1, 2)).numpy()) for part in (found, expected)]
        assert widths[0] == pytest.approx(widths[1], rel=0.06)


def test_the_whole_is_torchvisions_in_distribution(image):
    """Mean and spread of every pixel over many draws: what is black at the border, and how often, shows here."""
    ranges = Augmentation(brightness=0.0, contrast=0.0, erasing=0.0)
    pixels = (image * 255).to(torch.uint8)
    many = augment.augment(pixels.expand(3000, -1, -1, -1), SIDE, ranges, torch.Generator().manual_seed(0))
    theirs = T.Compose(
        [
            T.RandomResizedCrop(SIDE, ranges.crop_scale, ranges.crop_ratio, InterpolationMode.BILINEAR),
            T.RandomHorizontalFlip(ranges.flip),
            T.RandomRotation(ranges.rotation, InterpolationMode.BILINEAR),
            T.RandomAffine(0, (0.05, 0.05), ranges.zoom, ranges.shear, InterpolationMode.BILINEAR),
        ]
    )
    torch.manual_seed(0)
    expected = preprocess.normalise(torch.stack([theirs(pixels[0].float() / 255) for _ in range(1500)]))
    for statistic in (torch.mean, torch.std):
        ours, other = statistic(many, 0), statistic(expected, 0)
        assert (ours - other).abs().mean() < 0.06 and (ours - other).abs().max() < 0.35


def test_what_is_drawn_is_torchvisions_in_distribution():
    """Each parameter at the 2nd, 25th, 50th, 75th and 98th of a hundred."""
    count, ranges = 6000, Augmentation()
    affine, rotation, crop, _ = augment.geometry(count, ranges, torch.Generator().manual_seed(0), torch.device("cpu"))
    zoom = 1 / affine[:, 0, 0]
    ours = {
        "zoom": zoom,
        "shear": torch.rad2deg((affine[:, 0, 1] * zoom).atan()),
        "down": -affine[:, 1, 2] * zoom / 2,
        "angle": torch.rad2deg(torch.atan2(rotation[:, 1, 0], rotation[:, 0, 0])),
        "width": crop[:, 0, 0].abs(),
        "height": crop[:, 1, 1],
        "top": (crop[:, 1, 2] + 1 - crop[:, 1, 1]) / 2,
    }
    torch.manual_seed(0)
    size = [1000, 1000]
    drawn = {name: [] for name in ours}
    for _ in range(count):
        _, (_, down), scale, (shear, _) = T1.RandomAffine.get_params([0, 0], (0.05, 0.05), ranges.zoom, [-5, 5], size)
        top, _, height, width = T1.RandomResizedCrop.get_params(
            torch.empty(1, *size), ranges.crop_scale, ranges.crop_ratio
        )
        angle = T1.RandomRotation.get_params([-10.0, 10.0])
        values = (scale, shear, down / 1000, angle, width / 1000, height / 1000, top / 1000)
        for name, number in zip(drawn, values, strict=True):
            drawn[name].append(number)
    for name, numbers in drawn.items():
        quantiles = np.quantile(ours[name].numpy(), (0.02, 0.25, 0.5, 0.75, 0.98))
        expected = np.quantile(numbers, (0.02, 0.25, 0.5, 0.75, 0.98))
        assert quantiles == pytest.approx(expected, abs=0.04 * np.ptp(numbers)), name


def test_every_image_is_drawn_for_itself_and_a_seed_repeats_it():
    pixels = torch.randint(0, 256, (1, 16, 16), dtype=torch.uint8).expand(8, -1, -1)
    first, again, other = (
        augment.augment(pixels, 24, random=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert len({tuple(one.flatten().tolist()) for one in first}) == 8


def test_mixup_blends_images_and_labels_alike():
    images, labels = torch.arange(6.0)[:, None, None, None].expand(6, 1, 2, 2), torch.eye(6)
    mixed, soft = augment.mixup(images, labels, 0.4, torch.Generator().manual_seed(0))
    assert torch.allclose(soft.sum(1), torch.ones(6))
    assert torch.allclose(mixed[:, 0, 0, 0], soft @ torch.arange(6.0))
    assert augment.mixup(images, labels, 0.0)[0] is images


def test_the_share_of_mixup_is_drawn_from_the_beta_distribution():
    random, images, labels = torch.Generator().manual_seed(0), torch.zeros(2, 1, 1, 1), torch.eye(2)
    shares = []
    for _ in range(3000):
        soft = augment.mixup(images, labels, 0.2, random)[1]
        if soft[0, 0] < 1:  # mixed with the other image
            shares.append(float(soft[0, 0]))
    assert np.mean(shares) == pytest.approx(0.5, abs=0.04)
    assert np.var(shares) == pytest.approx(1 / (4 * (2 * 0.2 + 1)), rel=0.06)


@pytest.mark.parametrize("large, side", [(96, 24), (48, 32), (224, 48)])
def test_larger_images_do_not_alias(large, side):
    """Fine noise is grey from afar, for training as for evaluation."""
    noise = torch.randint(0, 256, (8, large, large), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    seen = preprocess.resize(noise, side).std()
    trained = augment.augment(noise, side, NONE).std()
    assert float(trained) == pytest.approx(float(seen), rel=0.2)
    smooth = T.functional.gaussian_blur(noise.float()[:, None], 31, large / 12)[:, 0]
    smooth = ((smooth - smooth.min()) / (smooth.max() - smooth.min()) * 255).to(torch.uint8)
    gap = augment.augment(smooth, side, NONE) - preprocess.resize(smooth, side)
    assert gap.abs().max() < 0.15 and gap.abs().mean() < 0.02


@pytest.mark.parametrize("shape", [(5, 24, 24), (5, 24, 24, 3)])
def test_a_preview_is_what_training_sees_in_grey_levels(shape):
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    still = augment.preview(pixels, 24, NONE, count=2)
    expected = pixels if len(shape) == 3 else pixels @ [0.2989, 0.587, 0.114]
    assert still.shape == (2, 5, 24, 24) and np.abs(still - expected.astype(float)).max() <= 1
    drawn = augment.preview(pixels, 24, Augmentation(), count=3, seed=1)
    assert not np.array_equal(drawn[0], drawn[1]) and np.array_equal(
        drawn, augment.preview(pixels, 24, Augmentation(), 3, 1)
    )


@pytest.mark.parametrize(("shape", "seen"), [((20, 32), (24, 24)), ((32, 20), (24, 24)), ((20, 24), (20, 24))])
def test_images_with_one_side_too_long_are_shrunk_as_evaluation_has_them(shape, seen):
    pixels = torch.randint(0, 256, (2, 1, *shape), dtype=torch.uint8)
    found = preprocess.shrink(preprocess.to_float(pixels), 24)
    assert found.shape[-2:] == seen
    if shape != seen:
        assert torch.equal(preprocess.normalise(found), preprocess.resize(pixels, 24))


def test_an_image_of_one_level_keeps_it_whatever_its_contrast():
    pixels = torch.full((20, 12, 12), 51, dtype=torch.uint8)
    found = augment.augment(pixels, 12, dataclasses.replace(NONE, contrast=0.5), torch.Generator().manual_seed(0))
    assert torch.allclose(found, augment.augment(pixels, 12, NONE), atol=1e-5)


def test_what_would_not_fit_is_not_erased():
    ranges = dataclasses.replace(NONE, erasing=1.0, erasing_area=(0.9, 0.9), erasing_ratio=(3.0, 3.0))
    assert augment.erase(torch.ones(50, 1, 10, 10), ranges, torch.Generator().manual_seed(0)).min() == 1
