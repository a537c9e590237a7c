"""Several trainings at once come to the bytes of one after the other."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fercore import files
from fercore.evaluation import inference
from fercore.studies import fits, sweep
from fercore.studies.fits import fit_each, fit_seeds
from fercore.training import Recipe, RunError, checkpoint, fit, losses

RECIPE = Recipe(
    epochs=2, batch_size=16, img_size=84, augmentation=None, loss="cross_entropy", class_weighted=False,
    schedule="cosine", learning_rate=1e-3,
)  # fmt: skip


def trainings(**more):
    names = ("microexpnet_xxs", "microexpnet_xs", "candidate_v_xxs")
    return {f"{name}-a": {"network": name, "recipe": RECIPE, **more} for name in names}


def test_at_once_or_one_after_the_other_is_the_same_bytes(faces, tmp_path):
    at_once = fit_each(trainings(), faces, tmp_path / "two", workers=2)
    in_turn = fit_each(trainings(), faces, tmp_path / "one", workers=1)
    assert list(at_once) == list(trainings())
    for name in trainings():
        for file in ("best.safetensors", "history.csv"):  # `last` also holds how long it took
            assert (tmp_path / "two" / name / file).read_bytes() == (tmp_path / "one" / name / file).read_bytes()
        ours, theirs = (runs[name].network.state_dict() for runs in (at_once, in_turn))
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_what_is_done_is_not_done_again(faces, tmp_path, monkeypatch):
    monkeypatch.setattr(fits.provenance, "_KEPT", kept := [])
    first = fit_each(trainings(), faces, tmp_path, workers=1)
    assert kept == []
    again = fit_each(trainings(), faces, tmp_path, workers=1)
    assert [run.seconds for run in again.values()] == [run.seconds for run in first.values()]
    assert kept == [f"{tmp_path}/{name}" for name in trainings()], "whose time is not in this run's"


def test_what_is_trained_is_not_trained_again_where_code_is_edited_meanwhile(faces, tmp_path, monkeypatch):
    """A process that starts later runs the new code, and what it has trained is not this process's."""
    trained = fits.fit

    def edits(*given, **more):
        run = trained(*given, **more)
        monkeypatch.setattr(checkpoint, "code", lambda *roots, **how: "edited")
        monkeypatch.setattr(fits.closure, "edited", lambda: True)
        return run

    (training,) = ({"a": words} for words in [trainings()["microexpnet_xxs-a"]])
    with monkeypatch.context() as other:
        other.setattr(fits.closure, "edited", lambda: True)
        assert fit_each(training, faces, tmp_path / "other", workers=1), "what no training rests on"
    monkeypatch.setattr(fits, "fit", edits)
    with pytest.raises(RunError, match="the code was changed since this process began; what was trained is kept"):
        fit_each({"a": trainings()["microexpnet_xxs-a"]}, faces, tmp_path, workers=1)
    assert (tmp_path / "a" / checkpoint.METRICS).is_file()
    assert checkpoint.read(tmp_path / "a" / checkpoint.LAST)[1]["identity"]["code"] != "edited"


def test_without_a_folder_nothing_is_left(faces, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runs = fit_each({"x": trainings()["microexpnet_xxs-a"]}, faces, workers=1)
    assert len(runs["x"].history) == 2 and not list(tmp_path.iterdir())


def test_a_training_that_fails_is_named(faces, tmp_path):
    wrong = trainings() | {"wrong": {"network": "no_such_network", "recipe": RECIPE}}
    with pytest.raises(sweep.SweepError, match=r"1 of 4 trials failed.*'wrong'.*no network 'no_such_network'"):
        fit_each(wrong, faces, tmp_path, workers=1)


def test_what_learns_from_labels_alone_need_not_wait_for_a_teacher():
    distilled = replace(RECIPE, distillation=losses.mini_resemotenet(3.0, 0.2))
    recipes = {"c alone": RECIPE, "E6": distilled, "c with the test set": RECIPE, "T 1": distilled}
    variants = {name: {"network": "microexpnet_xxs", "recipe": recipe} for name, recipe in recipes.items()}
    alone, taught = fits.by_teacher(variants)
    assert list(alone) == ["c alone", "c with the test set"] and list(taught) == ["E6", "T 1"]


def seeds_of(**more):
    return {name: {"network": "microexpnet_xxs", "recipe": RECIPE, **more} for name in ("a", "b")}


def test_each_seed_is_a_training_of_its_own_in_a_folder_of_its_name(faces, tmp_path):
    variants = {"first": {"network": "microexpnet_xxs", "recipe": RECIPE, "name": "one"}}
    runs = fit_seeds(variants, [3, 4], faces, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one-cross_entropy-2-3", "one-cross_entropy-2-4"]
    assert list(runs) == ["first"] and [run.recipe.seed for run in runs["first"]] == [3, 4]
    assert not runs["first"][0].history.equals(runs["first"][1].history)
    alone = fit("microexpnet_xxs", faces, replace(RECIPE, seed=4))
    assert alone.history.equals(runs["first"][1].history)


def test_trainings_of_this_machine_go_to_no_cluster(faces, monkeypatch):
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://127.0.0.1:1")
    monkeypatch.setattr("fercore.studies.sweep._Dask", lambda *_: pytest.fail("asked a cluster"))
    assert len(fit_seeds({"a": seeds_of()["a"]}, [1], faces)["a"]) == 1


@pytest.mark.parametrize(
    "lacking, kind", [("", "a finished"), ("metrics.json", "an unfinished"), ("last.safetensors", "a finished")]
)
def test_a_training_in_a_precision_that_this_machine_lacks_is_not_replaced(faces, tmp_path, monkeypatch, lacking, kind):
    variants = {"a": {"network": "microexpnet_xxs", "recipe": RECIPE}}
    fit_seeds(variants, [1], faces, tmp_path)
    (folder,) = tmp_path.iterdir()
    path = folder / checkpoint.PROVENANCE
    path.write_text(path.read_text().replace('"precision": "fp32"', '"precision": "bf16"'))
    tensors, record = checkpoint.read(folder / checkpoint.LAST)
    record["identity"]["recipe"]["precision"] = "bf16"
    checkpoint.write(folder / checkpoint.LAST, tensors, record)
    if lacking:
        (folder / lacking).unlink()
    held = (folder / checkpoint.BEST).read_bytes()
    monkeypatch.setattr(inference, "cpu_has_bf16", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    other = {"a": {"network": "microexpnet_xxs", "recipe": replace(RECIPE, batch_size=8)}}
    with pytest.raises(sweep.SweepError, match=f"holds {kind} training in bf16, and fp32 would replace it"):
        fit_seeds(other, [1], faces, tmp_path)
    assert (folder / checkpoint.BEST).read_bytes() == held


@pytest.mark.parametrize("begun", [False, True])
def test_a_training_on_other_real_images_is_not_trained_over(faces, tmp_path, begun):
    for name in ("synthfer", "rafdb"):  # what was rendered is rendered again
        fit_seeds({"a": seeds_of()["a"]}, [1], replace(faces, name=name), tmp_path)
    if begun:
        (next(tmp_path.iterdir()) / checkpoint.METRICS).unlink()
    kind = "an unfinished" if begun else "a finished"
    with pytest.raises(sweep.SweepError, match=f"{kind} training on rafdb, and one on fer2013 would replace it; move"):
        fit_seeds({"a": seeds_of()["a"]}, [1], replace(faces, name="fer2013"), tmp_path)
    kept = fit_seeds({"a": seeds_of()["a"]}, [1], replace(faces, name="rafdb"), tmp_path, kept_only=not begun)
    assert len(kept["a"][0].history) == 2


def test_a_damaged_training_is_told_and_not_trained_over(faces, tmp_path):
    fit_seeds({"a": seeds_of()["a"]}, [1], faces, tmp_path)
    last = next(tmp_path.iterdir()) / checkpoint.LAST
    whole = last.read_bytes()
    last.write_bytes(whole[:-10])
    with pytest.raises(sweep.SweepError, match=r"last\.safetensors: not a checkpoint of a training"):
        fit_seeds({"a": seeds_of()["a"]}, [1], faces, tmp_path)
    last.write_bytes(whole)
    held, record = checkpoint.read(last)
    checkpoint.write(last, {name: value * np.nan for name, value in held.items() if value.is_floating_point()}, record)
    with pytest.raises(sweep.SweepError, match=r"last\.safetensors: .*; remove it to start over"):
        fit_seeds({"a": seeds_of()["a"]}, [1], faces, tmp_path)
    assert last.is_file()


def test_where_nothing_is_to_be_trained_what_is_left_of_a_training_is_told(faces, tmp_path):
    fit_seeds({"a": seeds_of()["a"]}, [1], faces, tmp_path)
    (folder,) = tmp_path.iterdir()
    for name in (checkpoint.LAST, checkpoint.BEST):
        (folder / name).unlink()
    with pytest.raises(RunError, match=r"has metrics\.json of a training whose last\.safetensors is gone"):
        fit_seeds({"a": seeds_of()["a"]}, [1], faces, tmp_path, kept_only=True)
    assert not (folder / checkpoint.LAST).exists()
    assert fit_seeds({"a": seeds_of()["a"]}, [1], faces, tmp_path), "where it is, it is trained again"


def test_two_variants_in_one_folder_are_refused(faces):
    with pytest.raises(ValueError, match="of 2 trainings only 1 have a folder of their own"):
        fit_seeds(seeds_of(name="same"), [1], faces)


def test_a_variant_may_have_seeds_of_its_own(faces):
    variants = seeds_of() | {"c": {"network": "microexpnet_xxs", "recipe": RECIPE, "seeds": [7, 8]}}
    places, trainings = fits.planned(variants, [1])
    assert {name: len(each) for name, each in places.items()} == {"a": 1, "b": 1, "c": 2}
    assert [trainings[place]["recipe"].seed for place in places["c"]] == [7, 8]
    assert not any("seeds" in words for words in trainings.values())


def test_what_is_kept_is_shown_and_nothing_trained(faces, tmp_path):
    assert fit_seeds(seeds_of(), [1], faces, tmp_path, kept_only=True) == {} and not list(tmp_path.iterdir())
    trained = fit_seeds({"a": seeds_of()["a"]}, [1], faces, tmp_path)
    found = fit_seeds(seeds_of(), [1, 2], faces, tmp_path, kept_only=True)
    assert list(found) == ["a"] and len(found["a"]) == 1
    assert found["a"][0].history.equals(trained["a"][0].history)
    other = {"a": {"network": "microexpnet_xxs", "recipe": replace(RECIPE, batch_size=8)}}
    with pytest.raises(RunError, match="another training"):
        fit_seeds(other, [1], faces, tmp_path, kept_only=True)


def test_a_teacher_is_asked_once_for_both_views_of_what_trains(faces, tiny, tmp_path, monkeypatch):
    run = fit(tiny(), faces, replace(RECIPE, img_size=12))
    logits = fits.teacher_logits(run, faces, tmp_path)
    rows = faces.rows("train")
    seen = inference.view_logits(run.network, faces, rows, 12, "flip")
    assert logits.shape == (2, len(faces), 3) and np.allclose(logits[:, rows], seen, atol=1e-6)
    assert np.isnan(np.delete(logits, rows, axis=1)).all()
    monkeypatch.setattr(inference, "view_logits", None)  # which is not asked again
    assert np.array_equal(fits.teacher_logits(run, faces, tmp_path), logits, equal_nan=True)
    assert len(list(tmp_path.iterdir())) == 1


def test_logits_are_written_where_no_training_sweeps_them_away_meanwhile(faces, tiny, tmp_path, monkeypatch):
    seen, replaced = [], files.replace

    def noted(path, write):
        seen.append((tmp_path / files.LOCK).is_file())
        replaced(path, write)

    run = fit(tiny(), faces, replace(RECIPE, img_size=12))
    monkeypatch.setattr(files, "replace", noted)
    fits.teacher_logits(run, faces, tmp_path)
    assert seen == [True]


def test_other_weights_or_images_are_other_logits(faces, tiny, tmp_path):
    run = fit(tiny(), faces, replace(RECIPE, img_size=12))
    fits.teacher_logits(run, faces, tmp_path)
    fits.teacher_logits(run, faces, tmp_path, faces.rows("train")[:5])
    run.network.head.bias.data += 1
    fits.teacher_logits(run, faces, tmp_path)
    fits.teacher_logits(replace(run, recipe=replace(run.recipe, img_size=10)), faces, tmp_path)
    assert len(list(tmp_path.iterdir())) == 4


def test_other_code_of_the_network_is_other_logits(faces, tiny, tmp_path, monkeypatch):
    run = fit(tiny(), faces, replace(RECIPE, img_size=12))
    fits.teacher_logits(run, faces, tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(checkpoint, "answers_of", lambda network: "other")
        fits.teacher_logits(run, faces, tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    known = checkpoint.answers_of(run.network)
    monkeypatch.setattr(checkpoint, "code", lambda *modules: "changed")
    assert checkpoint.answers_of(run.network) != known


def test_weights_are_for_networks_that_somebody_has_weights_of(faces, monkeypatch):
    asked = {}
    monkeypatch.setattr(
        fits, "fit_each", lambda trainings, *_, **__: asked.update(trainings) or dict.fromkeys(trainings)
    )
    variants = {name: {"network": name, "recipe": RECIPE} for name in ("simple_cnn", "mobilenet_v2")}
    for weights, expected in (("imagenet", [None, "imagenet"]), ("", [None, None])):
        asked.clear()
        fits.fit_seeds(variants, [1], faces, weights=weights)
        assert [words["weights"] for words in asked.values()] == expected
        assert all("name" not in words for words in asked.values())


def test_the_longest_training_begins_first(faces, monkeypatch):
    begun = []
    monkeypatch.setattr(
        fits, "fit_each", lambda trainings, *_, **__: begun.extend(trainings) or dict.fromkeys(trainings)
    )
    names = ("tinyfer_lite", "mobilenet_v2", "simple_cnn", "efficientnet_b0")
    runs = fits.fit_seeds({name: {"network": name, "recipe": RECIPE} for name in names}, [1], faces)
    assert [name.split("-")[0] for name in begun] == ["simple_cnn", "efficientnet_b0", "mobilenet_v2", "tinyfer_lite"]
    assert tuple(runs) == names, "the order of the results is that of the variants"


def test_fewer_images_are_drawn_from_those_that_train(faces):
    rows = fits.training_rows(faces, 10)
    assert len(set(rows)) == 10 and set(rows) <= set(faces.rows("train"))
    assert (fits.training_rows(faces, 10) == rows).all() and len(fits.training_rows(faces)) == len(faces.rows("train"))
    assert (np.diff(rows) > 0).all() and (fits.training_rows(faces, 10**6) == faces.rows("train")).all()
