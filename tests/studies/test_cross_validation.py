"""Points, folds and teachers of the two grids: nothing of a held-out fold is ever seen, and nothing is done twice."""

import shutil
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest

from fercore import datasets
from fercore.datasets.faces import Faces, table
from fercore.results import tables
from fercore.studies import cross_validation
from fercore.studies.cross_validation import (  # fmt: skip
    COHORT,
    COPIES,
    METHODS,
    RANDOM,
    SCRATCH,
    SOFTENED,
    SUBJECTS,
    Sample,
    cache_key,
    cohort,
    gathered,
    grid,
    load_logits,
    logits_of,
    prepared,
    teach,
)
from fercore.studies.sweep import sweep
from fercore.training import losses
from fercore.training.recipe import Recipe
from fercore.training.vectorized import settings

RECIPE = Recipe(
    epochs=1, batch_size=32, img_size=84, augmentation=None, loss="cross_entropy",
    class_weighted=False, optimizer="adam",
    learning_rate=1e-3, weight_decay=0.0, schedule="constant",
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return str(datasets.import_dataset("synthck", None, tmp_path_factory.mktemp("ck"), images=160).parent)


@pytest.fixture(scope="module")
def samples(folder):
    return {"synthck": Sample(folder, 60, 2)}


@pytest.mark.parametrize("seed", range(5))
def test_people_are_taken_whole_and_never_on_both_sides(folder, seed):
    sample = Sample(folder, 80, 4, seed)
    faces, folds = prepared(sample)
    whole = datasets.load_imported(folder).table["subject"].value_counts()
    subject = faces.table["subject"]
    assert all(count == 8 * whole[person] for person, count in subject.value_counts().items())
    assert 80 <= len(faces) / 8 < 110
    sides = pd.DataFrame({"subject": subject, **folds}).groupby("subject").nunique()
    assert sides[SUBJECTS].max() == 1 and sides[RANDOM].max() > 1
    for fold in folds.values():  # an image's windows stay together
        assert (fold.reshape(-1, 8) == fold[::8, None]).all() and set(fold) == {0, 1, 2, 3}


def test_another_seed_draws_other_people(folder):
    one, other = (set(prepared(Sample(folder, 80, 4, seed))[0].table["subject"]) for seed in (0, 1))
    assert one != other


def test_a_set_that_was_imported_anew_is_not_taken_for_the_one_before(tmp_path):
    place = str(datasets.import_dataset("synthck", None, tmp_path / "ck", images=120).parent)
    (sample,) = gathered({"ckplus": place}, ["ckplus"], {"ckplus": 40}, 2).values()
    assert len(cross_validation.taken(sample).faces) >= 40
    datasets.import_dataset("synthck", None, place, images=120, seed=1)
    cross_validation.taken.cache_clear()  # as in another process
    with pytest.raises(ValueError, match="imported anew since the study began"):
        cross_validation.taken(sample)
    (anew,) = gathered({"ckplus": place}, ["ckplus"], {"ckplus": 40}, 2).values()
    assert anew != sample and len(cross_validation.taken(anew).faces) >= 40


def test_all_is_taken_where_no_number_is_given(folder):
    assert len(prepared(Sample(folder, folds=2))[0]) == 8 * 160


def copied(tmp_path, copies):
    """Twelve images of nobody, of which some are of one photograph."""
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 256, (12, 48, 48), np.uint8)
    for one, other in copies:
        pixels[other] = pixels[one]
    datasets.store.save(Faces("nobody", pixels, table(np.arange(12) % 2), ("a", "b")), tmp_path / "set")
    return str(tmp_path / "set")


def test_where_nobody_is_named_copies_are_kept_together_and_only_they_are_taken(tmp_path):
    folder = copied(tmp_path, [(0, 2), (0, 4), (1, 3), (5, 7), (6, 8)])
    faces, folds = prepared(Sample(folder, folds=2))
    assert len(faces) == 8 * 9 and list(folds) == [COPIES, RANDOM]
    group = np.repeat([0, 1, 0, 1, 0, 5, 6, 5, 6], 8)
    assert pd.Series(folds[COPIES]).groupby(group).nunique().max() == 1
    given, known = tmp_path / "groups.csv", datasets.load_imported(folder)
    found = pd.DataFrame({"row": range(12), "near": [0, 1, 0, 1, 0, 5, 6, 5, 6, 9, 10, 9]})
    tables.save(found, tmp_path, "groups", known)
    assert len(prepared(Sample(folder, folds=2, copies=str(given)))[0]) == 8 * 11  # what the audit found is taken over
    tables.save(found[:11], tmp_path, "groups", known)
    with pytest.raises(ValueError, match=r"groups\.csv has 11 rows, not the 12 of nobody"):
        prepared(Sample(folder, 1, 2, copies=str(given)))
    tables.save(found, tmp_path, "groups", replace(known, pixels=known.pixels[::-1]))
    with pytest.raises(ValueError, match=r"groups\.csv is of other images \(\w+\) than nobody .*the same in another"):
        prepared(Sample(folder, 2, 2, copies=str(given)))


def test_a_set_that_names_some_people_only_is_refused(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (12, 48, 48), np.uint8)
    people = pd.Series([f"S{place // 2}" for place in range(11)] + [""])
    faces = Faces("some", pixels, table(np.arange(12) % 2).assign(subject=people), ("a", "b"))
    datasets.store.save(faces, tmp_path / "set")
    with pytest.raises(ValueError, match="some does not name the subject of 1 of 12 images"):
        prepared(Sample(str(tmp_path / "set"), folds=2))


def test_a_grid_has_every_point_once_and_only_softened_ones_a_temperature(samples):
    trials = grid(samples, ["microexpnet_m", "microexpnet_xxs"], [1, 2], [SCRATCH, SOFTENED, "DIST"], [2, 4.0])
    assert len(trials) == 2 * 2 * 2 * 2 * (1 + 2 + 1) == len(trials.drop_duplicates())
    assert (trials["temperature"].notna() == (trials["method"] == SOFTENED)).all()
    apart, random = (grid(samples, ["microexpnet_m"], [1], group_split=which) for which in (True, False))
    assert set(apart["split"]) == {SUBJECTS} and set(random["split"]) == {RANDOM} and len(apart) == len(random) == 2


def test_no_two_points_draw_the_same_numbers(samples):
    trials = grid(samples, ["microexpnet_m", "microexpnet_xxs"], [1, 2], [SCRATCH, SOFTENED], [2.0, 4.0])
    trials = pd.concat([trials, trials.assign(data="other"), trials.assign(epochs=9)]).convert_dtypes()
    seeds = [cross_validation._seed(trial) for trial in trials.to_dict("records")]
    assert len(set(seeds)) == len(trials) and max(seeds) < 2**31
    assert seeds == [cross_validation._seed(trial) for trial in trials.to_dict("records")]


def test_the_same_points_together_and_apart(samples, tmp_path):
    """One run of a grid with its teacher: two tasks of a cohort or one, and taken up again, are the same table."""
    teachers = str(tmp_path / "logits")
    trials = grid(samples, ["microexpnet_m"], [1], group_split=True)
    taught = sweep(
        partial(teach, samples=samples, network="microexpnet_m", recipe=RECIPE, teachers=teachers),
        trials,
        workers=1,
        progress=False,
    )
    students = grid(samples, ["microexpnet_xxs"], [1], [SCRATCH, SOFTENED, "CTKD"], [2.0], group_split=True)
    work = partial(cohort, samples=samples, recipe=RECIPE, teacher_logits=logits_of(taught), teachers=teachers)
    kept, more = (
        tmp_path / "trials",
        {"identity": cache_key(samples, RECIPE, logits_of(taught)), "cohort": COHORT, "workers": 1, "progress": False},
    )
    one = sweep(work, students, kept, most=2, **more)
    assert one.to_csv() == sweep(work, students, most=1, **more).to_csv()
    assert one["train_loss"].nunique() == 6 and one["accuracy"].between(0, 1).all()
    assert (
        one.groupby(["method", "temperature"], dropna=False)["images"].sum().tolist()
        == [len(prepared(samples["synthck"])[0]) // 8] * 3
    )
    stamps = {path: path.stat().st_mtime_ns for path in kept.iterdir()}
    assert one.to_csv() == sweep(work, students, kept, **more).to_csv()
    assert stamps == {path: path.stat().st_mtime_ns for path in kept.iterdir()}


def test_a_teacher_never_sees_its_fold_and_speaks_of_every_window(samples, tmp_path, monkeypatch):
    trials = grid(samples, ["microexpnet_m"], [1], group_split=True)
    seen = []
    fit = cross_validation.fit
    monkeypatch.setattr(
        cross_validation, "fit", lambda *words, train, **more: seen.append(train) or fit(*words, train=train, **more)
    )
    taught = teach(trials, samples, "microexpnet_m", RECIPE, teachers=str(tmp_path))
    faces, folds = prepared(samples["synthck"])
    assert all((rows == (folds[SUBJECTS] != fold)).all() for fold, rows in enumerate(seen)) and len(seen) == 2
    assert taught["logits"].nunique() == 2
    names = logits_of(trials.assign(logits=taught["logits"]).iloc[::-1])
    assert names == {"synthck": {SUBJECTS: taught["logits"].tolist()}}  # by fold, in whatever order they came
    logits = load_logits(tmp_path / taught["logits"][0], faces)
    assert np.array_equal(logits, np.load(tmp_path / taught["logits"][0]))
    assert logits.shape == (len(faces), len(faces.classes)) and logits.dtype == np.float32
    answers = np.exp(logits).reshape(-1, 8, logits.shape[1]).mean(1).argmax(1)
    held = folds[SUBJECTS][::8] == 0
    assert (answers == faces.labels[::8])[held].mean() == pytest.approx(taught["accuracy"][0])


def test_logits_of_other_images_and_damaged_ones_are_refused(samples, tmp_path):
    faces, _ = prepared(samples["synthck"])
    logits = np.random.default_rng(0).normal(size=(len(faces), len(faces.classes))).astype(np.float32)
    path = tmp_path / cross_validation._keep(logits, faces, tmp_path)
    assert np.array_equal(load_logits(path, faces), logits)
    turned = replace(faces, pixels=faces.pixels[::-1])
    with pytest.raises(ValueError, match=rf"{path.name}: damaged, or the logits of other images than these of synthck"):
        load_logits(path, turned)
    whole = path.read_bytes()
    for content in (whole[:-4], whole[:-1] + b"x", b"", b"PK" + whole):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=rf"{path.name}: damaged"):
            load_logits(path, faces)


def trial(method=SOFTENED, fold=0, data="synthck", split=SUBJECTS):
    return {"data": data, "split": split, "method": method, "fold": fold}


def test_a_point_rests_on_its_own_teacher_and_set_and_on_no_others(samples, folder, tmp_path):
    names = {"synthck": {SUBJECTS: ["a.npy", "b.npy"]}}
    other = {"synthck": {SUBJECTS: ["a.npy", "c.npy"]}, "more": {SUBJECTS: ["d.npy"]}}
    more = samples | {"more": Sample(folder, 70, 2)}
    one, two = cache_key(samples, RECIPE, names), cache_key(more, RECIPE, other)
    assert one(trial()) == two(trial())  # with another set beside it, and another teacher of the other fold
    assert one(trial(fold=1)) != two(trial(fold=1))
    assert one(trial(SCRATCH, 1)) == two(trial(SCRATCH, 1)) and one(trial(SCRATCH)) != one(trial())
    assert two(trial(SCRATCH, data="more")) != two(trial(SCRATCH))
    assert cache_key(samples, replace(RECIPE, epochs=2), names)(trial()) != one(trial())
    moved = str(shutil.copytree(folder, tmp_path / "moved"))
    assert cache_key({"synthck": replace(samples["synthck"], folder=moved)}, RECIPE, names)(trial()) == one(trial())


def test_a_point_rests_on_images_folds_code_and_settings_of_its_method(samples, folder, monkeypatch):
    names = {"synthck": {SUBJECTS: ["a.npy", "b.npy"]}}
    found = cache_key(samples, RECIPE, names)(trial("CTKD"))
    assert found == cache_key(samples, RECIPE, names)(trial("CTKD"))
    for sample in (Sample(folder, 60, 3), Sample(folder, 70, 2), Sample(folder, 60, 2, 1)):
        assert found["data"] != cache_key({"synthck": sample}, RECIPE, names)(trial("CTKD"))["data"]
    faces, folds = prepared(samples["synthck"])
    more = replace(faces, classes=(*faces.classes, "bored"))  # a network of another number of outputs
    assert cross_validation._digest(more, folds) != cross_validation._digest(faces, folds)
    monkeypatch.setitem(METHODS, "CTKD", losses.Curriculum(span=5))
    assert cache_key(samples, RECIPE, names)(trial("CTKD")) != found
    monkeypatch.undo()
    monkeypatch.setattr(cross_validation.checkpoint, "code", lambda *roots, read: f"changed {read.__name__}")
    changed = cache_key(samples, RECIPE, names)(trial("CTKD"))["code"]
    assert changed == "changed on_disk changed loaded", "one of which runs, whichever process it is"
    monkeypatch.setattr(cross_validation.checkpoint, "code", lambda *roots, read: "changed")
    assert cache_key(samples, RECIPE, names)(trial("CTKD"))["code"] == "changed"
    taught = [cache_key(samples, RECIPE, teacher=name)({"data": "synthck"}) for name in ("microexpnet_m", "simple_cnn")]
    assert (
        taught[0]
        != taught[1]
        != cache_key(samples, RECIPE, teacher="simple_cnn", weights="imagenet")({"data": "synthck"})
    )


def test_a_teacher_rests_on_what_its_file_of_weights_has(samples, tmp_path):
    path, found = tmp_path / "w.safetensors", []
    for content in (b"one", b"other", b"one"):
        path.write_bytes(content)
        found.append(cache_key(samples, RECIPE, teacher="simple_cnn", weights=str(path))({"data": "synthck"}))
    assert found[0] == found[2] != found[1]


def test_methods_are_the_papers_softened_loss_and_five_without_a_search():
    assert METHODS[SCRATCH] is None and METHODS[SOFTENED] == losses.microexpnet(1.0)
    assert len(set(METHODS.values())) == 7 and {kd.kind for kd in METHODS.values() if kd} == set(losses.DISTILLATIONS)


def test_a_study_without_data_has_a_few_rendered_faces(folder, tmp_path):
    found = gathered({"ckplus": "", "fer2013": ""}, ["ckplus"], {"ckplus": 40}, 2)
    assert list(found) == ["synthck"] and prepared(found["synthck"])[0].synthetic
    given = gathered({"ckplus": folder, "fer2013": "elsewhere"}, ["ckplus"], {"ckplus": 50}, 3, "audit")
    assert replace(given["synthck"], version="") == Sample(folder, 50, 3, copies="audit/duplicate_groups.csv")
    with pytest.raises(ValueError, match=f"more than one of {folder}, {folder} is synthck"):
        gathered({"ckplus": folder, "oulucasia": folder}, ["ckplus", "oulucasia"], {}, 2)
    with pytest.raises(ValueError, match="sets are ckplus, but there is a folder for fer2013 only"):
        gathered({"ckplus": "", "fer2013": folder}, ["ckplus"], {}, 2)


@pytest.mark.parametrize(("sets", "images"), [(["ckpls"], {}), (["ckplus"], {"ckplus": 60, "ckpls": 10})])
def test_a_set_that_there_is_none_of_is_refused(sets, images):
    with pytest.raises(ValueError, match="no set 'ckpls'; there are ckplus, fer2013"):
        gathered({"ckplus": "", "fer2013": ""}, sets, images, 2)


def test_logits_of_a_teacher_that_sees_smaller_windows_are_of_the_students_images(samples, tmp_path):
    trials = grid(samples, ["simple_cnn"], [1], group_split=True).head(1)
    small = replace(RECIPE, img_size=32)
    taught = trials.join(teach(trials, samples, "simple_cnn", small, teachers=str(tmp_path)))
    [[[name]]] = [list(splits.values()) for splits in logits_of(taught).values()]
    faces, _ = prepared(samples["synthck"])
    assert load_logits(tmp_path / name, faces).shape == (len(faces), len(faces.classes))


@pytest.mark.parametrize("method", METHODS)
def test_each_method_teaches_as_it_is_defined(samples, monkeypatch, method):
    taught = []

    def fit_many(network, faces, lanes, recipe, folds, **more):
        taught.extend(settings(recipe, lane).distillation for lane in lanes.to_dict("records"))
        return lanes.assign(**dict.fromkeys(cross_validation.FOUND, 0.5))

    monkeypatch.setattr(cross_validation, "fit_many", fit_many)
    monkeypatch.setattr(cross_validation, "load_logits", lambda path, faces: None)
    trials = grid(samples, ["microexpnet_xxs"], [1], [method], [2.0], group_split=True)
    cohort(trials, samples, RECIPE, {"synthck": {SUBJECTS: ["a.npy", "b.npy"]}})
    as_printed = {SOFTENED: losses.microexpnet(2.0), "CTKD": losses.Curriculum(rise=0.1)}
    assert taught == [as_printed.get(method, METHODS[method])] * 2


def test_a_teacher_is_scored_by_all_windows_and_what_it_rules_out_has_a_logit(samples, tmp_path, monkeypatch):
    draw = np.random.default_rng(0)

    def said(network, faces, rows, *more):
        found = draw.dirichlet(np.full(len(faces.classes), 0.5), len(rows))
        found[:, 0] = 0
        return found / found.sum(1, keepdims=True)

    monkeypatch.setattr(cross_validation.inference, "probabilities", said)
    trials = grid(samples, ["microexpnet_xxs"], [1], group_split=True).head(1)
    taught = teach(trials, samples, "microexpnet_xxs", RECIPE, teachers=str(tmp_path))
    faces, folds = prepared(samples["synthck"])
    logits = load_logits(tmp_path / taught["logits"][0], faces)
    assert np.isfinite(logits).all()
    answers = np.exp(logits).reshape(-1, 8, logits.shape[1]).mean(1).argmax(1)
    held_out = folds[SUBJECTS][::8] == 0
    assert (answers == faces.labels[::8])[held_out].mean() == pytest.approx(taught["accuracy"][0])
