"""Many small networks of one architecture, each a lane with its own fold, seed, temperature and learning rate."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, replace

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call, grad_and_value, vmap

from .. import models
from ..datasets import Faces, preprocess
from ..evaluation import inference, metrics
from ..progress import bar as progress_bar
from . import augment
from .losses import Distillation
from .recipe import Recipe, learning_rate
from .trainer import batches_of, fit, seed_of

ALIKE = (
    "batch_size",
    "img_size",
    "loss",
    "gamma",
    "optimizer",
    "tta",
)  # what lanes that train together must have alike
BETAS, EPSILON = (0.9, 0.999), 1e-8  # Adam's, as PyTorch has them


def settings(recipe: Recipe, lane: Mapping) -> Recipe:
    """The recipe of a lane: its columns that are settings take the place of `recipe`'s.

    temperature  of the recipe's distillation; not a number: no distillation, and the recipe's other loss
    """
    known = {field.name for field in fields(Recipe)}
    values = {name: value.item() if isinstance(value, np.generic) else value for name, value in lane.items()}
    found = replace(recipe, **{name: value for name, value in values.items() if name in known})
    if "temperature" not in values:
        return found
    if math.isnan(values["temperature"]):
        return replace(found, distillation=None)
    if not isinstance(found.distillation, Distillation):
        raise ValueError("lanes have temperatures, but the recipe has no distillation with a temperature")
    return replace(found, distillation=replace(found.distillation, temperature=values["temperature"]))


def fit_many(
    network: str,
    faces: Faces,
    lanes: pd.DataFrame,
    recipe: Recipe,
    folds: np.ndarray,
    *,
    options: Mapping | None = None,
    teacher: Mapping[int, np.ndarray] | np.ndarray | None = None,
    device: str | torch.device | None = None,
    together: bool | None = None,
    windows: int = 1,
    progress: bool = True,
) -> pd.DataFrame:
    """Train a `network` for every row of `lanes`, without its fold, and score it on its fold after the last epoch.

    lanes     columns `fold`, and any of `seed`, `temperature`, `learning_rate`, `epochs` and other settings of a
              recipe; what it does not say is as in `recipe`. Other columns are for the reader
    folds     the fold of each image, int (N,): such as splits.group_folds
    options   of the network
    teacher   logits (N, classes) for the lanes with distillation; or by fold, of a teacher that did not see that fold
    together  all lanes as one batched computation; by default on a GPU, where they can. A lane is then what `fit` makes
              of it to rounding, but for dropout, whose masks are others and depend on which lanes are trained at once.
              Otherwise `fit` one after another
    windows   rows that an image has, one after the other, such as of crops.eight; it is scored by the mean of their
              probabilities

    Returns `lanes` with train_loss (of the last epoch), images (in the held-out fold), and on these accuracy, macro_f1,
    and window_accuracy, of each window by itself.
    Raises ValueError for windows of an image in several folds, and where lanes are to train together that cannot: with
    batch normalisation, augmentation, mixup, schedules that follow a score, losses that are no mean over images.
    """
    device = torch.device(device or inference.default_device())
    if len(folds) != len(faces):
        raise ValueError(f"folds of {len(folds):,} images; {faces.name} has {len(faces):,}")
    if len(folds) % windows or (folds.reshape(-1, windows) != folds[::windows, None]).any():
        raise ValueError(f"the {windows} windows of an image stand one after the other, and in one fold")
    recipes = [settings(recipe, lane) for lane in lanes.to_dict("records")]
    if missing := sorted(set(lanes["fold"]) - set(folds.tolist())):
        raise ValueError(f"no image is in fold {', '.join(map(str, missing))}")
    teacher_logits = [
        None if own.distillation is None else teacher[fold] if isinstance(teacher, Mapping) else teacher
        for own, fold in zip(recipes, lanes["fold"], strict=True)
    ]
    trained = [np.flatnonzero(folds != fold) for fold in lanes["fold"]]
    work = (network, faces, recipes, trained, teacher_logits, options or {}, device, progress)
    obstacle = _obstacle(network, faces, recipes, options or {})
    if together and obstacle:
        raise ValueError(f"{obstacle}; give together=False")
    if together is None:
        together = device.type == "cuda" and obstacle is None
    found = []
    for (fitted, loss), own, fold in zip(
        (_together if together else _in_turn)(*work), recipes, lanes["fold"], strict=True
    ):
        rows = np.flatnonzero(folds == fold)
        answers = inference.probabilities(fitted, faces, rows, own.img_size, own.tta)
        predicted = answers.reshape(-1, windows, answers.shape[1]).mean(1).argmax(1)
        scores = metrics.scores(metrics.confusion(faces.labels[rows[::windows]], predicted, len(faces.classes)))
        scores = {name: float(scores[name]) for name in ("accuracy", "macro_f1")}
        scores["window_accuracy"] = float((answers.argmax(1) == faces.labels[rows]).mean())
        found.append({"train_loss": loss, "images": len(predicted)} | scores)
    return pd.concat([lanes, pd.DataFrame(found, index=lanes.index)], axis=1)


def _in_turn(network, faces, recipes, trained, teacher_logits, options, device, progress):
    """(network, last training loss) of each lane, by `fit`."""
    with progress_bar(total=len(recipes), desc="lanes", unit="lane", disable=not progress) as bar:
        for own, rows, logits in zip(recipes, trained, teacher_logits, strict=True):
            run = fit(
                network, faces, own, train=rows, select=None, options=options, teacher=logits, device=device,
                progress=False,
            )  # fmt: skip
            bar.update()
            yield run.network, float(run.history["train_loss"].iloc[-1])


# ------------------------------------------------------------------------------------------------------- all together


def _together(network, faces, recipes, trained, teacher_logits, options, device, progress):
    """(network, last training loss) of each lane, trained as one batched computation."""
    template, states = None, []
    with torch.random.fork_rng(range(torch.cuda.device_count()) if device.type == "cuda" else ()):
        for own in recipes:
            torch.manual_seed(own.seed)
            template = models.create(network, len(faces.classes), **options)
            states.append(dict(template.named_parameters()))
        template.to(device).train()
        weights = {name: torch.stack([state[name].detach() for state in states]).to(device) for name in states[0]}
        lanes = _Lanes(template, weights, faces, recipes, trained, teacher_logits, device)
        with progress_bar(total=max(own.epochs for own in recipes), desc="epochs", disable=not progress) as bar:
            while len(lanes.there):
                lanes.epoch()
                bar.update()
    for number in range(len(recipes)):
        state, loss = lanes.done[number]
        template.load_state_dict(state)
        yield template.eval(), loss


def _obstacle(network: str, faces: Faces, recipes: list[Recipe], options: Mapping) -> str | None:
    """Why lanes cannot train together, if they cannot."""
    for name in ALIKE:
        if len(values := {getattr(own, name) for own in recipes}) > 1:
            return f"lanes that train together have one {name}, not {sorted(values)}"
    for own in recipes:
        wrong = {
            "augmentation": own.augmentation not in (None, augment.NONE),
            "mixup": own.mixup > 0,
            "class weights": own.class_weighted,
            "soft labels": own.soft_labels != "none",
            "weighted sampling": own.sampling != "shuffled",
            "an average of weights": own.ema > 0,
            "early stopping": own.patience > 0,
            "half precision": own.precision != "fp32",
            f"the optimiser {own.optimizer}": own.optimizer not in ("adam", "adamw"),
            "the schedule plateau": own.schedule == "plateau",
            "the loss focal": own.loss != "cross_entropy",
            "distillation of another kind": not isinstance(own.distillation, (Distillation, type(None))),
        }
        if named := [name for name, there in wrong.items() if there]:
            return f"lanes cannot train together with {', '.join(named)}"
    with torch.random.fork_rng([]):
        buffers = list(models.create(network, len(faces.classes), **options).buffers())
    if buffers:
        return f"{network} has buffers, such as of batch normalisation, which lanes cannot share"
    return None


class _Lanes:
    """The lanes that are still training: their weights, moments and data, stacked along the first axis."""

    def __init__(self, template: nn.Module, weights, faces, recipes, trained, teacher_logits, device):
        self.template, self.weights, self.device = template, weights, device
        self.recipes, self.trained = recipes, trained
        self.there = np.arange(len(recipes))  # numbers of the lanes that still train
        self.moments = [{name: torch.zeros_like(value) for name, value in weights.items()} for _ in range(2)]
        self.steps = torch.zeros(len(recipes), device=device)
        self.epochs, self.done = 0, {}
        self.channels = inference.channels(template)
        pixels = torch.from_numpy(np.ascontiguousarray(faces.pixels)).to(device)
        self.pixels = pixels.permute(0, 3, 1, 2) if pixels.ndim == 4 else pixels
        self.labels = torch.tensor(faces.labels, device=device)
        # one table for each teacher, whichever lanes have it; lanes without one look at zeros and weigh them 0
        tables = {id(logits): logits for logits in teacher_logits if logits is not None}
        places = {key: place for place, key in enumerate(tables)}
        blank = np.zeros((len(faces), len(faces.classes)), np.float32)
        self.logits = torch.from_numpy(np.stack([*map(np.float32, tables.values()), blank])).to(device)
        self.teacher = torch.tensor([places.get(id(logits), len(places)) for logits in teacher_logits], device=device)
        kinds = [own.distillation or Distillation(1.0, 0.0, 1.0) for own in recipes]
        if len(forms := {(kind.squared, kind.divergence, kind.standardised) for kind in kinds if kind.soft}) > 1:
            raise ValueError("lanes that train together have one form of distillation")
        self.form = next(iter(forms), (True, True, False))
        self.factors = torch.tensor([[kind.temperature, kind.soft, kind.hard] for kind in kinds], device=device)
        self.smoothing = torch.tensor(
            [own.smoothing if own.distillation is None else 0.0 for own in recipes], device=device
        )
        self.update = vmap(grad_and_value(self.loss), randomness="different")

    def loss(self, weights, images, target, teacher_logits, weight, factors, smoothing):
        """Of one lane's batch (n, C, H, W): the mean over the images that count, `weight` 1 and not 0."""
        logits = functional_call(self.template, weights, (images,))
        temperature, soft, hard = factors
        kind = Distillation(temperature, 1.0, 0.0, *self.form)
        softened = vmap(lambda own, towards, right: kind(own[None], towards[None], right[None]))(
            logits, teacher_logits, target
        )
        log_p = F.log_softmax(logits, 1)
        right = log_p.gather(1, target[:, None]).squeeze(1)
        hardened = -(1 - smoothing) * right - smoothing * log_p.mean(1)
        return ((soft * softened + hard * hardened) * weight).sum() / weight.sum().clamp(min=1)

    def epoch(self) -> None:
        """One pass of every lane over its own images, in the order in which `fit` would take them."""
        self.epochs += 1
        orders = []
        for number in self.there:
            own, rows = self.recipes[number], torch.from_numpy(self.trained[number])
            shuffle = torch.Generator().manual_seed(seed_of(own.seed, self.epochs))
            shuffled = rows[torch.randperm(len(rows), generator=shuffle)]
            orders.append(shuffled.tensor_split(batches_of(len(rows), own.batch_size)))
        batches = [len(order) for order in orders]
        width = max(len(part) for order in orders for part in order)
        first = torch.stack([order[0][0] for order in orders])  # an image of the lane's own, which then weighs nothing
        places = first[:, None].repeat(max(batches), 1, width)
        counted = torch.zeros(max(batches), len(orders), width)
        for lane, order in enumerate(orders):
            for number, part in enumerate(order):
                places[number, lane, : len(part)], counted[number, lane, : len(part)] = part, 1.0
        places, counted = places.to(self.device), counted.to(self.device)
        total = torch.zeros(len(orders), device=self.device)
        for number in range(max(batches)):
            rates = [
                learning_rate(self.recipes[lane], self.epochs - 1 + (number + 0.5) / count, [])
                for lane, count in zip(self.there, batches, strict=True)
            ]
            total += self.step(places[number], counted[number], torch.tensor(rates, device=self.device))
        losses = (total / torch.tensor(batches, device=self.device)).tolist()
        if wrong := [int(lane) for lane, loss in zip(self.there, losses, strict=True) if not math.isfinite(loss)]:
            raise FloatingPointError(f"the loss of lanes {wrong} is not finite in epoch {self.epochs}")
        self.leave(losses)

    def step(self, index: torch.Tensor, counted: torch.Tensor, rates: torch.Tensor) -> torch.Tensor:
        """One step of Adam in every lane that has a batch left; the losses, 0 for the others."""
        images = preprocess.resize(self.pixels[index.flatten()], self.recipes[0].img_size, self.channels).unflatten(
            0, index.shape
        )
        there = self.there_on_device()
        gradients, losses = self.update(
            self.weights, images, self.labels[index], self.logits[self.teacher[there][:, None], index], counted,
            self.factors[there], self.smoothing[there],
        )  # fmt: skip
        active = counted.sum(1) > 0
        self.steps += active
        decay = torch.tensor([self.recipes[lane].weight_decay for lane in self.there], device=self.device)
        filtered = torch.tensor([self.recipes[lane].filter_bias_and_bn for lane in self.there], device=self.device)
        decoupled = self.recipes[0].optimizer == "adamw"
        for name, value in self.weights.items():
            alike = (-1, *[1] * (value.ndim - 1))
            own = decay if value.ndim > 2 else decay * ~filtered  # a bias has the axis of the lanes and one of its own
            gradient, rate, shrink = gradients[name], rates.view(alike), own.view(alike)
            gradient = gradient if decoupled else gradient + shrink * value
            first, second = (moment[name] for moment in self.moments)
            new_first, new_second = first.lerp(gradient, 1 - BETAS[0]), second.lerp(gradient**2, 1 - BETAS[1])
            bias = [(1 - beta ** self.steps.clamp(min=1)).view(alike) for beta in BETAS]
            moved = value * (1 - rate * shrink) if decoupled else value
            moved = moved - rate * (new_first / bias[0]) / ((new_second / bias[1]).sqrt() + EPSILON)
            on = active.view(alike)
            self.weights[name] = torch.where(on, moved, value)
            self.moments[0][name] = torch.where(on, new_first, first)
            self.moments[1][name] = torch.where(on, new_second, second)
        return losses * active

    def there_on_device(self) -> torch.Tensor:
        return torch.from_numpy(self.there).to(self.device)

    def leave(self, losses: list[float]) -> None:
        """Lanes whose last epoch this was make room."""
        stay = [place for place, lane in enumerate(self.there) if self.recipes[lane].epochs > self.epochs]
        for place, lane in enumerate(self.there):
            if place not in stay:
                state = {name: value[place].clone() for name, value in self.weights.items()}
                self.done[int(lane)] = state, losses[place]
        if len(stay) < len(self.there):
            kept = torch.tensor(stay, dtype=torch.long, device=self.device)
            self.weights = {name: value[kept].contiguous() for name, value in self.weights.items()}
            self.moments = [{name: value[kept] for name, value in moment.items()} for moment in self.moments]
            self.steps, self.there = self.steps[kept], self.there[stay]
