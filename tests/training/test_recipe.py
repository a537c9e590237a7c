"""Settings that do not fit are refused; losses, optimisers and learning rates are PyTorch's."""

import json
import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch.optim import lr_scheduler

from fercore.training import losses
from fercore.training.augment import AUGMENTATIONS, Augmentation
from fercore.training.losses import Distillation
from fercore.training.recipe import Recipe, criterion, departures, from_plain, learning_rate, optimizer, weighed


@pytest.mark.parametrize(
    "settings, told",
    [
        ({"loss": "focus"}, "loss is 'focus'; there are cross_entropy, focal"),
        ({"optimizer": "lion"}, "optimizer is 'lion'"),
        ({"monitor": "f1"}, "monitor is 'f1'; there are accuracy, macro_f1"),
        ({"tta": "five"}, "tta is 'five'"),
        ({"precision": "fp8"}, "precision is 'fp8'"),
        ({"schedule": "linear"}, "schedule is 'linear'"),
        ({"sampling": "some"}, "sampling is 'some'"),
        ({"epochs": 0}, "epochs is 0; expected 1"),
        ({"batch_size": 1}, "batch_size is 1; expected 2"),
        ({"learning_rate": -1e-3}, "learning_rate is -0.001"),
        ({"learning_rate": 0}, "learning_rate is 0; expected above 0"),
        (
            {"schedule": "cosine", "learning_rate": 1e-3, "min_lr": 2e-3},
            "min_lr is 0.002; expected at most the learning_rate, 0.001",
        ),
        ({"learning_rate": math.inf}, "learning_rate is inf"),
        ({"learning_rate": math.nan}, "learning_rate is nan"),
        ({"smoothing": 1.5}, "smoothing is 1.5; expected 0 to 1"),
        ({"gamma": -1.0}, "gamma is -1.0; expected 0"),
        ({"epochs": 2.5}, "epochs is 2.5; expected a whole number"),
        ({"class_weighted": "no"}, "class_weighted is 'no'; expected true or false"),
        ({"filter_bias_and_bn": 1}, "filter_bias_and_bn is 1; expected true or false"),
        ({"bn_momentum": 0.0}, "bn_momentum is 0.0; expected above 0 to 1, or null"),
        ({"factor": 3.0}, "factor is 3.0; expected 0 to 1"),
        ({"factor": 1.0, "schedule": "plateau"}, "factor is 1; expected less"),
        ({"smoothing": 0.1}, "focal loss takes labels as they are"),
        ({"mixup": 0.2}, "focal loss takes labels as they are"),
        ({"mixup": 0.019, "loss": "cross_entropy"}, "mixup is 0.019; expected 0, or 0.02 or more"),
        ({"soft_labels": "votes"}, "focal loss takes labels as they are"),
        ({"mixup": 0.2, "distillation": losses.Decoupled()}, "decoupled distillation takes labels as they are"),
        (
            {"smoothing": 0.1, "distillation": Distillation(4.0, 0.7, 0.3)},
            "takes labels without smoothing",
        ),
        ({"min_lr": -1e-5}, "min_lr is -1e-05; expected 0 or more"),
    ],
)
def test_a_setting_that_does_not_fit_is_refused(settings, told):
    with pytest.raises(ValueError, match=told):
        Recipe(**settings)


def kd(**settings):
    return {"distillation": Distillation(**{"temperature": 4.0, "soft": 0.7, "hard": 0.3} | settings)}


@pytest.mark.parametrize(
    "settings, told",
    [
        (kd(temperature=0.0), "distillation.temperature is 0.0; expected above 0"),
        (kd(temperature=-4), "distillation.temperature is -4; expected above 0"),
        (kd(temperature=math.nan), "distillation.temperature is nan"),
        (kd(temperature="4"), "distillation.temperature is '4', a str; expected a number"),
        (kd(soft=-0.1), "distillation.soft is -0.1; expected 0"),
        (kd(soft=math.inf), "distillation.soft is inf"),
        (kd(soft=0, hard=0.0), "all weights of the distillation are 0"),
        (kd(squared="no"), "distillation.squared is 'no'; expected true or false"),
        ({"distillation": losses.Curriculum(rise=0.0)}, "distillation.rise is 0.0; expected above 0"),
        ({"distillation": losses.Curriculum(low=0.0)}, "distillation.low is 0.0; expected above 0"),
        ({"distillation": losses.Curriculum(rate=-1.0)}, "distillation.rate is -1.0"),
        ({"distillation": losses.Relations(inter=-2.0)}, "distillation.inter is -2.0"),
        ({"distillation": losses.Decoupled(others=True)}, "distillation.others is True, a bool; expected a number"),
        ({"distillation": "softened"}, "distillation is 'softened'; expected its settings, or null"),
        ({"augmentation": "flip"}, "augmentation is 'flip'; expected its settings, or null"),
        ({"augmentation": Augmentation(flip=2.0)}, "augmentation.flip is 2.0; expected 0 to 1"),
        ({"augmentation": Augmentation(crop_scale=(1.0, 0.8))}, "augmentation.crop_scale is from 1.0 to 0.8"),
        ({"augmentation": Augmentation(crop_scale=(0.0, 1.0))}, "augmentation.crop_scale is 0.0; expected above 0"),
        ({"augmentation": Augmentation(zoom=1.1)}, "augmentation.zoom is 1.1; expected two numbers, from and to"),
        ({"augmentation": Augmentation(erasing_ratio=(1, 2, 3))}, "augmentation.erasing_ratio is .*; expected two"),
        ({"epochs": True}, "epochs is True, a bool; expected a number"),
        ({"seed": True}, "seed is True; expected a whole number"),
        ({"seed": 2**64}, "seed is 18446744073709551616; expected one of 64 bits"),
        ({"bn_momentum": "0.1"}, "bn_momentum is '0.1', a str; expected a number, or null"),
        ({"loss": ["focal"]}, r"loss is \['focal'\]; there are"),
        ({"optimizer": {"name": "adam"}}, "optimizer is {'name': 'adam'}; there are"),
    ],
)
def test_values_that_mean_nothing_are_refused(settings, told):
    with pytest.raises(ValueError, match=told):
        Recipe(**settings)


@pytest.mark.parametrize("augmentation", AUGMENTATIONS.values(), ids=AUGMENTATIONS)
def test_what_the_papers_set_is_within_bounds(augmentation):
    for distillation in (None, losses.microexpnet(32.0), losses.microexpnet_se(), losses.mini_resemotenet()):
        Recipe(augmentation=augmentation, distillation=distillation)


@pytest.mark.parametrize(
    "values, told",
    [
        ({"distillation": "softened"}, "distillation is 'softened', a str; expected its settings, or null for none"),
        ({"distillation": ["softened"]}, "a list; expected its settings"),
        ({"distillation": {"kind": ["softened"]}}, r"distillation of kind \['softened'\]; there are"),
        ({"distillation": {"kind": {}}}, "distillation of kind {}; there are"),
        ({"distillation": {}}, "Distillation lacks temperature, soft, hard"),
        ({"distillation": {"temperature": 4, "soft": [1], "hard": 0}}, r"distillation.soft is \(1,\), a tuple"),
        ({"augmentation": "flip"}, "augmentation is 'flip', a str; expected its settings"),
        ({"augmentation": {"zoom": {}}}, "augmentation.zoom is {}; expected two numbers"),
        ({"loss": ["focal"]}, "loss is .*; there are cross_entropy, focal"),
        ({5: 1}, "Recipe has no setting 5"),
    ],
)
def test_lists_and_mappings_where_a_name_belongs_are_told(values, told):
    with pytest.raises(ValueError, match=told):
        from_plain(values)


def test_settings_survive_json():
    recipe = Recipe(distillation=Distillation(4.0, 0.7, 0.3))
    assert json.loads(json.dumps(recipe.plain())) == recipe.plain()
    assert recipe.plain()["augmentation"]["crop_scale"] == [0.85, 1.0]
    assert recipe.plain()["distillation"]["temperature"] == 4.0


def test_a_recipe_is_read_again_from_plain_values():
    kd = Distillation(4.0, 0.7, 0.3)
    recipe = Recipe(epochs=3, distillation=kd, augmentation=Augmentation(crop_scale=(0.7, 1.0)))
    assert from_plain(json.loads(json.dumps(recipe.plain()))) == recipe
    assert from_plain({}) == Recipe() and from_plain({"augmentation": None}).augmentation is None


KD = {"temperature": 4.0, "soft": 0.7, "hard": 0.3}


@pytest.mark.parametrize(
    "values, told",
    [
        ({"epoch": 3}, "Recipe has no setting 'epoch'; did you mean 'epochs'"),
        ({"zzz": 3}, "Recipe has no setting 'zzz'; there are epochs, batch"),
        ({"augmentation": {"flips": 1}}, "Augmentation has no setting 'flips'; did you mean 'flip'"),
        ({"epochs": 0}, "epochs is 0"),
        ({"learning_rate": "1e-3"}, "learning_rate is '1e-3', a str; expected a number"),
        ({"epochs": True}, "epochs is True"),
        ({"distillation": KD | {"temperature": 0.0}}, "distillation.temperature is 0.0; expected above 0"),
        ({"distillation": KD | {"temperature": "1e1"}}, "distillation.temperature is '1e1', a str; expected a number"),
        ({"distillation": KD | {"temperature": math.nan}}, "temperature is nan"),
        ({"distillation": KD | {"soft": -1}}, "distillation.soft is -1; expected 0 or more"),
        ({"distillation": KD | {"soft": 0, "hard": 0}}, "all weights of the distillation are 0"),
        ({"distillation": KD | {"squared": 1}}, "distillation.squared is 1; expected true or false"),
        ({"distillation": {"temperature": 4}}, "Distillation lacks soft, hard"),
        ({"distillation": [4, 1, 0]}, "distillation is .*; expected its settings, or null"),
        ({"distillation": {"kind": "curriculum", "rise": 0}}, "distillation.rise is 0; expected above 0"),
        ({"distillation": {"kind": "relations", "intra": "2"}}, "distillation.intra is '2'"),
        ({"augmentation": {"flip": 1.5}}, "augmentation.flip is 1.5; expected 0 to 1"),
        ({"augmentation": {"zoom": 1.5}}, "augmentation.zoom is 1.5; expected two numbers"),
        ({"augmentation": {"zoom": [1.5, 1]}}, "augmentation.zoom is .*; expected the smaller one first"),
        ({"augmentation": {"crop_scale": [0, 1]}}, "augmentation.crop_scale is 0; expected above 0 to 1"),
        ({"augmentation": "flip"}, "augmentation is 'flip', a str; expected its settings"),
    ],
)
def test_a_recipe_that_does_not_fit_is_told(values, told):
    with pytest.raises(ValueError, match=told):
        from_plain(values)


LOGITS = torch.tensor([[2.0, -1.0, 0.5], [0.1, 0.2, 0.3], [-1.0, 3.0, 0.0], [0.0, 0.0, 4.0]])
TARGET = torch.tensor([0, 0, 1, 2])
WEIGHT = losses.class_weights(TARGET, 3)


@pytest.mark.parametrize(
    "recipe, expected",
    [
        (Recipe(), losses.focal(LOGITS, TARGET, 2.0, WEIGHT)),
        (Recipe(gamma=1.0, class_weighted=False), losses.focal(LOGITS, TARGET, 1.0)),
        (Recipe(loss="cross_entropy"), F.cross_entropy(LOGITS, TARGET, WEIGHT)),
        (Recipe(loss="cross_entropy", class_weighted=False), F.cross_entropy(LOGITS, TARGET)),
        (
            Recipe(loss="cross_entropy", class_weighted=False, smoothing=0.1),
            F.cross_entropy(LOGITS, TARGET, label_smoothing=0.1),
        ),
    ],
)
def test_losses(recipe, expected):
    assert torch.allclose(criterion(recipe, TARGET, 3)(LOGITS, TARGET), expected)


def test_losses_of_soft_labels_and_of_half_precision():
    soft = torch.softmax(LOGITS.flip(0), 1)
    recipe = Recipe(loss="cross_entropy", class_weighted=False)
    assert torch.allclose(criterion(recipe, TARGET, 3)(LOGITS, soft), -(soft * LOGITS.log_softmax(1)).sum(1).mean())
    assert criterion(Recipe(), TARGET, 3)(LOGITS.bfloat16(), TARGET).dtype == torch.float32


def test_distillation_takes_the_place_of_the_loss():
    kd = Distillation(4.0, 0.7, 0.3)
    found = criterion(Recipe(distillation=kd, class_weighted=False), TARGET, 3)(LOGITS, TARGET, LOGITS.flip(0))
    assert torch.allclose(found, kd(LOGITS, LOGITS.flip(0), TARGET))


def test_class_weights_are_of_the_hard_term_of_a_distillation():
    kd, teacher = Distillation(4.0, 0.7, 0.3), LOGITS.flip(0)
    weight = losses.class_weights(TARGET, 3)
    found = criterion(Recipe(distillation=kd), TARGET, 3)(LOGITS, TARGET, teacher)
    soft = kd(LOGITS, teacher, TARGET) - 0.3 * F.cross_entropy(LOGITS, TARGET)
    assert weight.unique().numel() > 1
    assert torch.allclose(found, soft + 0.3 * F.cross_entropy(LOGITS, TARGET, weight))


def test_a_distillation_takes_the_blended_labels_of_mixup():
    kd, soft = Distillation(4.0, 0.7, 0.3), torch.softmax(LOGITS.flip(1), 1)
    recipe = Recipe(distillation=kd, class_weighted=False, mixup=0.2)
    hard = -(soft * LOGITS.log_softmax(1)).sum(1).mean()
    found = criterion(recipe, TARGET, 3)(LOGITS, soft, LOGITS)  # a student that is its teacher
    assert torch.allclose(found, 0.3 * hard)


@pytest.mark.parametrize(
    "name, kind", [("adamw", torch.optim.AdamW), ("adam", torch.optim.Adam), ("sgd", torch.optim.SGD)]
)
def test_optimisers(name, kind):
    weights = [torch.nn.Parameter(torch.ones(3))]
    recipe = Recipe(optimizer=name, learning_rate=0.1, weight_decay=0.01, momentum=0.8)
    found, more = optimizer(recipe, weights), {"momentum": 0.8} if name == "sgd" else {}
    other = [torch.nn.Parameter(torch.ones(3))]
    expected = kind(other, lr=0.1, weight_decay=0.01, **more)
    for one, two in ((found, weights), (expected, other)):
        for _ in range(3):
            two[0].grad = torch.tensor([1.0, -2.0, 0.5])
            one.step()
    assert torch.allclose(weights[0], other[0], atol=1e-6) and not torch.allclose(weights[0], torch.ones(3))


@pytest.mark.parametrize("name", ["adamw", "adam", "sgd"])
@pytest.mark.parametrize("filtered", [False, True])
def test_weight_decay_may_leave_out_biases_and_norms(name, filtered):
    """Without a gradient, decay is all that moves a weight."""
    layers = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.Linear(2, 3))
    for weight in layers.parameters():
        torch.nn.init.ones_(weight)
        weight.grad = torch.zeros_like(weight)
    recipe = Recipe(optimizer=name, learning_rate=0.1, weight_decay=0.01, filter_bias_and_bn=filtered)
    optimizer(recipe, layers.parameters()).step()
    moved = [key for key, weight in layers.named_parameters() if not (weight == 1).all()]
    assert moved == (["0.weight", "2.weight"] if filtered else [key for key, _ in layers.named_parameters()])


# ---------------------------------------------------------------------------------------------------- learning rates


def rates(scheduler, epochs, *given):
    """What PyTorch's own scheduler does, an epoch at a time."""
    stand_in = torch.optim.SGD([torch.zeros(1)], lr=0.1)
    made, found = scheduler(stand_in), []
    for epoch in range(epochs):
        found.append(stand_in.param_groups[0]["lr"])
        stand_in.step()
        made.step(*(column[epoch] for column in given))
    return found


def test_a_cosine_ends_at_the_least_rate():
    recipe = Recipe(epochs=4, learning_rate=1e-3, schedule="cosine", min_lr=1e-5)
    assert learning_rate(recipe, 0, ()) == pytest.approx(1e-3) and learning_rate(recipe, 4, ()) == pytest.approx(1e-5)
    assert learning_rate(recipe, 2, ()) == pytest.approx((1e-3 + 1e-5) / 2)


def test_cosine_is_pytorchs():
    recipe = Recipe(epochs=20, learning_rate=0.1, schedule="cosine")
    expected = rates(lambda stand_in: lr_scheduler.CosineAnnealingLR(stand_in, 20), 20)
    assert [learning_rate(recipe, epoch, []) for epoch in range(20)] == pytest.approx(expected)
    assert learning_rate(recipe, 20, []) == 0


def test_steps_are_pytorchs():
    recipe = Recipe(epochs=20, learning_rate=0.1, schedule="step", step=6, factor=0.3)
    expected = rates(lambda stand_in: lr_scheduler.StepLR(stand_in, 6, 0.3), 20)
    assert [learning_rate(recipe, epoch, []) for epoch in range(20)] == pytest.approx(expected)


@pytest.mark.parametrize("monitor, mode", [("macro_f1", "max"), ("loss", "min")])
def test_a_plateau_is_pytorchs_and_needs_nothing_but_the_history(monitor, mode):
    scores = [0.1, 0.3, 0.3, 0.2, 0.25, 0.29, 0.3, 0.31, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2]
    recipe = Recipe(learning_rate=0.1, plateau_patience=2, factor=0.5, monitor=monitor)
    expected = rates(lambda one: lr_scheduler.ReduceLROnPlateau(one, mode, 0.5, 2), len(scores), scores)
    assert [learning_rate(recipe, epoch, scores[:epoch]) for epoch in range(len(scores))] == expected
    assert expected[-1] < 0.1


def test_constant_and_warm_up():
    recipe = Recipe(epochs=20, learning_rate=0.1, schedule="constant", warmup=4)
    found = [learning_rate(recipe, epoch, []) for epoch in (0.0, 1.0, 2.0, 3.9, 4.0, 19.0)]
    assert found == pytest.approx([0.0, 0.025, 0.05, 0.0975, 0.1, 0.1])
    whole = Recipe(epochs=20, learning_rate=0.1, schedule="cosine", warmup=20)
    assert learning_rate(whole, 10, []) == pytest.approx(0.05)


@pytest.mark.parametrize("kd", [losses.logit_standardisation(), losses.Relations(), losses.Decoupled(others=4.0)])
def test_every_kind_of_distillation_comes_back_from_plain_values(kd):
    recipe = Recipe(distillation=kd)
    assert from_plain(json.loads(json.dumps(recipe.plain()))) == recipe
    with pytest.raises(ValueError, match=r"kind 'hinton'; there are softened, relations, decoupled"):
        from_plain({"distillation": {"kind": "hinton"}})


def test_departures_are_the_settings_in_which_two_recipes_differ():
    assert departures(Recipe()) == {}
    found = departures(Recipe(epochs=2, schedule="cosine"), Recipe(epochs=3))
    assert found == {"epochs": (3, 2), "schedule": ("plateau", "cosine")}


def test_what_a_loss_is_the_mean_over():
    """Of weighted classes the sum of their weights; of a distilled batch, whose other terms have none, its images."""
    weight, target = torch.tensor([1.0, 3.0]), torch.tensor([0, 1, 1])
    recipe = Recipe(loss="cross_entropy", class_weighted=True)
    assert weighed(recipe, weight, target) == 7
    assert weighed(replace(recipe, distillation=losses.logit_standardisation()), weight, target) == 3
