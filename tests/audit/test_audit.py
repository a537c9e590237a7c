"""The audit against numbers worked out by hand, against slow code that is plainly right, and against planted faults."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from fercore import audit, claims, datasets
from fercore.audit import duplicates
from fercore.datasets import ckplus, oulucasia, published, splits
from fercore.datasets import votes as fer_votes
from fercore.datasets.faces import FER2013_CLASSES, Faces, table
from fercore.results import measurements, tables

CLASSES = ("calm", "glad", "sore")
NO_PAIRS = pd.DataFrame({"first": np.empty(0, int), "second": np.empty(0, int), "score": np.empty(0)})


def small(label, split="", classes=CLASSES, pixels=None, **more):
    """Faces of 3x2 pixels, every row another grey level, unless pixels are given."""
    if pixels is None:
        pixels = np.arange(len(label), dtype=np.uint8)[:, None, None] + np.zeros((1, 3, 2), np.uint8)
    return Faces("handmade", pixels, table(label, split, **more), classes)


def pairs_of(*rows):
    first, second = zip(*rows, strict=True)
    return pd.DataFrame({"first": first, "second": second, "score": 1.0})


# ------------------------------------------------------------------------------------------------------------- counts


@pytest.mark.parametrize("colour", [(), (3,)])
def test_counts_by_class_and_split(colour):
    label, split = [0, 0, 1, 1, 1, 0], ["Training", "Training", "Training", "B", "B", "A"]
    found = audit.counts(small(label, split, pixels=np.zeros((6, 4, 4, *colour), np.uint8)))
    assert found.index.tolist() == [*CLASSES, "total"], "classes in their order, also the one without an image"
    assert found.columns.tolist() == ["Training", "B", "A", "total"], "splits as they stand in the table"
    assert found.to_numpy().tolist() == [[2, 0, 1, 3], [1, 2, 0, 3], [0, 0, 0, 0], [3, 2, 1, 6]]
    assert all(np.issubdtype(kind, np.integer) for kind in found.dtypes)


def test_counts_of_a_set_without_splits():
    found = audit.counts(small([2, 0, 2]))
    assert found.columns.tolist() == ["all"] and found["all"].tolist() == [1, 0, 2, 3]


def test_a_total_is_told_from_a_class_or_split_of_that_name():
    found = audit.counts(small([0, 1, 1], ["all", "", "total"], classes=("total", "total of all")))
    assert found.index.tolist() == ["total", "total of all", "total of all of all"] and found.index.name == "class"
    assert found.columns.tolist() == ["all", "all of all", "total", "total of all"]
    assert audit.counts(small([0, 1], ["A", "B"])).columns.tolist() == ["A", "B", "total"]


def test_counts_are_measurements_by_name():
    rows = audit.measurements(small([0, 0, 1], ["Training", "PublicTest", "Training"]))
    found = {row["measurement"]: row["value"] for row in rows}
    counted = {name: value for name, value in found.items() if name.startswith("images")}
    assert counted == {
        f"images(handmade, {split}, {label})": count
        for label, counted in (("calm", (1, 1, 2)), ("glad", (1, 0, 1)), ("sore", (0, 0, 0)), ("all", (2, 1, 3)))
        for split, count in zip(("Training", "PublicTest", "all"), counted, strict=True)
    }


def test_what_else_a_set_has_is_a_measurement():
    """Of four images two have the same bytes and several labels, and another one grey value."""
    pixels = np.zeros((4, 3, 2), np.uint8)
    pixels[[0, 2, 3], 0, 0] = 1, 1, 2
    found = {row["measurement"]: row["value"] for row in audit.measurements(small([0, 0, 1, 1], pixels=pixels))}
    assert {name: value for name, value in found.items() if not name.startswith("images")} == {
        "classes(handmade)": 2,  # that there are images of
        "side(handmade, height)": 3,
        "side(handmade, width)": 2,
        "faulty(handmade, one_grey_value)": 1,
        "faulty(handmade, labelled_twice)": 2,
    }


def test_a_count_of_a_class_or_split_of_that_name_is_not_the_total():
    def named(*words, **more):
        rows = audit.measurements(small(*words, **more))
        return {row["measurement"] for row in rows if row["measurement"].startswith("images")}

    assert named([0, 0]) == {f"images(handmade, all, {label})" for label in (*CLASSES, "all")}
    found = named([0, 1], ["all", ""], classes=("all", "sad"))
    splits, labels = ("%61ll", "none", "all"), ("%61ll", "sad", "all")
    assert found == {f"images(handmade, {split}, {label})" for split in splits for label in labels}


def test_every_count_that_the_ledger_asks_for_has_the_name_that_its_set_gives_it():
    """CK+ and Oulu-CASIA say anger and sadness, where the ledger says angry and sad."""
    asked = {measurements.name("images", *words) for words in claims.load().arguments("images")}
    classes = {"fer2013": FER2013_CLASSES, "rafdb": FER2013_CLASSES}
    classes |= {"ckplus": ckplus.CLASSES, "oulucasia": oulucasia.CLASSES}
    for name, own in classes.items():
        (release,) = published.RELEASES[name]
        split = np.repeat(list(release), list(release.values()))
        faces = small(np.arange(len(split)) % len(own), split, own, np.zeros((len(split), 1, 1), np.uint8))
        asked -= {row["measurement"] for row in audit.measurements(replace(faces, name=name))}
    assert not asked


def test_of_two_classes_that_mean_the_same_each_keeps_its_name():
    rows = audit.measurements(small([0, 1, 2], classes=("sadness", "sad", "anger")))
    named = [row["measurement"] for row in rows if row["measurement"].startswith("images")]
    assert named == [f"images(handmade, all, {label})" for label in ("sadness", "sad", "angry", "all")]


def test_what_was_held_out_of_a_training_split_counts_as_trained_on_and_a_set_that_was_divided_whole_has_no_splits():
    whole = small([0, 1] * 10, ["train"] * 12 + ["test"] * 8)
    counted = audit.measurements(whole)
    assert audit.measurements(splits.divide(whole, "75/25")) == counted
    lost = audit.measurements(splits.divide(whole, "80/10/10"))
    assert lost == audit.measurements(small([0, 1] * 10)) and lost != counted


def test_a_part_of_a_published_set_is_counted_under_another_name(monkeypatch):
    monkeypatch.setitem(published.RELEASES, "rafdb", ({"train": 3, "test": 1},))
    for split, name in ((["train"] * 3 + ["test"], "rafdb"), (["train"] * 4, "rafdb as imported")):
        rows = audit.measurements(replace(small([0, 0, 1, 1], split), name="rafdb"))
        assert {measurements.split(row["measurement"])[1][0] for row in rows} == {name}
        assert len(measurements.table(rows, faces=[replace(small([0, 0, 1, 1], split), name="rafdb")])) == len(rows)


@pytest.mark.parametrize("colour", [(), (3,)])
def test_constant_images_are_those_of_one_value(colour):
    pixels = np.random.default_rng(0).integers(0, 256, (5000, 3, 3, *colour)).astype(np.uint8)
    pixels[[0, 4095, 4096, 4999]] = np.array([0, 255, 7, 7], np.uint8).reshape(4, *[1] * (pixels.ndim - 1))
    pixels[1] = 9
    pixels[1].reshape(-1)[-1] = 10
    if colour:
        pixels[2] = (120, 0, 0)  # of one colour
    assert audit.constant(pixels).tolist() == [0, *[2] * bool(colour), 4095, 4096, 4999]


# --------------------------------------------------------------------------------------------------------- duplicates


@pytest.mark.parametrize(("count", "colour"), [(1, ()), (300, ()), (300, (3,)), (9000, ())])
def test_exact_duplicates_as_a_dictionary_of_bytes_finds_them(count, colour):
    pixels = np.random.default_rng(count).integers(0, 3, (count, 2, 3, *colour)).astype(np.uint8)
    seen = {}
    naive = [seen.setdefault(image.tobytes(), row) for row, image in enumerate(pixels)]
    assert audit.exact_duplicates(pixels).tolist() == naive
    assert colour or count == 1 or len(seen) < count


@pytest.mark.parametrize("seed", range(8))
def test_groups_as_union_find_finds_them(seed):
    draw = np.random.default_rng(seed)
    count = 60
    exact = audit.exact_duplicates(draw.integers(0, 50, (count, 1, 1)).astype(np.uint8))
    edges = np.sort(draw.integers(0, count, (draw.integers(1, 40), 2)), axis=1)
    edges = edges[edges[:, 0] < edges[:, 1]]
    parent = list(range(count))

    def root(row):
        return row if parent[row] == row else root(parent[row])

    for first, second in [*enumerate(exact), *edges]:
        low, high = sorted((root(first), root(second)))
        parent[high] = low
    pairs = pd.DataFrame({"first": edges[:, 0], "second": edges[:, 1], "score": 1.0})
    assert audit.groups(exact, pairs).tolist() == [root(row) for row in range(count)]
    assert audit.groups(exact, NO_PAIRS).tolist() == exact.tolist()


@pytest.mark.parametrize(("rendered", "least"), [(True, audit.SAME_SYNTHETIC), (False, audit.SAME)])
def test_rendered_faces_are_copies_where_they_are_more_alike(monkeypatch, rendered, least):
    asked = []
    monkeypatch.setattr(duplicates, "near_duplicates", lambda pixels, threshold: asked.append(threshold) or NO_PAIRS)
    assert audit.copies(replace(small([0, 1, 2]), synthetic=rendered)).tolist() == [0, 1, 2] and asked == [least]


def test_copies_as_the_audit_wrote_them_are_those_of_the_same_images(tmp_path):
    faces, path = small([0, 1, 2]), tmp_path / "duplicate_groups.csv"
    tables.save(pd.DataFrame({"row": [0, 1, 2], "near": [0, 0, 2]}), tmp_path, "duplicate_groups", faces)
    assert audit.copies(faces, path).tolist() == [0, 0, 2]
    for wrong, told in (
        (lambda table: table.iloc[::-1], "has 3 rows, not the 3 of handmade"),
        (lambda table: table.iloc[:2], "has 2 rows, not the 3 of handmade"),
        (lambda table: table.drop(columns="row"), "has no column row"),
        (lambda table: table.drop(columns="fingerprint"), "has no column fingerprint"),
        (lambda table: table.assign(fingerprint="0012"), r"is of other images \(0012\)"),
    ):
        wrong(pd.read_csv(path, dtype={"fingerprint": str})).to_csv(tmp_path / "wrong.csv", index=False)
        with pytest.raises(ValueError, match=rf"wrong\.csv {told}"):
            audit.copies(faces, tmp_path / "wrong.csv")


def test_score_duplicates_by_hand():
    pixels = np.arange(8, dtype=np.uint8)[:, None, None] * np.ones((1, 2, 2), np.uint8)
    pixels[5], pixels[7] = pixels[0], pixels[2]
    of, kind = [-1, -1, -1, 0, 0, 0, 1, -1], ["", "", "", "shift", "shift", "exact", "contrast", ""]
    faces = small(np.zeros(8, int), pixels=pixels, copy_of=of, copy_kind=kind)
    # two copies of one original, one of them to the byte; two that are the same by chance; two that are different
    found = audit.score_duplicates(faces, pairs_of((3, 4), (3, 5), (2, 7), (2, 6)))
    assert found.index.tolist() == ["contrast", "exact", "shift"]
    assert found["planted"].tolist() == [1, 1, 2] and found["found"].tolist() == [0, 1, 2]
    assert found["recall"].tolist() == [0, 1, 1] and found.attrs["precision"] == pytest.approx(3 / 4)
    none = audit.score_duplicates(faces, NO_PAIRS)
    assert none["found"].tolist() == [0, 1, 0] and np.isnan(none.attrs["precision"])
    with pytest.raises(KeyError, match="copy_of"):
        audit.score_duplicates(small([0, 1]), NO_PAIRS)


def test_score_duplicates_where_nothing_is_planted():
    faces = small([0, 1, 2], copy_of=-1, copy_kind="")
    found = audit.score_duplicates(faces, pairs_of((0, 1)))
    assert len(found) == 0 and found.attrs["precision"] == 0


def test_leakage_by_hand():
    faces = small(np.zeros(9, int), ["Training"] * 4 + ["A"] * 3 + ["B"] * 2)
    group = np.array([0, 0, 2, 3, 0, 5, 5, 0, 2])
    found = audit.leakage(faces, group)
    assert found.index.tolist() == ["Training", "A", "B"]
    assert found[["images", "redundant", "in_Training"]].to_numpy().tolist() == [[4, 1, 0], [3, 1, 1], [2, 0, 2]]
    assert found["share"].tolist() == pytest.approx([0, 1 / 3, 1])
    assert audit.leakage(faces, group, "A")["in_A"].tolist() == [2, 0, 1]
    alone = audit.leakage(small([0, 1]), np.array([0, 0]))
    assert alone.to_numpy().tolist() == [[2, 1, 0, 0]], "a set without splits leaks nothing"


def test_contradictions_by_hand():
    faces = small([0, 1, 1, 0, 0, 0, 2, 2])
    group = np.array([0, 0, 0, 3, 3, 5, 3, 7])  # calm glad glad | calm calm sore | calm | sore
    found = audit.contradictions(faces, group)
    assert found.to_numpy().tolist() == [[1, 2, 2], [2, 1, 0], [2, 0, 0]]
    assert list(found.index) == list(found) == list(CLASSES)
    assert audit.contradicted(faces, group).tolist() == [0, 1, 2, 3, 4, 6]
    assert found.index.name == "class"
    lacking = audit.contradictions(small([0, 1, 0]), np.array([0, 0, 0]))  # a class without an image
    assert lacking.to_numpy().tolist() == [[1, 2, 0], [2, 0, 0], [0, 0, 0]]
    apart = np.arange(8)
    assert (audit.contradictions(faces, apart).to_numpy() == 0).all() and audit.contradicted(faces, apart).size == 0


@pytest.mark.parametrize("seed", range(3))
def test_contradictions_as_counting_pairs_finds_them(seed):
    draw = np.random.default_rng(seed)
    label, group = draw.integers(0, 3, 40), draw.integers(0, 15, 40)
    naive = np.zeros((3, 3), int)
    for second in range(40):
        for first in range(second):
            if group[first] == group[second]:
                naive[label[first], label[second]] += 1
                naive[label[second], label[first]] += label[first] != label[second]
    assert audit.contradictions(small(label), group).to_numpy().tolist() == naive.tolist()


# ----------------------------------------------------------------------------------------------------- labels in doubt


def voted(label, votes, classes=FER2013_CLASSES):
    votes = np.array([[given.get(name, 0) for name in fer_votes.VOTES] for given in votes])
    columns = {f"votes_{name}": votes[:, index] for index, name in enumerate(fer_votes.VOTES)}
    return small(label, classes=classes, **columns)


def test_votes_against_the_label_by_hand():
    votes = [
        {"happiness": 6, "neutral": 4},  # agrees
        {"happiness": 4, "neutral": 6},  # disagrees
        {"happiness": 5, "neutral": 5},  # half is no majority
        {"NF": 9, "happiness": 1},  # no face, which is not the label
        {"anger": 10},  # an angry one
        {},  # nobody voted
    ]
    faces = voted([3, 3, 3, 3, 0, 0], votes)
    found = audit.vote_agreement(faces)
    assert found.index.tolist() == [*FER2013_CLASSES, "all"]
    assert found.loc["happy"].tolist() == pytest.approx([4, 1 / 4, 2 / 4, 1 / 4, 1 / 4, 0.4])
    assert found.loc["angry"].tolist() == pytest.approx([2, 1 / 2, 0, 1 / 2, 0, 0.5])
    assert found.loc["all"].tolist() == pytest.approx([6, 2 / 6, 2 / 6, 2 / 6, 1 / 6, 2.6 / 6])
    assert found.loc["disgust", "images"] == 0 and found["images"].dtype == int
    few = audit.vote_agreement(voted([3, 0], [{"NF": 4, "happiness": 6}, {"anger": 1}]))
    assert few.loc["happy", "no_face"] == 0 and few.loc["angry", "own_votes"] == 1
    assert np.array_equal(audit.voted_wrong(faces), [0, 1, np.nan, 1, 0, np.nan], equal_nan=True)
    with pytest.raises(KeyError, match="votes_neutral"):
        audit.vote_agreement(small([0]))


def test_votes_where_the_labels_are_those_of_ferplus():
    # its classes stand in another order than FER2013's, and there is one more
    faces = voted([1, 7, 0], [{"happiness": 9}, {"contempt": 6, "anger": 4}, {"anger": 8}], fer_votes.CLASSES)
    assert np.array_equal(audit.voted_wrong(faces), [0, 0, 1])
    assert audit.vote_agreement(faces).loc[["happiness", "contempt", "neutral"], "agree"].tolist() == [1, 1, 0]


def test_out_of_sample_keeps_a_group_on_one_side(monkeypatch):
    import sklearn.model_selection

    draw = np.random.default_rng(0)
    group = draw.integers(0, 40, 120)
    faces = small(draw.integers(0, 2, 120), classes=("a", "b"), pixels=draw.integers(0, 255, (120, 48, 48), np.uint8))
    folds, asked = [], {}

    def watch(model, features, labels, *, groups, cv, method):
        folds.extend(cv.split(features, labels, groups))
        asked.update(model=model, shape=features.shape, folds=cv)
        return np.zeros((len(labels), 2))

    monkeypatch.setattr(sklearn.model_selection, "cross_val_predict", watch)
    audit.out_of_sample(faces, group, folds=4)
    assert len(folds) == 4 and sorted(np.concatenate([test for _, test in folds])) == list(range(120))
    assert all(not set(group[train]) & set(group[test]) for train, test in folds)
    reduced, scaled, classified = asked["model"]
    assert asked["shape"] == (120, 5 * 5 * 2 * 2 * 9)  # nine directions in blocks of 2x2 cells of 8x8 pixels
    assert (reduced.n_components, reduced.random_state, asked["folds"].random_state) == (15, 0, 0)
    assert (type(scaled).__name__, classified.C, classified.max_iter) == ("StandardScaler", 0.05, 500)
    audit.out_of_sample(faces, group, seed=3)
    assert (asked["folds"].n_splits, asked["folds"].random_state, asked["model"][0].random_state) == (5, 3, 3)
    many = np.arange(804) % 120
    monkeypatch.setattr("skimage.feature.hog", lambda image, *how: image[0])
    audit.out_of_sample(Faces("many", faces.pixels[many], faces.table.iloc[many], ("a", "b")), group[many], folds=2)
    assert asked["model"][0].n_components == 200  # and no more, however many images


def test_what_is_known_of_a_copy_does_not_help():
    draw = np.random.default_rng(1)
    copies = np.arange(320) // 8 * 8
    pixels = draw.integers(0, 256, (320, 48, 48), np.uint8)[copies]
    label = draw.integers(0, 2, 320)[copies]  # at random, so that only a copy tells
    faces = small(label, classes=("a", "b"), pixels=pixels)
    told = audit.out_of_sample(faces, np.arange(320)).argmax(axis=1)
    blind = audit.out_of_sample(faces, copies).argmax(axis=1)
    assert (told == label).mean() > 0.85, "without groups the copies are learnt by heart"
    assert (blind == label).mean() < 0.7  # two and a half standard errors of 40 coins


def test_out_of_sample_gives_a_column_a_class_also_to_one_without_images():
    draw = np.random.default_rng(0)
    label = np.repeat([0, 2], 30)
    pixels = draw.integers(0, 60, (60, 48, 48), np.uint8)
    pixels[label == 2, :, 20:28] += 150
    faces = small(label, pixels=pixels)
    probabilities = audit.out_of_sample(faces, np.arange(60))
    assert probabilities.shape == (60, 3) and (probabilities[:, 1] == 0).all()
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(60))
    assert (probabilities.argmax(axis=1) == label).all()
    found = audit.label_errors(faces, probabilities)
    assert not found["suspected"].any() and (found["quality"] > 0.5).all()


@pytest.fixture(scope="module")
def doubted():
    faces = datasets.load("synthfer", images=1200, wrong_labels=0.15)
    probabilities = audit.out_of_sample(faces, np.arange(1200), folds=3)
    return faces, probabilities, audit.label_errors(faces, probabilities)


def test_planted_label_errors_are_found_better_than_by_chance(doubted):
    faces, probabilities, found = doubted
    wrong = (faces.table["true_label"] != faces.labels).to_numpy(float)
    score = audit.score_label_errors(found, wrong, resamples=200)
    assert probabilities.shape == (1200, 7) and score["images"] == 1200
    assert score["wrong_share"] == pytest.approx(wrong.mean())
    assert 0.6 < score["auroc_low"] <= score["auroc"] <= score["auroc_high"] < 1
    assert score["precision"] > 1.3 * score["wrong_share"] and score["recall"] > score["suspected_share"]
    assert found["label"].tolist() == faces.labels.tolist()
    assert found["suggested"].tolist() == probabilities.argmax(axis=1).tolist()


def test_same_seed_same_probabilities_and_interval(doubted):
    faces, _, found = doubted
    rows = np.arange(200)
    few = Faces("few", faces.pixels[rows], faces.table.iloc[rows], faces.classes)
    first, again, other = (audit.out_of_sample(few, rows, 2, seed) for seed in (0, 0, 1))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    wrong = (faces.table["true_label"] != faces.labels).to_numpy(float)
    first, again, other = (audit.score_label_errors(found, wrong, seed, 50) for seed in (0, 0, 1))
    assert first.equals(again) and first["auroc_low"] != other["auroc_low"] and first["auroc"] == other["auroc"]


def test_score_label_errors_by_hand():
    quality = [0.1, 0.2, 0.8, 0.9, 0.0, 0.3]
    found = pd.DataFrame({"quality": quality, "suspected": [True, True, False, False, True, False]})
    score = audit.score_label_errors(found, np.array([1.0, 0, 0, 0, np.nan, 1]), resamples=100)
    expected = {"images": 5, "wrong_share": 2 / 5, "suspected_share": 2 / 5, "precision": 1 / 2, "recall": 1 / 2}
    assert score[list(expected)].to_dict() == pytest.approx(expected)
    assert score["auroc"] == pytest.approx(5 / 6)  # of six pairs, a wrong label is doubted less than a right one in one
    assert score["auroc_low"] <= score["auroc"] <= score["auroc_high"]


def test_one_wrong_label_among_two_can_be_told():
    found = pd.DataFrame({"quality": [0.1, 0.5], "suspected": [True, False]})
    score = audit.score_label_errors(found, np.array([1.0, 0.0]), resamples=20)
    assert score[["auroc", "auroc_low", "auroc_high"]].tolist() == [1, 1, 1]


@pytest.mark.parametrize("wrong", [[0, 0, 0], [1, 1, 1], [np.nan] * 3, [np.nan, 0, 0]])
def test_score_label_errors_where_there_is_nothing_to_tell_apart(wrong):
    found = pd.DataFrame({"quality": [0.1, 0.5, 0.9], "suspected": [True, False, False]})
    score = audit.score_label_errors(found, np.array(wrong, float), resamples=10)
    assert score["images"] == np.isfinite(wrong).sum()
    assert score[["auroc", "auroc_low", "auroc_high"]].isna().all()


# ----------------------------------------------------------------------------------------------------- light and shape


@pytest.mark.parametrize("colour", [(), (3,)])
def test_brightness_and_mean_faces_by_hand(colour):
    pixels = np.zeros((3, 2, 2, *colour), np.uint8)
    pixels[0], pixels[1], pixels[2, 0] = 10, 20, 200
    faces = small([0, 0, 2], ["Training", "Test", "Test"], pixels=pixels)
    found = audit.brightness(faces)
    assert found["mean"].tolist() == [10, 20, 100] and found["contrast"].tolist() == [0, 0, 100]
    if colour:
        red = audit.brightness(replace(faces, pixels=np.full_like(pixels, (200, 0, 0))))
        assert red["mean"].tolist() == [60] * 3 and red["contrast"].tolist() == [0] * 3, "by luminance"
    assert found["class"].tolist() == ["calm", "calm", "sore"] and found["split"].tolist() == [
        "Training",
        "Test",
        "Test",
    ]
    assert found["class"].cat.categories.tolist() == list(CLASSES)
    means = audit.mean_faces(faces)
    assert means.shape == (3, 2, 2, *colour)
    assert (means[0] == 15).all() and np.isnan(means[1]).all() and np.array_equal(means[2], pixels[2])
    assert (audit.mean_faces(faces, [1])[0] == 20).all() and np.isnan(audit.mean_faces(faces, [1])[2]).all()


def peak_memory(run):
    """Bytes that `run` holds at most beside what there was."""
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_mean_faces_and_nearest_labels_go_through_a_large_set_by_parts():
    pixels = np.random.default_rng(0).integers(0, 256, (4000, 48, 48), np.uint8)
    faces = small([0] * 4000, ["Training"] * 3000 + ["Test"] * 1000, pixels=pixels)
    assert np.array_equal(audit.mean_faces(faces)[0], pixels.mean(axis=0))
    assert peak_memory(lambda: audit.mean_faces(faces)) < pixels.nbytes / 2
    compared = 3000 * 48 * 48 * 4  # bytes
    assert peak_memory(lambda: audit.nearest_labels(faces, faces.rows("Test"))) < 2 * compared


def test_images_without_copies_from_the_audits_table_or_searched_for(tmp_path):
    faces = datasets.load("synthfer", images=300)
    exact = audit.exact_duplicates(faces.pixels)
    table = splits.mask(faces, exact, audit.groups(exact, audit.near_duplicates(faces.pixels, audit.SAME_SYNTHETIC)))
    found = audit.without_copies(faces, "PrivateTest")
    assert not all(found["deduplicated"]) and found["near_deduplicated"].sum() <= found["deduplicated"].sum()
    table.assign(deduplicated=1).to_csv(tmp_path / "test_mask.csv", index=False)
    read = audit.without_copies(faces, "PrivateTest", tmp_path / "test_mask.csv")
    assert all(read["deduplicated"]) and read["near_deduplicated"].tolist() == found["near_deduplicated"].tolist()


def test_the_nearest_label_is_that_of_the_image_most_like_it(rendered):
    draw = np.random.default_rng(0)
    rows = rendered.rows("Training")[:30]
    pixels = np.concatenate(
        [rendered.pixels[rows], np.clip(rendered.pixels[rows] * 0.8 + draw.normal(20, 3, (30, 48, 48)), 0, 255)]
    )
    labels = np.concatenate([np.arange(30) % 3, np.full(30, 2)])
    faces = Faces("copied", pixels.astype(np.uint8), table(labels, ["Training"] * 30 + ["Test"] * 30), CLASSES)
    assert audit.nearest_labels(faces, faces.rows("Test")).tolist() == labels[:30].tolist()


def test_who_knows_which_labels_are_wrong():
    assert audit.known_wrong(small([0, 1])) == ("", None)
    judge, wrong = audit.known_wrong(small([0, 1, 2], true_label=[0, 2, 2]))
    assert judge == "what was planted" and wrong.tolist() == [0, 1, 0] and wrong.dtype == float
    happy, sad = (FER2013_CLASSES.index(name) for name in ("happy", "sad"))
    faces = voted([happy, sad], [{"happiness": 8}, {"happiness": 8}])
    judge, wrong = audit.known_wrong(faces)
    assert judge == "the FER+ votes" and wrong.tolist() == [0, 1]
