"""How a network is trained: every setting in one place, and what follows from them alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch.optim.lr_scheduler import ReduceLROnPlateau

from ..yamlio import did_you_mean
from . import losses
from .augment import Augmentation
from .losses import DISTILLATIONS, Curriculum, Decoupled, Distillation, Relations

MODERATE = Augmentation()
CHOICES = {
    "loss": ("cross_entropy", "focal"),
    "sampling": ("shuffled", "weighted"),
    "optimizer": ("adamw", "adam", "sgd"),
    "schedule": ("plateau", "cosine", "step", "constant"),
    "monitor": ("accuracy", "macro_f1", "weighted_f1", "loss"),
    "tta": ("one", "flip", "ten"),
    "precision": ("fp32", "bf16", "fp16"),
    "soft_labels": ("none", "votes", "given"),
}


@dataclass(frozen=True)
class Recipe:
    """The settings of a training; by default TinyFER-Lite's (Table 2 and section 5). Raises ValueError.

    img_size        of the square images that the network sees, px
    augmentation    None: none
    mixup           alpha of the Beta distribution; 0: none
    class_weighted  losses weighted by inverse class frequency (TinyFER-Lite, equation 14)
    soft_labels     instead of the label alone. votes: the shares of the FER+ votes, where an image has any; given:
                    probabilities that `fit` is given, such as `studies.out_of_fold` makes
    soft_weight     of the soft label in the target; the rest is the label's
    distillation    with the logits of a teacher that is given to `fit`; takes the place of `loss`
    sampling        weighted: drawn with replacement, each class as often
    filter_bias_and_bn  weight decay on weights alone, not on biases and what normalises (timm's name for it)
    schedule        plateau: times `factor` after more than `plateau_patience` epochs in which `monitor` did not improve
                    cosine: down to `min_lr`; step: times `factor` every `step` epochs
    warmup          epochs before that, in which the learning rate rises linearly from 0
    monitor         the score of the selection split that the best epoch has
    patience        epochs without a better score after which training stops; 0: never
    tta             views at evaluation: the image (one); with its mirror image (flip); ten crops, as of AlexNet (ten)
    precision       fp32 (on a GPU since Ampere with convolutions in TF32, as PyTorch has them), bf16 or fp16
    ema             decay of the moving average of the weights, which is what is evaluated; 0: none. It warms up, so
                    that a short training is not held back by its first weights
    bn_momentum     of batch normalisation, instead of the network's own
    """

    epochs: int = 100
    batch_size: int = 64
    img_size: int = 224
    augmentation: Augmentation | None = MODERATE
    mixup: float = 0.0
    loss: str = "focal"
    gamma: float = 2.0
    class_weighted: bool = True
    smoothing: float = 0.0
    soft_labels: str = "none"
    soft_weight: float = 1.0
    distillation: Distillation | Relations | Decoupled | Curriculum | None = None
    sampling: str = "shuffled"
    optimizer: str = "adamw"
    learning_rate: float = 1e-4
    weight_decay: float = 1e-4
    filter_bias_and_bn: bool = False
    momentum: float = 0.9
    schedule: str = "plateau"
    factor: float = 0.5
    plateau_patience: int = 3
    step: int = 30
    min_lr: float = 0.0
    warmup: float = 0.0
    monitor: str = "macro_f1"
    patience: int = 0
    tta: str = "one"
    precision: str = "fp32"
    channels_last: bool = False
    ema: float = 0.0
    bn_momentum: float | None = None
    seed: int = 42

    def __post_init__(self):
        for name, known in CHOICES.items():
            if not isinstance(getattr(self, name), str) or getattr(self, name) not in known:
                raise ValueError(f"{name} is {getattr(self, name)!r}; there are {', '.join(known)}")
        for name, low, high in (
            ("epochs", 1, math.inf),
            ("batch_size", 2, math.inf),
            ("img_size", 1, math.inf),
            ("mixup", 0, math.inf),
            ("gamma", 0, math.inf),
            ("factor", 0, 1),
            ("momentum", 0, 1),
            ("smoothing", 0, 1),
            ("soft_weight", 0, 1),
            ("weight_decay", 0, math.inf),
            ("plateau_patience", 0, math.inf),
            ("step", 1, math.inf),
            ("min_lr", 0, math.inf),
            ("warmup", 0, math.inf),
            ("patience", 0, math.inf),
            ("ema", 0, 1),
        ):
            _number(name, getattr(self, name), low, high)
        _number("learning_rate", self.learning_rate, 0, math.inf, above=True)
        for name in ("epochs", "batch_size", "img_size", "plateau_patience", "step", "patience", "seed"):
            if not isinstance(getattr(self, name), int) or isinstance(getattr(self, name), bool):
                raise ValueError(f"{name} is {getattr(self, name)!r}; expected a whole number")
        for name in ("class_weighted", "filter_bias_and_bn", "channels_last"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{name} is {getattr(self, name)!r}; expected true or false")
        if 0 < self.mixup < 0.02:
            raise ValueError(f"mixup is {self.mixup}; expected 0, or 0.02 or more: of less, rounding makes halves")
        if self.schedule == "plateau" and self.factor == 1:
            raise ValueError("factor is 1; expected less, since schedule: plateau multiplies the rate by it")
        if self.schedule == "cosine" and self.min_lr > self.learning_rate:
            raise ValueError(
                f"min_lr is {self.min_lr}; expected at most the learning_rate, {self.learning_rate}, since schedule: "
                "cosine goes down to it"
            )
        if not -(2**63) <= self.seed < 2**63:
            raise ValueError(f"seed is {self.seed}; expected one of 64 bits")
        if self.bn_momentum is not None:
            _number("bn_momentum", self.bn_momentum, 0, 1, above=True, instead=", or null for the network's own")
        if self.augmentation is not None:
            _augments(self.augmentation)
        if self.distillation is not None:
            _distils(self.distillation)
        kd = self.distillation
        if kd is not None and self.smoothing:
            raise ValueError("distillation takes labels without smoothing")
        if (isinstance(kd, Decoupled) or (kd is None and self.loss == "focal")) and (
            self.mixup or self.soft_labels != "none" or self.smoothing
        ):
            loss = "decoupled distillation" if kd else "focal loss"
            raise ValueError(f"{loss} takes labels as they are: no mixup, soft labels or smoothing with it")

    def plain(self) -> dict:
        """All settings as values that JSON has; of a distillation also its kind."""
        values = _lists(asdict(self))
        if self.distillation is not None:
            values["distillation"]["kind"] = self.distillation.kind
        return values


def _number(name: str, value, low: float, high: float, above: bool = False, instead: str = "") -> None:
    """Raise ValueError for what is no finite number from `low` to `high`, or is not above `low`."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise ValueError(f"{name} is {value!r}, a {type(value).__name__}; expected a number{instead}")
    if not low <= value <= high or math.isinf(value) or (above and value == low):
        least = f"above {low}" if above else f"{low}" + " or more" * math.isinf(high)
        raise ValueError(f"{name} is {value}; expected {least}{'' if math.isinf(high) else f' to {high}'}{instead}")


SIGNED = {"rotation": 180, "translation": 1, "shear": 89}  # up to so much, both ways; the other shares are 0 to 1
POSITIVE = ("temperature", "low", "rise")  # what a distillation divides by; its weights may be 0


def _augments(augmentation: Augmentation) -> None:
    if not isinstance(augmentation, Augmentation):
        raise ValueError(f"augmentation is {augmentation!r}; expected its settings, or null for none")
    for field in fields(augmentation):
        name, value = f"augmentation.{field.name}", getattr(augmentation, field.name)
        if not isinstance(field.default, tuple):
            _number(name, value, 0, SIGNED.get(field.name, 1))
            continue
        if not isinstance(value, tuple) or len(value) != 2:
            raise ValueError(f"{name} is {value!r}; expected two numbers, from and to")
        for end in value:
            _number(name, end, 0, 1 if field.name in ("crop_scale", "erasing_area") else math.inf, above=True)
        if value[0] > value[1]:
            raise ValueError(f"{name} is from {value[0]} to {value[1]}; expected the smaller one first")


def _distils(kd: Distillation | Relations | Decoupled | Curriculum) -> None:
    if type(kd) not in DISTILLATIONS.values():
        raise ValueError(f"distillation is {kd!r}; expected its settings, or null for none")
    weights = []
    for field in fields(kd):
        name, value = f"distillation.{field.name}", getattr(kd, field.name)
        if isinstance(field.default, bool):
            if not isinstance(value, bool):
                raise ValueError(f"{name} is {value!r}; expected true or false")
            continue
        _number(name, value, 0, math.inf, above=field.name in POSITIVE)
        weights += [value] if field.name not in (*POSITIVE, "span", "rate") else []
    if not any(weights):
        raise ValueError("all weights of the distillation are 0: nothing would be learned")


def departures(recipe: Recipe, paper: Recipe = Recipe()) -> dict[str, tuple[object, object]]:
    """By name what `paper` and `recipe` have of each setting in which they differ."""
    pairs = {field.name: (getattr(paper, field.name), getattr(recipe, field.name)) for field in fields(Recipe)}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def from_plain(values: Mapping) -> Recipe:
    """A recipe from plain values, such as of a YAML file or of `Recipe.plain`. Raises ValueError for what none has.

    distillation  with the key `kind`: softened (the default), relations, decoupled, curriculum
    """
    values, kind = dict(values), Distillation.kind
    if values.get("distillation") is not None:
        values["distillation"] = distillation = dict(_mapping("distillation", values["distillation"]))
        kind = distillation.pop("kind", kind)
        if not isinstance(kind, str) or kind not in DISTILLATIONS:
            raise ValueError(f"distillation of kind {kind!r}; there are {', '.join(DISTILLATIONS)}")
    return _made(Recipe, values, {"augmentation": Augmentation, "distillation": DISTILLATIONS[kind]})


def _mapping(name: str, value) -> Mapping:
    if not isinstance(value, Mapping):
        raise ValueError(f"{name} is {value!r}, a {type(value).__name__}; expected its settings, or null for none")
    return value


def _made(kind: type, values: Mapping, parts: Mapping[str, type]):
    if not isinstance(values, Mapping):
        raise ValueError(f"{kind.__name__} is {values!r}; expected settings by name")
    names = [field.name for field in fields(kind)]
    for name in values:
        if name not in names:
            raise ValueError(f"{kind.__name__} has no setting {name!r}; {did_you_mean(name, names)}")
    found = {}
    for name, value in values.items():
        inner = parts.get(name)
        found[name] = _made(inner, _mapping(name, value), {}) if inner and value is not None else value
        if isinstance(value, list):
            found[name] = tuple(value)
    if lacking := [one.name for one in fields(kind) if one.name not in found and one.default is MISSING]:
        raise ValueError(f"{kind.__name__} lacks {', '.join(lacking)}")
    return kind(**found)


def _lists(value):
    """`value` with lists for tuples, as JSON has them."""
    if isinstance(value, dict):
        return {key: _lists(part) for key, part in value.items()}
    return [_lists(part) for part in value] if isinstance(value, (list, tuple)) else value


def criterion(recipe: Recipe, labels: torch.Tensor, classes: int) -> Callable[..., torch.Tensor]:
    """The loss as a function of logits (N, C), target int (N,) or soft (N, C), and a teacher's logits or None; and of a
    temperature that the distillation learns, with the epochs since the start.

    labels  int, all of the training split, from which the class weights follow
    """
    weight = losses.class_weights(labels, classes).to(labels.device) if recipe.class_weighted else None

    def loss(logits: torch.Tensor, target: torch.Tensor, teacher: torch.Tensor | None = None, *more) -> torch.Tensor:
        logits = logits.float()  # also where the network is computed in half precision
        if recipe.distillation is not None:
            return recipe.distillation(logits, teacher.float(), target, *more, weight=weight)
        if recipe.loss == "focal":
            return losses.focal(logits, target, recipe.gamma, weight)
        return F.cross_entropy(logits, target, weight, label_smoothing=recipe.smoothing)

    return loss


def weighed(recipe: Recipe, weight: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """What `criterion` divides the sum over a batch by: the images, or their weights where PyTorch takes those.

    weight  of each class (C,). Several processes need it to make one mean of theirs. A distillation with class weights
            has two denominators, of which the images are taken: its hard term is then a mean of the processes' means
    """
    if recipe.loss == "cross_entropy" and recipe.class_weighted and recipe.distillation is None and target.ndim == 1:
        return weight[target].sum()
    return torch.tensor(float(len(target)), device=target.device)


def optimizer(recipe: Recipe, parameters) -> torch.optim.Optimizer:
    """Fused, which is the same arithmetic in fewer kernels; but not SGD in fp16: where a step is left out for an
    overflow, PyTorch's fused SGD takes momentum that nobody has set for that of a step before."""
    if recipe.filter_bias_and_bn:
        decayed, spared = [], []
        for weight in parameters:  # a bias, a scale and a shift have one axis
            (decayed if weight.ndim > 1 else spared).append(weight)
        parameters = [{"params": decayed}, {"params": spared, "weight_decay": 0.0}]
    common = {"lr": recipe.learning_rate, "weight_decay": recipe.weight_decay}
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(parameters, momentum=recipe.momentum, fused=recipe.precision != "fp16", **common)
    return {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}[recipe.optimizer](parameters, fused=True, **common)


def learning_rate(recipe: Recipe, epoch: float, monitored: Sequence[float]) -> float:
    """The learning rate at a point of the training, in epochs from its start.

    monitored  `monitor` after each epoch until there. Nothing else is remembered, so nothing has to be restored.
    """
    if epoch < recipe.warmup:
        return recipe.learning_rate * epoch / recipe.warmup
    if recipe.schedule == "cosine":
        through = (epoch - recipe.warmup) / max(recipe.epochs - recipe.warmup, 1e-9)
        share = 0.5 * (1 + math.cos(math.pi * min(through, 1)))
        return recipe.min_lr + (recipe.learning_rate - recipe.min_lr) * share
    if recipe.schedule == "step":
        return recipe.learning_rate * recipe.factor ** int(epoch / recipe.step)
    if recipe.schedule == "plateau":
        return _plateau(recipe, tuple(monitored))
    return recipe.learning_rate


@lru_cache(maxsize=8)  # asked for at every batch, and the same for a whole epoch
def _plateau(recipe: Recipe, monitored: tuple[float, ...]) -> float:
    stand_in = torch.optim.SGD([torch.zeros(1)], lr=recipe.learning_rate)
    mode = "min" if recipe.monitor == "loss" else "max"
    plateau = ReduceLROnPlateau(stand_in, mode, recipe.factor, recipe.plateau_patience)
    for value in monitored:
        plateau.step(value)
    return stand_in.param_groups[0]["lr"]
