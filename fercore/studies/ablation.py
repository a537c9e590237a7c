"""What each choice of TinyFER-Lite adds: its parts taken away in turn, as the paper's section 7 asks for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from ..results import tables
from ..training import losses
from ..training.recipe import Recipe, from_plain
from ..training.trainer import Run
from . import teachers

ALONE, ECA, FOCAL, WEIGHTS = "MobileNetV3-Small alone", "with ECA", "ECA, focal loss", "ECA, class weights"
FULL, DISTILLED = "full recipe", "distilled student"
STEPS = {
    "ECA": (ECA, ALONE),
    "focal loss": (FOCAL, ECA),
    "class weights": (WEIGHTS, ECA),
    "distillation": (DISTILLED, ECA),
}


def best_teacher(baselines: str | Path, otherwise: Recipe) -> tuple[str, Recipe]:
    """The network that teaches, and its recipe: of those that 02_baselines has trained, TinyFER-Lite aside, the
    one with the best mean macro-F1 on the selection split; where it has trained no other network, mobilenet_v3_small
    by the recipe `otherwise`.

    baselines  the folder of its tables; empty: there are none
    """
    alone = "mobilenet_v3_small", otherwise
    if not baselines:
        return alone
    table = tables.read(Path(baselines) / "selection.csv", ["network", "macro_f1"]).query("network != 'tinyfer_lite'")
    if table.empty:
        return alone
    plain = json.loads((Path(baselines) / "recipe.json").read_text(encoding="utf-8"))
    return table.groupby("network")["macro_f1"].mean().idxmax(), from_plain(plain)


def variants(recipe: Recipe, teacher: Run, temperature: float, alpha: float) -> dict[str, Mapping]:
    """The rows of section 7, for `fits.fit_seeds`, the last but one being the whole `recipe` of the paper; the last is
    taught by `teacher`, which sees the images at its own size.

    Two of the paper's seven are one: "with ECA" and "ECA with cross-entropy". The paper gives neither temperature nor
    `alpha`, the share of the teacher, of its distillation.
    """
    plain = replace(recipe, loss="cross_entropy", class_weighted=False)
    distilled = replace(plain, distillation=losses.microexpnet_se(temperature, alpha))
    taught = teachers.as_module(teacher, 3, recipe.img_size)
    rows = {
        ALONE: {"name": "backbone", "recipe": plain, "options": {"attention": False}},
        ECA: {"name": "eca", "recipe": plain},
        FOCAL: {"name": "eca_focal", "recipe": replace(plain, loss="focal")},
        WEIGHTS: {"name": "eca_weights", "recipe": replace(plain, class_weighted=True)},
        FULL: {"name": "tinyfer_lite", "recipe": recipe},
        DISTILLED: {"name": "eca_distilled", "recipe": distilled, "teacher": taught},
    }
    return {variant: {"network": "tinyfer_lite", **words} for variant, words in rows.items()}


def described(rows: Mapping[str, Mapping]) -> pd.DataFrame:
    """What `variants` differ in, a row each, to be read: attention, loss, class weights, teacher."""
    found = {
        variant: {
            "ECA": words.get("options", {}).get("attention", True),
            "loss": "distillation" if words["recipe"].distillation else words["recipe"].loss.replace("_", "-"),
            "class weights": words["recipe"].class_weighted,
            "teacher": "teacher" in words,
        }
        for variant, words in rows.items()
    }
    table = pd.DataFrame(found).T.rename_axis("variant")
    return table.replace({True: "yes", False: ""})
