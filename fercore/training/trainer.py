"""Training of one network, from uint8 images in memory to the epoch that was best on the selection split.

run = fit("tinyfer_lite", faces, Recipe(img_size=64, epochs=15), "runs/laptop/tinyfer_lite")

Everything that is drawn in an epoch follows from the seed and the epoch's number, so a training that was killed goes on
from its last whole epoch to the same bytes (on a CPU). `torchrun script.py` runs the same call on several GPUs.
"""

from __future__ import annotations

import atexit
import hashlib
import math
import os
import time
import warnings
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from timm.utils import ModelEmaV3
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from .. import files, models
from ..datasets import Faces, preprocess, votes
from ..evaluation import inference, metrics
from ..evaluation.inference import Pixels
from ..models.weights import unfit, unsound
from ..progress import bar as progress_bar
from ..results import provenance, tables
from . import augment, checkpoint, losses, memory, origins
from .checkpoint import RunError
from .recipe import Recipe, criterion, learning_rate, optimizer, weighed

TINYFER = Recipe()
LET_GO = 60.0  # seconds in which whoever reads a run that has ended is done with it
CHECKED_EVERY = 50  # batches: whether losses are finite is asked for together, since asking waits for the GPU


@dataclass(frozen=True, eq=False)
class Run:
    """A finished training.

    network     with the weights of the best epoch, in evaluation mode
    history     a row an epoch: epoch, learning_rate, train_loss, train_accuracy, temperature where it is learned, and
                of the selection split loss, accuracy, macro_f1, weighted_f1
    best_epoch  the first is 1
    seconds     that training took, evaluation included, over all its parts
    """

    network: nn.Module
    recipe: Recipe
    history: pd.DataFrame
    best_epoch: int
    seconds: float
    folder: Path | None = None

    def probabilities(self, faces: Faces, rows: np.ndarray) -> np.ndarray:
        """Class probabilities of rows of `faces`, float64 (n, C), by the recipe's img_size and tta."""
        return inference.probabilities(self.network, faces, rows, self.recipe.img_size, self.recipe.tta)


def fit(
    network: str | nn.Module,
    faces: Faces,
    recipe: Recipe = TINYFER,
    folder: str | Path | None = None,
    *,
    train: str | np.ndarray = "train",
    select: str | np.ndarray | None = "select",
    weights: str | Path | None = None,
    options: Mapping | None = None,
    teacher: nn.Module | np.ndarray | None = None,
    soft_labels: np.ndarray | None = None,
    device: str | torch.device | None = None,
    restart: bool = False,
    progress: bool = True,
) -> Run:
    """Train `network` on the rows `train` of `faces`, and keep the epoch that is best on the rows `select`.

    network  a name, made by `models.create` with `weights` and `options` after the recipe's seed is set; or a module,
             which is itself trained and comes back with the best weights
    folder   where the run is written, and gone on with where it was interrupted; None or empty: nowhere
    train, select  a split by name or role, row numbers, or bool (N,); select None: nothing is selected, the last epoch
             is the best
    teacher  for a recipe with distillation: a network, which sees what the student sees; or its logits of all images of
             `faces`, where these are trained on as they are (N, classes), or with flips alone (2, N, classes): of each
             image and of its mirror image, as `inference.view_logits` gives them. Only training rows are read
    soft_labels  for a recipe with soft labels that are given: class probabilities of all images of `faces`,
             (N, classes), of which only training rows are read
    device   "cuda", "cuda:1", "cpu"; by default a GPU where there is one
    restart  where `folder` holds another training, or a damaged one, start over in place of refusing it, with a warning
             if that one is damaged or had not ended

    Raises RunError where `folder` holds another training (naming what differs, as does one that another number of
    processes began), a damaged one or what is left of one, where a loss or a weight is not finite, and where there is
    no space left; BusyError where another process trains in `folder`; ValueError and KeyError for arguments that do not
    fit.
    """
    memory.keep_freed()
    device = torch.device(device or inference.default_device())
    folder = Path(folder) if folder else None
    if (recipe.distillation is None) != (teacher is None):
        raise ValueError("distillation needs both a teacher and a recipe with its settings")
    if (recipe.soft_labels == "given") != (soft_labels is not None):
        raise ValueError("soft labels and a recipe with soft_labels: given need each other")
    if select is None and recipe.schedule == "plateau":
        raise ValueError("schedule: plateau needs a split to select on; take another schedule")
    if not isinstance(network, str) and (weights is not None or options):
        raise ValueError("weights and options are for a network by name; a module has its own")
    rank, world, device = _distributed(device)
    train, select = (_rows(faces, part) for part in (train, select))
    if len(train) < 2 * world:  # of one image, batch normalisation has no variance
        raise ValueError(f"only {len(train)} to train on; expected 2 images or more for each process")
    if select is not None and not len(select):
        raise ValueError("no image to select on; give None to keep the last epoch")
    cards = range(torch.cuda.device_count()) if device.type == "cuda" else ()
    writes = folder is not None and rank == 0  # of several processes, the first
    wait = LET_GO if writes and (folder / checkpoint.METRICS).is_file() else 0.0
    with files.locked(folder, "a training", wait) if writes else nullcontext():
        with torch.random.fork_rng(cards):  # whoever calls has their own random numbers afterwards
            torch.manual_seed(recipe.seed)
            name = network if isinstance(network, str) else type(network).__name__
            options = dict(options or {})
            if isinstance(network, str):
                if weights is not None:
                    origins.require_unseen(network, weights, faces, "the network that training starts from", train)
                options = models.options_of(network, weights) | options
                network = models.create(network, len(faces.classes), weights, faces.classes, **options)
            rows, start = {"train": train, "select": select}, {"weights": weights, "options": options}
            identity = checkpoint.identity(name, network, faces, recipe.plain(), rows, start, teacher, soft_labels)
            training = _Training(
                network.to(device), faces, recipe, train, select, teacher, soft_labels, device, rank, world
            )
            trained = training.go(name, identity, folder, restart, progress and rank == 0)
        if writes:
            _conclude(training, folder, identity, faces, again=not trained)
    network = training.best_network()
    history = pd.DataFrame(training.history)
    return Run(network, recipe, history, training.best_epoch, training.seconds, folder)


class _Training:
    """What changes while a network is trained, and what it is trained with."""

    def __init__(self, network, faces, recipe, train, select, teacher, soft_labels, device, rank, world):
        self.network, self.recipe, self.device, self.rank, self.world = network, recipe, device, rank, world
        self.layout = torch.channels_last if recipe.channels_last else torch.contiguous_format
        self.network.to(memory_format=self.layout)
        if recipe.bn_momentum is not None:
            for layer in network.modules():
                if isinstance(layer, nn.modules.batchnorm._BatchNorm):
                    layer.momentum = recipe.bn_momentum
        self.channels = inference.channels(network)
        self.teacher = _teacher(teacher, faces, recipe, train, self.channels, device)
        self.learned = {}  # what the loss learns
        if isinstance(recipe.distillation, losses.Curriculum):
            self.learned = {"temperature": recipe.distillation.start(device)}
        self.optimizer = optimizer(recipe, network.parameters())
        self.average = ModelEmaV3(network, recipe.ema, use_warmup=True) if recipe.ema else None
        self.scaler = torch.amp.GradScaler(device.type, enabled=recipe.precision == "fp16")
        self.replica = network
        if world > 1:
            cards = [device] if device.type == "cuda" else None
            self.replica = DistributedDataParallel(network, device_ids=cards)

        self.classes = len(faces.classes)
        self.images = Pixels(faces, train, device)
        self.labels = torch.from_numpy(faces.labels[train]).to(device)
        self.targets = _targets(faces, recipe, train, soft_labels).to(device)
        self.criterion = criterion(recipe, self.labels, self.classes)
        self.weights = losses.class_weights(self.labels, self.classes)
        self.shares = self.weights.cpu()[self.labels.cpu()]
        self.faces, self.select = faces, select
        self.selected = None if select is None else Pixels(faces, select[rank::world], device)

        self.history: list[dict] = []
        self.best_epoch, self.best, self.seconds, self.cpu_seconds = 0, None, 0.0, 0.0
        self.parts: list[dict] = []  # where it was trained, the last part last

    # -------------------------------------------------------------------------------------------------- the training

    def go(self, name: str, identity: dict, folder: Path | None, restart: bool, progress: bool) -> int:
        """Train what is still to be trained; returns how many epochs that was."""
        if folder is not None:
            self.resume(folder, identity, restart)
        batches = batches_of(len(self.images), self.recipe.batch_size, self.world)
        done = len(self.history)
        here = {"device": _name_of(self.device), "threads": torch.get_num_threads()}
        if not self.parts or not (self.finished() or here.items() <= self.parts[-1].items()):
            self.parts.append(here | {"from_epoch": done + 1})
        with progress_bar(
            total=self.recipe.epochs * batches, initial=done * batches, desc=name, unit="batch", disable=not progress
        ) as bar:
            while not self.finished():
                started, used = time.perf_counter(), time.process_time()
                row = self.epoch(len(self.history) + 1, batches, bar)
                _sound(self.network, row["epoch"])
                if self.world > 1:
                    for buffer in self.evaluated().buffers():  # each process has seen other images
                        distributed.broadcast(buffer, 0)
                row |= {} if self.select is None else self.scores(row["epoch"])
                _sound(self.evaluated(), row["epoch"], row)
                self.history.append(row)
                if self.improved():
                    self.best_epoch = row["epoch"]
                    self.best = {key: value.clone() for key, value in self.evaluated().state_dict().items()}
                self.seconds += time.perf_counter() - started
                self.cpu_seconds += time.process_time() - used
                if folder is not None and self.rank == 0:
                    self.write(folder, identity)
                shown = ("train_loss", self.recipe.monitor) if self.select is not None else ("train_loss",)
                bar.set_postfix({key: f"{row[key]:.4f}" for key in shown})
        return len(self.history) - done

    def epoch(self, epoch: int, batches: int, bar) -> dict:
        """One pass over the training images; what it came to."""
        recipe, count = self.recipe, len(self.images)
        torch.manual_seed(seed_of(recipe.seed, epoch, self.rank))  # dropout
        random = torch.Generator(self.device).manual_seed(seed_of(recipe.seed, epoch, self.rank))
        shuffle = torch.Generator().manual_seed(seed_of(recipe.seed, epoch))  # the same in all processes
        if recipe.sampling == "weighted":
            order = torch.multinomial(self.shares, count, replacement=True, generator=shuffle)
        else:
            order = torch.randperm(count, generator=shuffle)
        monitored = [row[recipe.monitor] for row in self.history] if self.select is not None else []
        found, right = torch.zeros(batches, device=self.device), torch.zeros((), device=self.device)
        self.replica.train()
        # parts of nearly one size: a last batch of a single image would leave batch normalisation without a variance
        for number, index in enumerate(order.tensor_split(batches)):
            rate = learning_rate(recipe, epoch - 1 + (number + 0.5) / batches, monitored)
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            index = index.tensor_split(self.world)[self.rank]
            started = epoch - 1 + number / batches
            loss, hits = self.step(self.images[index], index.to(self.device), random, started)
            found[number], right = loss, right + hits
            if self.average is not None:
                self.average.update(self.network, step=(epoch - 1) * batches + number + 1)
            if number % CHECKED_EVERY == CHECKED_EVERY - 1 or number == batches - 1:
                _finite(found[: number + 1], epoch)
            bar.update()
        means = torch.stack([found.mean(), right / count])
        if self.world > 1:
            distributed.all_reduce(means)
            means[0] /= self.world
        row = {"epoch": epoch, "learning_rate": rate, "train_loss": float(means[0]), "train_accuracy": float(means[1])}
        for name, value in self.learned.items():
            row[name] = float(getattr(recipe.distillation, name)(value.detach()))
        return row

    def step(self, pixels, index: torch.Tensor, random: torch.Generator, epoch: float) -> tuple[torch.Tensor, ...]:
        """One step of the optimiser, `epoch` epochs after the start; the loss, and how many of the batch were right."""
        recipe = self.recipe
        if recipe.augmentation is None:
            images, mirrored = preprocess.resize(pixels, recipe.img_size, self.channels), torch.zeros(len(index)).bool()
        else:
            images, mirrored = augment.augmented(pixels, recipe.img_size, recipe.augmentation, random, self.channels)
        target = self.targets[index]
        if recipe.mixup:
            soft = F.one_hot(target, self.classes).float() if target.ndim == 1 else target
            images, target = augment.mixup(images, soft, recipe.mixup, random)
        images = images.contiguous(memory_format=self.layout)
        with inference.autocast(recipe.precision, self.device):
            logits = self.replica(images)
            taught = None
            if self.teacher is not None:
                with torch.no_grad():
                    taught = self.teacher(images, index, mirrored)
        learned = [*self.learned.values(), epoch] if self.learned else []
        loss = self.criterion(logits, target, taught, *learned)
        if self.world > 1:  # a mean of means, unless each counts by what it is a mean of
            own = weighed(recipe, self.weights, target)
            whole = own.clone()
            distributed.all_reduce(whole)
            loss = loss * own * self.world / whole
        self.optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        for value in self.learned.values():
            self.descend(value)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return loss.detach(), (logits.argmax(1) == self.labels[index]).sum()

    def descend(self, value: nn.Parameter) -> None:
        """One step on what the loss learns, which neither the optimiser nor DistributedDataParallel knows of."""
        gradient = value.grad / self.scaler.get_scale()
        if self.world > 1:
            distributed.all_reduce(gradient)
            gradient /= self.world
        value.grad = None
        if gradient.isfinite():  # in half precision a step can come to nothing
            value.data -= self.recipe.distillation.rate * gradient

    def evaluated(self) -> nn.Module:
        return self.network if self.average is None else self.average.module

    def scores(self, epoch: int) -> dict[str, float]:
        """Of the selection split: cross-entropy and scores. Raises RunError where an answer is not finite."""
        network, recipe = self.evaluated(), self.recipe
        rows = self.select[self.rank :: self.world]
        try:
            part = inference.probabilities(network, self.faces, rows, recipe.img_size, recipe.tta, self.selected)
        except ValueError as error:
            raise RunError(f"{error}, after epoch {epoch}; {_kept(epoch)}") from None
        whole = torch.zeros(len(self.select), self.classes, dtype=torch.float64, device=self.device)
        whole[self.rank :: self.world] = torch.from_numpy(part).to(self.device)
        if self.world > 1:
            distributed.all_reduce(whole)
        found, labels = whole.cpu().numpy(), self.faces.labels[self.select]
        loss = -np.log(np.maximum(found[np.arange(len(labels)), labels], 1e-12)).mean()
        values = metrics.scores(metrics.confusion(labels, found.argmax(1), self.classes))
        return {"loss": float(loss)} | {name: float(value) for name, value in values.items()}

    def columns(self) -> tuple[str, ...]:
        """What a row of the history has at least."""
        own = ("epoch", "learning_rate", "train_loss", "train_accuracy")
        return own if self.select is None else (*own, "loss", *metrics.SCORES)

    def improved(self) -> bool:
        if self.select is None or not self.best_epoch:
            return True
        new, old = (self.history[place][self.recipe.monitor] for place in (-1, self.best_epoch - 1))
        return new < old if self.recipe.monitor == "loss" else new > old

    def finished(self) -> bool:
        epochs, patience = len(self.history), self.recipe.patience
        return epochs >= self.recipe.epochs or bool(patience and epochs - self.best_epoch >= patience)

    def best_network(self) -> nn.Module:
        self.network.load_state_dict(self.best)
        return self.network.eval()

    # ------------------------------------------------------------------------------------------------------- on disk

    def write(self, folder: Path, identity: dict) -> None:
        """`last` first: all else follows from it."""
        held = checkpoint.tensors(self.network, self.average, self.optimizer)
        held |= {f"learned.{name}": value.detach() for name, value in self.learned.items()}
        record = {"identity": identity, "history": self.history, "best_epoch": self.best_epoch, "processes": self.world}
        record |= {name: round(getattr(self, name), 3) for name in ("seconds", "cpu_seconds")}
        record |= {"parts": self.parts, "scaler": self.scaler.state_dict()}
        checkpoint.write(folder / checkpoint.LAST, held, record)
        self.write_rest(folder, identity)

    def write_rest(self, folder: Path, identity: dict) -> None:
        if self.best_epoch == len(self.history):
            record = {"epoch": self.best_epoch, "identity": identity}
            record |= {name: identity[name] for name in ("network", "classes")}
            checkpoint.write(folder / checkpoint.BEST, self.best, record)
        checkpoint.write_history(folder, self.history)

    def resume(self, folder: Path, identity: dict, restart: bool) -> None:
        """Go on from the last whole epoch in `folder`, where there is one. Raises RunError where it is another's."""
        last, ended = folder / checkpoint.LAST, (folder / checkpoint.METRICS).is_file()
        there = last.is_file()
        left_over = [name for name in (checkpoint.BEST, checkpoint.METRICS) if not there and (folder / name).is_file()]
        held, record, found = {}, {}, []
        try:
            if there:
                held, record = checkpoint.read_last(last, identity, self.columns())
                found = checkpoint.differences(record["identity"], identity)
        except RunError as error:
            if not restart:
                raise
            found = [str(error)]
        if record and not ended:  # each process draws random numbers of its own
            before = record.get("processes", self.world)
            found += checkpoint.differences({"processes": before}, {"processes": self.world})
        if restart and (found or left_over):
            inference.autocast(self.recipe.precision, self.device)  # a recipe that cannot run here is to clear nothing
        if self.world > 1:
            distributed.barrier()  # all have read before one writes
        if self.rank == 0:
            for left in folder.glob(files.UNFINISHED):  # of a process that was killed while it wrote
                left.unlink(missing_ok=True)
        if left_over and not restart:
            raise RunError(
                f"{folder} has {left_over[0]} of a training whose {checkpoint.LAST} is gone, and would lose it; "
                "give another folder, or restart=True (fercore train --restart) to start over in this one"
            )
        if not there:
            if left_over and self.rank == 0:
                warnings.warn(f"{folder}: what is left of another training is cleared", stacklevel=2)
                checkpoint.clear(folder)  # or it would pass for the new one's
            return
        if found:
            if restart:
                if self.rank == 0:
                    if not (ended and record):
                        after = f"another training, stopped after epoch {len(record.get('history', ()))},"
                        lost = after if record else "a damaged training"
                        warnings.warn(f"{folder}: {lost} is cleared ({'; '.join(found)})", stacklevel=2)
                    checkpoint.clear(folder)
                return
            raise RunError(
                f"{folder} holds another training ({'; '.join(found)}); give another folder, or restart=True (fercore "
                "train --restart) to start over in this one"
            )
        self.history, self.best_epoch = record["history"], record["best_epoch"]
        self.seconds, self.cpu_seconds, self.parts = record["seconds"], record["cpu_seconds"], record["parts"]
        try:
            checkpoint.restore(held, self.network, self.average, self.optimizer)
            for name, value in self.learned.items():
                value.data.copy_(held[f"learned.{name}"])
            self.scaler.load_state_dict(record["scaler"])
        except (KeyError, IndexError, RuntimeError, TypeError, ValueError) as error:
            raise RunError(f"{last}: not the state of this training ({error}); remove it to start over") from error
        if self.best_epoch == len(self.history):
            self.best = {key: value.clone() for key, value in self.evaluated().state_dict().items()}
        else:
            self.best = _best(folder, self.best_epoch, identity, self.network)
        if self.rank == 0:
            self.write_rest(folder, identity)


def _best(folder: Path, epoch: int, identity: dict, network: nn.Module) -> dict[str, torch.Tensor]:
    path = folder / checkpoint.BEST
    if not path.is_file():
        raise RunError(f"{path} is gone, which {checkpoint.LAST} is not enough for: restore it, or remove {folder}")
    held, record = checkpoint.read(path)
    wrong = unfit(held, network.state_dict())
    if record.get("epoch") != epoch:
        wrong = f"it is of epoch {record.get('epoch')}, not {epoch}"
    elif record.get("identity") != identity:
        wrong = "it is of another training"
    if wrong:
        raise RunError(f"{path} does not go with {checkpoint.LAST} ({wrong}): restore it, or remove {folder}")
    return held


def _conclude(training: _Training, folder: Path, identity: dict, faces: Faces, again: bool) -> None:
    """Write metrics.json and provenance.json of a finished run. `again`: it was finished before, so that provenance,
    which tells how it was made, stays where it can be read."""
    best = training.history[training.best_epoch - 1]
    by = None if training.select is None else training.recipe.monitor
    summary = {"best_epoch": training.best_epoch, "epochs": len(training.history), "best": best, "selected_by": by}
    tables.write_json(folder / checkpoint.METRICS, summary)
    if again:
        with suppress(OSError, ValueError):
            if tables.read_json(folder / checkpoint.PROVENANCE):
                return
    last = training.parts[-1]
    found = provenance.record(identity, faces, last["device"]) | {"wall_seconds": round(training.seconds, 3)}
    found["cpu_seconds"] = round(training.cpu_seconds, 3)  # of all threads: what it costs where others share the cores
    found |= {"threads": last["threads"], "processes": training.world, "precision": training.recipe.precision}
    if len(training.parts) > 1:  # begun elsewhere, or with other threads: rounded otherwise there
        found["parts"] = training.parts
    if training.device.type == "cpu":
        found["cpu_has_bf16"] = inference.cpu_has_bf16()
    tables.write_json(folder / checkpoint.PROVENANCE, found)


def _name_of(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def _rows(faces: Faces, part: str | np.ndarray | None) -> np.ndarray | None:
    if part is None or isinstance(part, str):
        return part if part is None else faces.rows(part)
    part = np.asarray(part)
    if part.dtype != bool:
        return part
    if len(part) != len(faces):
        raise ValueError(f"a mask of {len(part):,} for the {len(faces):,} images of {faces.name}")
    return np.flatnonzero(part)


def _targets(faces: Faces, recipe: Recipe, train: np.ndarray, given: np.ndarray | None) -> torch.Tensor:
    """What is learned: labels, int (n,), or with soft labels class probabilities, float32 (n, classes)."""
    labels, shape = faces.labels[train], (len(faces), len(faces.classes))
    if recipe.soft_labels == "none":
        return torch.from_numpy(labels)
    if recipe.soft_labels == "votes":
        soft = votes.shares(faces, train)
    elif given.shape != shape:
        raise ValueError(f"soft labels of shape {given.shape}; expected {shape}")
    else:
        soft = np.asarray(given[train], np.float32)
        wrong = ~np.isclose(soft.sum(1), 1, atol=1e-3) | (soft < 0).any(1)
        if wrong.any():
            first = f"of {wrong.sum():,} of {len(train):,} training images, such as row {train[wrong.argmax()]}"
            raise ValueError(f"soft labels {first}, are not probabilities that sum to 1")
    hard = np.eye(shape[1], dtype=np.float32)[labels]
    return torch.from_numpy(recipe.soft_weight * soft + (1 - recipe.soft_weight) * hard)


def _teacher(teacher, faces, recipe, train, channels, device):
    """What the teacher says of images (n, C, H, W) at places `index` of the rows `train`, some of them mirrored: a
    function of the three."""
    if teacher is None:
        return None
    if isinstance(teacher, nn.Module):
        if (own := inference.channels(teacher)) != channels and _convolves(teacher):
            raise ValueError(f"the teacher takes {own} channels, the student {channels}: give the teacher's logits")
        teacher = teacher.to(device).eval()
        return lambda images, index, mirrored: teacher(images)
    expected = (len(faces), len(faces.classes))
    if teacher.shape not in (expected, (2, *expected)):
        raise ValueError(f"the teacher's logits of shape {teacher.shape}; expected {expected}, or two of these")
    views = teacher.reshape(-1, *expected)
    if recipe.mixup or not augment.only_flips(recipe.augmentation):
        raise ValueError("the teacher's logits are of images as they are; with them, no mixup and no augmentation")
    if len(views) == 1 and recipe.augmentation is not None and recipe.augmentation.flip:
        raise ValueError("the teacher's logits are of images as they are; for flips, give those of mirror images too")
    logits = torch.from_numpy(np.asarray(views[:, train], np.float32)).to(device)
    return lambda images, index, mirrored: logits[mirrored.to(device).long() % len(views), index]


def _convolves(network: nn.Module) -> bool:
    return any(isinstance(layer, nn.Conv2d) for layer in network.modules())


def _distributed(device: torch.device) -> tuple[int, int, torch.device]:
    """Rank, number of processes and this one's device: those of torchrun, where it has started us."""
    world = int(os.environ.get("WORLD_SIZE", 1))
    if world == 1:
        return 0, 1, device
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    if not distributed.is_initialized():
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
        atexit.register(distributed.destroy_process_group)
    return distributed.get_rank(), world, device


def seed_of(*parts: int) -> int:
    """One seed from several numbers, such that no two epochs, ranks or runs share theirs."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:7], "big")


def batches_of(images: int, batch_size: int, world: int = 1) -> int:
    """How many batches there are in an epoch: as few as `batch_size` allows, but none that leaves a process a single
    image, of which batch normalisation has no variance. An odd number of images has no batches of 2 alone."""
    return max(1, min(math.ceil(images / batch_size), images // (2 * world)))


def _kept(epoch: int) -> str:
    kept = f"the checkpoint of epoch {epoch - 1} is kept" if epoch > 1 else "there is no checkpoint yet"
    return f"{kept}. A lower learning rate, a longer warm-up or fp32 may help"


def _sound(network: nn.Module, epoch: int, row: Mapping[str, float] = MappingProxyType({})) -> None:
    """A finite loss can have a gradient that is not, and the epoch's last step is followed by no loss at all."""
    for name, value in network.state_dict().items():
        if told := unsound(name, value):
            raise RunError(f"{told} after epoch {epoch}; {_kept(epoch)}")
    for name, value in row.items():
        if not math.isfinite(value):
            raise RunError(f"{name} is {value} after epoch {epoch}; {_kept(epoch)}")


def _finite(found: torch.Tensor, epoch: int) -> None:
    wrong = (~found.isfinite()).nonzero()
    if len(wrong):
        batch = int(wrong[0])
        raise RunError(f"the loss is {float(found[batch])} in epoch {epoch}, batch {batch + 1}; {_kept(epoch)}")
