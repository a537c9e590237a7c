"""A teacher is trained for its students, or comes with its weights; and it sees what they see."""

import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from fercore import datasets, models
from fercore.datasets import preprocess
from fercore.evaluation import inference
from fercore.models.weights import RELEASED, WeightsError, WeightsWarning, record
from fercore.pipeline.parameters import layers, read_params
from fercore.results.folders import PROFILES
from fercore.studies import fits, microexpnet_se, mini_resemotenet, teachers
from fercore.training import Recipe, Run, checkpoint
from fercore.training.trainer import fit

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Taught:
    teacher_network: str = "lean_65k"
    teacher_weights: str = "fer2013"
    teacher_precision: str = "fp32"


@pytest.fixture(scope="module")
def ours():
    """Rendered faces under the name of those that the weights are of."""
    return replace(datasets.load("synthfer", images=200), name="fer2013")


def run_of(network):
    return Run(network, Recipe(img_size=12), pd.DataFrame(), 1, 0.0)


def test_a_pretrained_teacher_is_a_run_of_its_own_size(ours, tmp_path):
    trained = {"student": ["a run"]}
    (run,) = teachers.at_hand(Taught(), ours, trained, tmp_path)
    assert (run.best_epoch, run.recipe.img_size, run.recipe.tta) == (0, 48, "one") and not run.network.training
    assert run.folder == tmp_path / "lean_65k-fer2013" and run.folder.is_dir() and trained == {"student": ["a run"]}
    rows = ours.rows("select")
    right = (run.probabilities(ours, rows).argmax(1) == ours.labels[rows]).mean()
    assert fits.selected_accuracy([run]) == [pytest.approx(right)]
    assert teachers.at_hand(Taught(), ours, {})[0].folder is None


def test_a_teacher_that_is_trained_is_taken_out_of_the_trained(ours):
    trained = {teachers.TEACHER: ["a run"], "student": ["another"]}
    assert teachers.at_hand(Taught(teacher_weights=""), ours, trained) == ["a run"]
    assert trained == {"student": ["another"]} and teachers.at_hand(Taught(teacher_weights=""), ours, trained) == []


@pytest.mark.parametrize(
    "weights, trained", [("", False), ("imagenet", False), ("x.safetensors", False), ("fer2013", True)]
)
def test_only_weights_of_data_come_trained(weights, trained):
    assert teachers.pretrained(Taught(teacher_weights=weights)) == trained


def test_on_other_data_or_splits_it_is_trained_and_on_other_classes_refused(ours):
    with pytest.warns(WeightsWarning, match="from random weights on synthfer: those of fer2013 are not of its images"):
        assert teachers.of_data(Taught(), replace(ours, name="synthfer")).teacher_weights == ""
    divided = replace(ours, roles={"train": "PublicTest", "select": "Training", "test": "PrivateTest"})
    with pytest.warns(WeightsWarning, match="those of fer2013 have seen images that are held out here"):
        assert teachers.of_data(Taught(), divided).teacher_weights == ""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert teachers.of_data(Taught(), ours).teacher_weights == "fer2013"
        distilled = Taught(teacher_weights="fer2013_distilled")
        assert teachers.of_data(distilled, ours) == distilled, "of the same data, with a teacher beside them"
        assert teachers.said(distilled) == f"{distilled.teacher_network} with this project's distilled weights"
        file = Taught(teacher_weights="x.safetensors")
        assert teachers.of_data(file, replace(ours, name="rafdb")).teacher_weights == "x.safetensors"
    with pytest.raises(WeightsError, match=r"is of the classes angry, disgust, .*, not neutral, angry"):
        teachers.released("lean_65k", "fer2013", replace(ours, classes=("neutral", *ours.classes[:-1])))


def test_several_teach_by_the_mean_of_their_logits():
    networks = [torch.nn.Conv2d(3, 7, 4), torch.nn.Conv2d(3, 7, 4)]
    images = torch.rand(2, 3, 4, 4)
    expected = (networks[0](images) + networks[1](images)) / 2
    teacher = teachers.Mean(networks)
    assert torch.allclose(teacher(images), expected) and teacher(images).shape == (2, 7, 1, 1)
    assert checkpoint._taught_by(teacher) != checkpoint._taught_by(teachers.Mean(networks[:1]))


@pytest.mark.parametrize("path", sorted(RELEASED.glob("*.safetensors")), ids=lambda path: path.stem)
def test_every_network_that_comes_with_weights_can_teach(path, ours):
    network, data = path.stem.split("-")
    (run,) = teachers.at_hand(Taught(network, data), ours, {})
    assert run.recipe.img_size == record(path)["img_size"] and 0 <= run.history["accuracy"].item() <= 1
    told = teachers.settings(Taught(network, data, "bf16"))
    assert told["teacher_recipe"] == record(path)["recipe"] and told["teacher_precision"] == "bf16"


@pytest.mark.parametrize(
    "study, stem", [(mini_resemotenet, "06_mini_resemotenet"), (microexpnet_se, "06b_microexpnet_se")]
)
def test_a_protocol_with_one_trains_none_and_says_which_it_is(study, stem, ours):
    given = read_params(ROOT / f"params/paper/{stem}.yaml")
    paper = study.Protocol.of(given)
    assert paper.teacher(ours)
    assert teachers.settings(paper)["teacher_recipe"]["epochs"] == paper.teacher_epochs
    given |= {"teacher_network": "lean_65k", "teacher_weights": "fer2013", "teacher_divisor": 4}
    here = study.Protocol.of(given, ours)
    assert here.teacher(ours) == {} and not study.other_than_the_papers(here, paper)
    assert study.other_than_the_papers(here, paper, teacher=True) == "lean_65k with this project's weights"
    with pytest.warns(WeightsWarning):
        other = study.Protocol.of(given, replace(ours, name="synthfer"))
    words = other.teacher(ours)["teacher"]
    assert words["network"] == "lean_65k" and "divisor" not in words["options"], "which is ResEmoteNet's alone"
    assert models.create("lean_65k", 7, **words["options"])
    assert "network lean_65k" in study.other_than_the_papers(other, paper, teacher=True)


@pytest.mark.parametrize(
    "study, stem", [(mini_resemotenet, "06_mini_resemotenet"), (microexpnet_se, "06b_microexpnet_se")]
)
@pytest.mark.parametrize("name", ["fer2013", "synthfer"])
def test_every_profile_teaches_on_a_machine_without_half_precision(study, stem, name, ours, monkeypatch):
    monkeypatch.setattr(inference, "cpu_has_bf16", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for profile in PROFILES:
        given = {}
        for path in layers(stem, profile, ROOT / "params"):
            given |= read_params(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            here = study.Protocol.of(given, replace(ours, name=name))
        assert here.teacher_precision == "fp32" == here.teacher_recipe.precision


def test_a_student_of_a_recipe_hears_its_teacher_of_its_own_images(ours):
    recipe = Recipe(img_size=64)
    teacher = teachers.of_student("lean_65k", "fer2013", ours, "tinyfer_lite", recipe)
    three = inference.views(torch.from_numpy(ours.pixels[ours.rows("test")]), 64, channels=3)[0]
    own = teachers.one_of_three()(three)
    network = models.create("lean_65k", weights="fer2013").eval()
    with torch.no_grad():
        assert torch.allclose(teacher(three), network(teachers.Resized(48)(own)), atol=1e-4)
    with pytest.raises(WeightsError, match=r"lean_65k-fer2013\.safetensors is of lean_65k, not lean_250k"):
        teachers.of_student("lean_250k", str(RELEASED / "lean_65k-fer2013.safetensors"), ours, "tinyfer_lite", recipe)


def test_a_teacher_that_may_have_seen_what_is_held_out_is_refused_or_told(ours, tmp_path):
    recipe = Recipe(img_size=48, epochs=1, schedule="constant", loss="cross_entropy", class_weighted=False)
    divided = replace(ours, roles={"train": "PublicTest", "select": "Training", "test": "PrivateTest"})
    distilled = tmp_path / "lean_65k-fer2013_distilled.safetensors"
    distilled.write_bytes((RELEASED / "lean_65k-fer2013.safetensors").read_bytes())
    for given in ("fer2013", str(RELEASED / "lean_65k-fer2013.safetensors"), str(distilled)):
        with pytest.raises(ValueError, match="of lean_65k was trained on another division of fer2013"):
            teachers.of_student("lean_65k", given, divided, "lean_65k", recipe)
        with pytest.warns(WeightsWarning, match="learned from fer2013, and may have seen images of synthfer"):
            teachers.of_student("lean_65k", given, replace(divided, name="synthfer"), "lean_65k", recipe)
    fit("lean_65k", ours, recipe, tmp_path / "run", device="cpu", progress=False)
    run = str(tmp_path / "run/best.safetensors")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert teachers.of_student("lean_65k", run, ours, "lean_65k", recipe)
    with pytest.raises(ValueError, match="was trained on another division of"):  # whose epoch its images would choose
        teachers.of_student("lean_65k", run, ours, "lean_65k", recipe, train=ours.rows("select"))
    fit("lean_65k", ours, recipe, tmp_path / "other", train="select", device="cpu", progress=False)
    other = str(tmp_path / "other/best.safetensors")
    assert teachers.of_student("lean_65k", other, ours, "lean_65k", recipe, train=ours.rows("select"))
    with pytest.raises(ValueError, match="was trained on another division of"):
        teachers.of_student("lean_65k", other, ours, "lean_65k", recipe)
    table = ours.table.assign(split=ours.table["split"].sample(frac=1, random_state=0).to_numpy())
    for other in (replace(ours, table=table, fingerprint=None), divided):
        with pytest.raises(ValueError, match="was trained on another division of"):
            teachers.of_student("lean_65k", run, other, "lean_65k", recipe)


def test_a_teacher_that_starts_from_a_file_is_not_the_papers():
    paper = mini_resemotenet.Protocol.of(read_params(ROOT / "params/paper/06_mini_resemotenet.yaml"))
    here = replace(paper, teacher_weights="/somewhere/affectnet.safetensors")
    said = mini_resemotenet.other_than_the_papers(here, paper, teacher=True)
    assert said == "weights affectnet.safetensors"
    assert mini_resemotenet.protocol_of("E6", here, paper)[1].endswith("another teacher: weights affectnet.safetensors")


def test_the_precision_in_which_it_answers_is_said():
    given = read_params(ROOT / "params/paper/06b_microexpnet_se.yaml")
    given |= {"teacher_network": "lean_65k", "teacher_weights": "fer2013", "teacher_precision": "bf16"}
    here = microexpnet_se.Protocol.of(given)
    said = microexpnet_se.other_than_the_papers(here, here, teacher=True)
    assert said == "lean_65k with this project's weights in bf16"


@pytest.mark.parametrize("has_bf16", [True, False])
def test_a_pretrained_teacher_that_is_asked_once_is_asked_and_recorded_in_full_precision(has_bf16, ours, monkeypatch):
    monkeypatch.setattr(inference, "cpu_has_bf16", lambda: has_bf16)
    given = read_params(ROOT / "params/paper/06_mini_resemotenet.yaml")
    given |= {"teacher_network": "lean_65k", "teacher_weights": "fer2013", "teacher_precision": "bf16"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        here = mini_resemotenet.Protocol.of(given, ours)
    assert teachers.settings(here)["teacher_precision"] == "fp32"
    (run,) = teachers.at_hand(here, ours, {})
    rows = ours.rows("train")
    logits = here.as_teacher(ours, run)
    own = inference.view_logits(run.network, ours, rows, run.recipe.img_size, "flip").float().numpy()
    assert np.array_equal(logits[:, rows], own)


def test_a_teacher_sees_students_images_at_its_own_size(ours):
    (run,) = teachers.at_hand(Taught(), ours, {})
    images = inference.views(torch.from_numpy(ours.pixels[ours.rows("test")]), 64, channels=1)[0]
    with torch.no_grad():
        said = teachers.as_module(run, 1, 64)(images)
        assert torch.allclose(said, run.network(teachers.Resized(48)(images)))
        assert not torch.allclose(said, run.network(images))


def test_a_teacher_of_one_channel_sees_the_students_three_as_its_own(ours):
    (run,) = teachers.at_hand(Taught(), ours, {})
    rows = ours.rows("test")
    three = inference.views(torch.from_numpy(ours.pixels[rows]), 48, channels=3)[0]
    with torch.no_grad():
        said = teachers.as_module(run, 3, 48)(three).softmax(1).double().numpy()
    assert np.allclose(said, run.probabilities(ours, rows), atol=1e-4)
    assert inference.channels(teachers.as_module(run, 3, 48)) == 3 and teachers.as_module(run, 1, 48) is run.network
    with pytest.raises(ValueError, match="takes 1 channels, its students 5"):
        teachers.as_module(run, 5, 48)


def test_colours_become_grey_as_everywhere():
    images = torch.rand(2, 3, 4, 5)
    expected = preprocess.normalise(images, channels=1)
    assert torch.allclose(teachers.one_of_three()(preprocess.normalise(images)), expected, atol=1e-5)


def test_a_teacher_answers_in_its_own_precision(tiny):
    network = tiny().eval()
    assert teachers.as_module(run_of(network), 1, 12) is network
    if not inference.cpu_has_bf16():
        pytest.skip("this CPU has no bf16 arithmetic")
    half = teachers.as_module(run_of(network), 1, 12, "bf16")
    images = torch.randn(4, 1, 12, 12)
    assert half(images).dtype == torch.float32 and not torch.equal(half(images), network(images))
    assert torch.allclose(half(images), network(images), atol=0.05)
    assert inference.channels(half) == 1


def test_a_teacher_of_another_precision_or_size_is_another_to_a_training(tiny):
    said = [teachers.InPrecision(tiny(), "bf16"), teachers.InPrecision(tiny(), "fp16"), tiny()]
    said += [torch.nn.Sequential(teachers.Resized(side), tiny()) for side in (48, 64)]
    assert len({checkpoint.answers_of(one) for one in said}) == len(said)
    assert checkpoint.answers_of(tiny()) == checkpoint.answers_of(tiny())


def test_what_differs_from_a_paper_is_a_table_of_students_and_teacher():
    table = teachers.compared({"epochs": (80, 4), "images": (0, 9)}, {"network": ("resnet50", "lean_65k")})
    assert table.to_numpy().tolist() == [
        ["students", "epochs", "80", "4"], ["students", "images", "all", "9"],
        ["teacher", "network", "resnet50", "lean_65k"],
    ]  # fmt: skip
    assert teachers.compared({}, {}).empty
    same, other = {"epochs": (80, 4)}, {"epochs": (80, 3)}
    assert teachers.compared(same, same)["of"].tolist() == ["both"], "once"
    assert teachers.compared(same, other)["of"].tolist() == ["students", "teacher"]
    for study, name in ((mini_resemotenet, "06_mini_resemotenet"), (microexpnet_se, "06b_microexpnet_se")):
        paper = study.Protocol.of(read_params(f"params/paper/{name}.yaml"))
        here = replace(paper, epochs=4, teacher_network="lean_65k", teacher_weights="fer2013")
        students, teacher = study.compared(here, paper).to_numpy().tolist()
        assert students == ["students", "epochs", "80", "4"]
        assert teacher[:2] == ["teacher", "network"] and teacher[3] == "lean_65k with this project's weights"
        assert len(study.compared(replace(paper, epochs=4, teacher_epochs=3), paper)) >= 2
    rows = microexpnet_se.compared(replace(paper, weights="", teacher_weights=""), paper).to_numpy().tolist()
    assert rows == [["students", "weights", "imagenet", "random"], ["teacher", "weights", "VGGFace2's", "random"]]
