"""The rendered sets: their counts, what is planted in them, and that the faces show what their labels say."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fercore.datasets import synthetic
from fercore.datasets.faces import FER2013_CLASSES, DataError

N = 1500


def memory(shape):
    return np.empty(shape, np.uint8)


@pytest.fixture(scope="module")
def fer():
    return synthetic.read("synthfer", images=N, allocate=memory)


@pytest.fixture(scope="module")
def ck():
    return synthetic.read("synthck", images=600, allocate=memory)


# ---------------------------------------------------------------------------------------------------------- the plan


def test_synthfer_has_the_counts_of_fer2013_label_by_label_and_split_by_split():
    frame, _ = synthetic.plan("synthfer")
    assert len(frame) == 35_887
    for split, counts in zip(synthetic.SPLITS, synthetic.FER2013_COUNTS, strict=True):
        assert tuple(np.bincount(frame["label"][frame["split"] == split], minlength=7)) == counts
    assert [sum(counts) for counts in synthetic.FER2013_COUNTS] == [28_709, 3_589, 3_589]
    borders = np.flatnonzero(frame["split"].to_numpy()[1:] != frame["split"].to_numpy()[:-1]) + 1
    assert borders.tolist() == [28_709, 32_298]
    assert tuple(frame["split"].unique()) == synthetic.SPLITS
    assert not frame["source"].duplicated().any()


def test_what_is_planted_in_synthfer_has_the_announced_size():
    frame, (rows, *_, blank) = synthetic.plan("synthfer")
    copies = frame[frame["copy_of"] >= 0]
    own = frame.index.isin(rows)
    assert (copies["copy_kind"] == "exact").sum() == round(0.05 * len(frame))
    assert (copies["copy_kind"] != "exact").sum() == round(0.02 * len(frame))
    assert set(copies["copy_kind"]) == {"exact", "contrast", "shift", "recompressed"}
    assert abs((frame["label"] != frame["true_label"])[own].mean() - 0.06) < 0.001
    assert len(blank) == 12
    assert len(rows) + len(copies) + len(blank) == len(frame)
    test = (frame["split"] != "Training").to_numpy()
    leaked = (frame["copy_kind"] == "exact").to_numpy() & test
    assert abs(leaked.sum() / test.sum() - 0.08) < 0.002
    origin = frame["copy_of"].to_numpy()[frame["copy_of"] >= 0]
    assert set(frame["split"].to_numpy()[origin]) == {"Training"}
    assert (frame["copy_of"].to_numpy()[origin] == -1).all(), "a copy of a copy"
    contrary = (copies["label"].to_numpy() != frame["label"].to_numpy()[origin]).mean()
    assert abs(contrary - 0.04) < 0.002
    assert (copies["true_label"].to_numpy() == frame["true_label"].to_numpy()[origin]).all()
    # position gives nothing away: classes, copies and wrong labels lie all over a split
    assert (np.diff(frame["label"]) == 0).mean() < 0.2
    for marked in (frame["copy_of"] >= 0, frame["label"] != frame["true_label"]):
        place = np.flatnonzero(marked.to_numpy()[:28_709]) / 28_709
        assert abs(place.mean() - 0.5) < 0.04 and np.corrcoef(marked[:-1], marked[1:])[0, 1] < 0.05


@pytest.mark.parametrize("images", [200, 333, 1000, 35_886])
def test_a_smaller_synthfer_keeps_the_proportions_and_every_class_in_every_split(images):
    frame, _ = synthetic.plan("synthfer", images=images)
    assert len(frame) == images
    counts = np.array([np.bincount(frame["label"][frame["split"] == s], minlength=7) for s in synthetic.SPLITS])
    exact = np.array(synthetic.FER2013_COUNTS) * images / 35_887
    assert counts.min() >= 1
    assert (abs(counts - exact) < 1).all() or images < 1000
    assert abs(counts - exact).max() < 4


def test_synthck_has_the_counts_of_the_microexpnet_paper():
    frame, _ = synthetic.plan("synthck")
    assert len(frame) == 1_574
    assert np.bincount(frame["label"]).tolist() == [593, 135, 54, 177, 75, 207, 84, 249]
    assert frame["subject"].nunique() == 123 and frame["sequence"].nunique() == 593
    assert (frame["split"] == "").all()
    sequences = frame.groupby("sequence")
    assert (sequences["subject"].nunique() == 1).all()
    assert sorted(sequences.size().unique()) == [1, 4]
    assert (sequences.size() == 4).sum() == 327
    for _, frames in sequences:
        assert frames["label"].iloc[0] == 0 and frames["label"].iloc[1:].nunique() <= 1
    peaks = frame[frame["label"] > 0].drop_duplicates("sequence")
    assert not peaks.duplicated(["subject", "label"]).any(), "nobody has the same expression twice"


def test_synthoulu_has_six_expressions_a_subject():
    frame, _ = synthetic.plan("synthoulu")
    assert len(frame) == 1_440 and frame["subject"].nunique() == 80 and frame["sequence"].nunique() == 480
    assert (frame.groupby(["subject", "label"]).size() == 3).all()
    assert (frame["label"] == frame["true_label"]).all() and (frame["copy_of"] == -1).all()


def test_peak_frames_grow_stronger_and_the_first_is_neutral():
    _, (_, units, *_) = synthetic.plan("synthck")
    frame, _ = synthetic.plan("synthck")
    total = units.sum(1)
    growing = [np.diff(total[rows]).min() >= 0 for rows in frame.groupby("sequence").indices.values() if len(rows) == 4]
    assert np.mean(growing) > 0.95


def test_the_laboratory_sets_can_be_spoilt_on_request_and_stay_within_a_person():
    frame, _ = synthetic.plan("synthck", wrong_labels=0.1, copies=0.1, near_copies=0.05)
    assert np.bincount(frame["label"]).tolist() == [593, 135, 54, 177, 75, 207, 84, 249]
    copies = frame[frame["copy_of"] >= 0]
    assert len(copies) == 157 + 79
    assert (frame["subject"].to_numpy()[copies["copy_of"]] == copies["subject"]).all()
    assert 0.08 < (frame["label"] != frame["true_label"]).mean() < 0.13


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("synthfer", {"images": 199}),
        ("synthck", {"images": 99}),
        ("synthoulu", {"images": 100}),
        ("synthoulu", {"images": 0}),
        ("synthfer", {"copies": 0.6}),
        ("synthfer", {"wrong_labels": -0.1}),
        ("fer2013", {}),
    ],
)
def test_what_cannot_be_had_is_refused(name, settings):
    with pytest.raises(DataError):
        synthetic.read(name, **settings)


# --------------------------------------------------------------------------------------------------------- the images


def test_the_sets_say_that_they_are_rendered(fer, ck):
    assert fer.synthetic and ck.synthetic and "not comparable" in fer.notes[0]
    assert fer.pixels.shape == (N, 48, 48) and ck.pixels.shape == (600, 84, 84)
    assert fer.classes == FER2013_CLASSES and ck.classes == synthetic.CK_CLASSES
    assert synthetic.read("synthoulu", images=18, allocate=memory).pixels.shape == (18, 84, 84)


def test_same_arguments_same_bytes_and_another_seed_other_faces(fer):
    again = synthetic.read("synthfer", images=N, allocate=memory)
    assert again.pixels.tobytes() == fer.pixels.tobytes() and again.table.equals(fer.table)
    other = synthetic.read("synthfer", images=N, seed=1, allocate=memory)
    assert not (other.pixels == fer.pixels).all((1, 2)).any()
    assert not other.table["true_label"].equals(fer.table["true_label"])


def test_copies_are_what_the_table_says(fer):
    frame, flat = fer.table, fer.pixels.reshape(N, -1)
    blank = flat.min(1) == flat.max(1)
    assert blank.sum() == 1
    own = flat[(frame["copy_of"] < 0).to_numpy()]
    assert len(np.unique(own, axis=0)) == len(own), "two images that are not marked are the same"
    for i in np.flatnonzero(frame["copy_of"] >= 0):
        origin = frame["copy_of"][i]
        assert (flat[i] == flat[origin]).all() == (frame["copy_kind"][i] == "exact")
        if frame["copy_kind"][i] == "shift":
            inner = fer.pixels[i, 2:-2, 2:-2]
            moves = [(d, r) for d in range(5) for r in range(5) if (d, r) != (2, 2)]
            assert any((fer.pixels[origin, d : d + 44, r : r + 44] == inner).all() for d, r in moves)
        else:
            assert np.corrcoef(flat[i], flat[origin])[0, 1] > 0.9
    assert (frame["copy_kind"] == "shift").any() and (frame["copy_kind"] == "recompressed").any()


def test_pixels_go_where_they_are_allocated():
    asked = []

    def allocate(shape):
        asked.append(np.empty(shape, np.uint8))
        return asked[-1]

    faces = synthetic.read("synthoulu", images=36, allocate=allocate)
    assert faces.pixels is asked[0] and len(asked) == 1


def test_expressions_can_be_learnt_but_not_by_heart():
    faces = synthetic.read("synthfer", images=3000, wrong_labels=0, copies=0, near_copies=0, allocate=memory)
    small = faces.pixels.reshape(-1, 24, 2, 24, 2).mean((2, 4))
    detail = np.concatenate([np.diff(small, axis=1).reshape(3000, -1), np.diff(small, axis=2).reshape(3000, -1)], 1)
    train, test = faces.rows("Training"), np.concatenate([faces.rows("PublicTest"), faces.rows("PrivateTest")])
    model = make_pipeline(StandardScaler(), LogisticRegression(C=1e-3, max_iter=200, tol=1e-2))
    model.fit(detail[train], faces.labels[train])
    guessed = model.predict(detail[test])
    accuracy = (guessed == faces.labels[test]).mean()
    assert 0.45 < accuracy < 0.9, accuracy  # always saying "happy" gives 0.25
    assert (guessed[faces.labels[test] == 3] == 3).mean() > 0.6
