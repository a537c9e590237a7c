"""One network in many smaller forms: what each answers to the same images, how large it is, and how fast it runs."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits
from torch import nn

from .. import models
from ..datasets import Faces
from ..evaluation import inference, statistics
from ..models import weights as own_weights
from ..models.light_fer import KERAS
from ..models.profile import profile
from ..training import origins
from ..training.recipe import Recipe
from ..training.trainer import fit
from . import compress, runtimes, timing
from .runtimes import Network

FP32 = "fp32"  # the network as it was
RANDOM, RELEASED, IMAGENET = "random weights", "weights that come with the project", "imagenet"  # or a file
LEAST_EPOCHS = 5  # of a training that is to tell something about a paper that does not print how many it had
COLUMNS = ("MiB", "R", "nonzero", "macs")


def require_some(**lists: Sequence[float]) -> None:
    """Raises ValueError where one of `lists`, by the names of a notebook's parameters, is empty: before anything is
    trained for tables that would have nothing to show."""
    if empty := [name for name, values in lists.items() if not len(values)]:
        raise ValueError(f"{', '.join(empty)}: empty; expected one number or more")


@dataclass(frozen=True, eq=False)
class Variant:
    """A form of a network.

    probabilities  of the images that it is tested on, float64 (n, classes)
    cost           MiB of its file, R (Light-FER's eq. 1, of weights), weights that are not 0, millions of
                   multiply-accumulates; without what its form does not tell
    module, onnx   what runs it, where it is one of the two
    """

    probabilities: np.ndarray
    cost: Mapping[str, float]
    module: nn.Module | None = None
    onnx: bytes | None = None


class Variants:
    """The forms of one network, by name; the first is the network itself.

    forms = Variants.of("lean_250k", faces, faces.rows("test"), recipe, weights="fer2013")
    forms.fewer_bits([8, 4]), forms.fewer_weights([0.5], epochs=2), forms.integers()
    forms.scores(masks), forms.differences(), forms.latency(["fp32", "INT8 per tensor"])

    faces, rows  data, and the images that all forms are tested on
    recipe       by which forms that lost weights are trained on; its img_size is the network's
    folder       where trainings go, and go on from, below names that begin with it; empty: nowhere
    start        what the network was trained from, RANDOM, IMAGENET (a file of Keras's counts as it) or a file's name;
                 RELEASED where it was not trained here
    """

    def __init__(
        self, name: str, network: nn.Module, faces: Faces, rows: np.ndarray, recipe: Recipe, folder: str = "",
        calibrated_on: int = 512, start: str = RANDOM,
    ):  # fmt: skip
        self.name, self.faces, self.rows, self.recipe, self.folder = name, faces, rows, recipe, folder
        self.start = start
        self.channels, side = inference.channels(network), recipe.img_size
        seen = compress.calibration(faces, calibrated_on, side, self.channels)
        self.dense = Network(name, network, (self.channels, side, side), seen)
        self.found: dict[str, Variant] = {}
        self.add(FP32, network)

    @classmethod
    def of(
        cls, name: str, faces: Faces, rows: np.ndarray, recipe: Recipe, weights: str = "", runs: str = "",
        calibrated_on: int = 512,
    ) -> Variants:  # fmt: skip
        """Of a network by name, trained by `recipe` in a folder of `runs`.

        weights  the data's name, such as "fer2013": a network whose weights come with the project is taken as it is, at
                 its own img_size; on other data, or these divided otherwise, it is trained from random weights, with a
                 WeightsWarning. "imagenet" or a file: what training starts from. Empty: that is drawn at random
        Raises WeightsError where no such weights come with the project, or where they are of other classes than `faces`
        """
        start, released = weights, None
        if own_weights.is_name(weights):
            start, (released, _) = "", own_weights.released(name, weights)
            if why := origins.unsuited(weights, faces):
                note = f"{name} is trained from random weights on {faces.name}: those of {weights} {why}"
                warnings.warn(note, own_weights.WeightsWarning, stacklevel=2)
                released = None
        if released:
            record = own_weights.record_of_classes(released, faces.classes)
            recipe = replace(recipe, img_size=record["img_size"])
            network = models.create(name, weights=weights).eval()
            folder, start = runs and f"{runs}/{name}-{weights}", RELEASED
        else:
            folder = runs and f"{runs}/{name}-{Path(start).stem or 'random'}-{recipe.epochs}-{recipe.seed}"
            network = fit(name, faces, recipe, folder, weights=start or None, restart=True).network.cpu()
        if Path(start).suffix in KERAS:
            start = IMAGENET
        return cls(name, network, faces, rows, recipe, folder, calibrated_on, Path(start).name or RANDOM)

    @property
    def departs(self) -> str:
        """How what is measured differs from a training from ImageNet's weights that all images of the split test: its
        start, or too few epochs for a paper that prints none, and fewer images; empty: in nothing."""
        whole, epochs = len(self.faces.rows("test")), self.recipe.epochs
        part = f"the first {len(self.rows)} images" if len(self.rows) < whole else ""
        short = f"{epochs} epoch{'s' * (epochs > 1)}" if epochs < LEAST_EPOCHS else ""
        return ", ".join(filter(None, (short if self.start == IMAGENET else self.start, part)))

    def add(self, name: str, network: nn.Module, bits: int = 32, rest: int = 32) -> Variant:
        """A form that PyTorch runs; its file is counted with the weights of convolutions and linear layers at so many
        `bits`, and all else, which no equation rounds, at `rest`."""
        before, left = (compress.counts(one).values() for one in (self.dense.module, network))
        nonzero, weights = (sum(counts) for counts in zip(*((some, whole) for whole, some in left), strict=True))
        others = sum(tensor.numel() for tensor in network.state_dict().values()) - weights
        cost = {
            "MiB": (bits * weights + rest * others) / 8 / 2**20,
            "R": compress.compression_ratio([whole for whole, _ in before], [nonzero]) if nonzero else np.nan,
            "nonzero": nonzero,
            "macs": profile(network, self.dense.shape)["macs"] / 1e6,
        }
        answers = inference.probabilities(network, self.faces, self.rows, self.recipe.img_size)
        self.found[name] = Variant(answers, cost, module=network)
        return self.found[name]

    def fewer_bits(self, bits: Sequence[int]) -> pd.Series:
        """Weights rounded by Light-FER's equations: "weights of 8 bits". Accuracy by bits."""
        for number in bits:
            self.add(f"weights of {number} bits", compress.quantised(self.dense.module, number), number)
        return pd.Series({number: self.accuracy(f"weights of {number} bits") for number in bits}, name=self.name)

    def fewer_weights(self, shares: Sequence[float], epochs: int) -> pd.DataFrame:
        """Each layer's smallest weights taken out: "pruned 0.5 at once", and with `epochs` of training "pruned 0.5
        while training". A row each: network, sparsity, how, R, nonzero, accuracy."""
        tuning, rows = self._tuning(epochs), []
        for share in shares:
            ways = {"at once": compress.prune(self.dense.module, share)}
            if epochs:
                folder = self._place(f"pruned-{share:g}-{epochs}")
                ways["while training"] = compress.prune_and_train(self.dense.module, share, self.faces, tuning, folder)
            for how, pruned in ways.items():
                name = f"pruned {share:g} {how}"
                cost = self.add(name, pruned).cost
                row = {"network": self.name, "sparsity": share, "how": how, "R": cost["R"], "nonzero": cost["nonzero"]}
                rows.append(row | {"accuracy": self.accuracy(name)})
        return pd.DataFrame(rows)

    def light_fer(self) -> str:
        """Light-FER's form, of the first that lost weights, while it trained where one did: and then FP16. Its name."""
        pruned = [name for name in self.found if name.startswith("pruned")]
        name = next((name for name in pruned if name.endswith("training")), pruned[0])
        self.add(f"{name}, FP16", compress.half(self.found[name].module), bits=16, rest=16)
        return f"{name}, FP16"

    def fewer_channels(self, ratios: Sequence[float], epochs: int) -> pd.Series:
        """Channels taken out and the rest trained on: "without 30 % of channels". The share of the multiplications that
        is left, by ratio. Raises ExportError where Torch-Pruning is missing, ValueError for two ratios of one name."""
        if len({f"{100 * ratio:.0f}" for ratio in ratios}) < len(ratios):
            raise ValueError(f"ratios {', '.join(map(str, ratios))}; expected whole per cent, each once")
        for ratio in ratios:
            smaller = compress.prune_channels(self.dense.module, self.dense.shape, ratio)
            fit(
                smaller, self.faces, self._tuning(epochs), self._place(f"channels-{ratio:g}-{epochs}"), select=None,
                restart=True,
            )  # fmt: skip
            self.add(f"without {100 * ratio:.0f} % of channels", smaller.cpu())
        work = {ratio: self.found[f"without {100 * ratio:.0f} % of channels"].cost["macs"] for ratio in ratios}
        return pd.Series(work, name=self.name) / self.found[FP32].cost["macs"]

    def integers(self) -> None:
        """INT8 by each of `compress.METHODS`, and FP16, as ONNX. Raises ExportError where ONNX Runtime is missing."""
        content, images = self.dense.onnx, self.dense.images
        made = {f"INT8 {method}": compress.int8(content, images, method) for method in compress.METHODS}
        made["FP16"] = compress.float16(content)
        for name, content in made.items():
            answers = self._answers(runtimes.of_onnx(content).run)
            self.found[name] = Variant(answers, {"MiB": len(content) / 2**20}, onnx=content)

    @runtimes.own_threads()
    def in_runtimes(self, names: Sequence[str]) -> dict[str, str]:
        """The network as runtimes have it, by their names in `runtimes.RUNTIMES`; of those that are missing, why."""
        missing, batch = {}, 32  # which a runtime may be compiled for
        for name in names:
            try:
                loaded = runtimes.load(name, self.dense, batch=batch)
            except runtimes.Missing as error:
                missing[name] = str(error)
                continue
            self.found[name] = Variant(self._answers(loaded.run, batch), {"MiB": loaded.size / 2**20})
        return missing

    def accuracy(self, name: str = FP32) -> float:
        """The share of the images, 0 to 1, that a form is right on."""
        return float((self.found[name].probabilities.argmax(1) == self.labels).mean())

    @property
    def labels(self) -> np.ndarray:
        """Of the images that forms are tested on, int (n,)."""
        return self.faces.labels[self.rows]

    def predicted(self) -> dict[str, np.ndarray]:
        """Answers, int (n,), by form."""
        return {name: one.probabilities.argmax(1) for name, one in self.found.items()}

    def scores(self, masks: Mapping[str, np.ndarray]) -> pd.DataFrame:
        """A row a form: its cost, its scores as `statistics.wide` has them, and the share of images to which it gives
        the same answer as the network as it was. masks  as for `statistics.over_seeds`"""
        predicted = self.predicted()
        one_seed = {name: [answers] for name, answers in predicted.items()}
        found = statistics.over_seeds(self.labels, one_seed, len(self.faces.classes), masks)
        same = pd.Series({name: np.mean(one == predicted[FP32]) for name, one in predicted.items()}, name="same_answer")
        cost = pd.DataFrame({name: one.cost for name, one in self.found.items()}).T.reindex(columns=COLUMNS)
        return cost.join(statistics.wide(found)).join(same).rename_axis("variant")

    def differences(self) -> pd.DataFrame:
        """Accuracy above that of the network as it was, a fraction: value, low, high and note (as
        `statistics.difference` has them), a row a form. The answers are to the same images, so that a difference shows
        that is smaller than the interval of one network's accuracy."""
        predicted, classes = self.predicted(), len(self.faces.classes)
        whole = predicted.pop(FP32)
        rows = {name: statistics.difference(self.labels, [one], [whole], classes) for name, one in predicted.items()}
        found = pd.DataFrame(rows).T.infer_objects().rename(columns={"difference": "value"})
        return found[["value", "low", "high", "note"]].rename_axis("variant")

    def latency(self, names: Sequence[str], seconds: float = 0.5, threads: int = 1) -> pd.DataFrame:
        """Milliseconds of one image in ONNX Runtime, a row a form, all in turn; times_faster than fp32.

        What is no ONNX model yet is made one. Raises ExportError where that cannot be done.
        """
        image, runs = self.dense.images[:1], {}
        for name in names:
            one = self.found[name]
            content = one.onnx or (self.dense if name == FP32 else Network(name, one.module, self.dense.shape)).onnx
            runs[name] = partial(runtimes.of_onnx(content, threads).run, image)
        with threadpool_limits(threads):
            found = timing.interleaved(runs, seconds)
        rows = {name: timing.quantiles(each) for name, each in found.items()}
        faster = pd.Series(timing.compare(found, FP32), name="times_faster")
        return pd.DataFrame(rows).T.join(faster).rename_axis("variant")

    def _tuning(self, epochs: int) -> Recipe:
        """Half of the rate at which the network itself was trained, for what is trained on."""
        return replace(self.recipe, epochs=max(epochs, 1), learning_rate=self.recipe.learning_rate / 2)

    def _place(self, name: str) -> str:
        return self.folder and f"{self.folder}-{name}"

    def _answers(self, run: Callable, batch: int = 64) -> np.ndarray:
        return compress.probabilities(
            run, self.faces, self.rows, self.recipe.img_size, channels=self.channels, batch=batch
        )
