"""Sentences on distilled students say what the values are, whichever way these turn out."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fercore.datasets.faces import Faces, table
from fercore.evaluation import statistics
from fercore.pipeline.parameters import read_params
from fercore.reporting import student_sentences as sentences
from fercore.results.measurements import OTHERWISE
from fercore.studies import mini_resemotenet as study

PAPER = Path(__file__).parents[2] / "params/paper/06_mini_resemotenet.yaml"
COUNTED = {
    "parameters(resemotenet, 7)": 1000,
    "parameters(mini_resemotenet_a, 7)": 250,
    "parameters(mini_resemotenet_b, 7)": 60,
    "parameters(mini_resemotenet_c, 7)": 20,
    "size(resemotenet, 7, parameters)": 300e6,
    "size(mini_resemotenet_a, 7, parameters)": 60e6,
    "macs(resemotenet, 7, 3x64x64)": 4.65e9,
    "macs(mini_resemotenet_a, 7, 3x64x64)": 4.65e8,
}
PAIR = ["resemotenet", "mini_resemotenet_a"]


def scores(**values):
    rows = {
        name: {"value": value, "low": value - 0.05, "high": value + 0.05, "seeds": 2} for name, value in values.items()
    }
    return pd.DataFrame(rows).T


def test_shares_of_the_teachers_parameters():
    assert "A (25.0 %), B (6.0 %), C (2.0 %)" in sentences.sizes(COUNTED)


def test_weights_that_meet_padding_alone():
    said = sentences.unused(study.unused())
    assert "44,040,192 of the teacher's 80,238,599 parameters, 54.9 %, only ever multiply padding" in said
    assert "(A 54.9 %, B 54.8 % and C 54.6 %): C, of 1,259,911 parameters, works with 571,783" in said


def test_the_nearest_batches_are_named_and_what_weights_alone_would_take():
    batches = pd.DataFrame(
        {"resemotenet": [100.0, 10.0], "mini_resemotenet_a": [102.0, 30.0], "mini_resemotenet_b": [50.5, 90.0]},
        index=pd.MultiIndex.from_tuples([("one", "kept"), ("other", "kept")], names=["data", "way"]),
    )
    printed = {"one": {PAIR[0]: 900.0, PAIR[1]: 500.0}, "other": {PAIR[0]: 700.0, PAIR[1]: 690.0}}
    told = sentences.batches(batches, printed, COUNTED)
    assert "those of one, *kept*: resemotenet 100, mini_resemotenet_a 102 and mini_resemotenet_b 50" in told
    assert "within 2.0 %" in told and "0.50 times as large" in told
    assert "400 MB on one and 10 MB on other more than A; its weights alone are 240 MB more." in told
    assert "So no batch that both share explains other." in told


def test_times_against_the_cards_arithmetic():
    speeds = pd.DataFrame({1: [10.0, 5.0], 16: [4.0, 1.0]}, index=PAIR)
    told = sentences.times(speeds, COUNTED, lambda name: 2e-3 if "mini" not in name else 2e-4)
    assert "resemotenet 2.00 ms (50 % of the card's peak FLOP/s)" in told
    assert "At batch 16 this machine takes 0.25 of the teacher's time for the others; the paper has 0.10" in told


def test_scores_say_who_is_above_one_class_and_what_is_printed_on_real_faces_alone():
    told = sentences.scores(scores(teacher=0.6, E6=0.3), 0.25, lambda name: 0.7979, {"teacher": ""})
    assert "teacher (60.0 %), C (E6) (30.0 %)" in told and "above it with the whole interval: 1 of 2" in told
    assert "Ways to train a student that are as good as the teacher or better: 0 of 1." in told
    assert "The paper's teacher, trained here: 60.0 %, where 79.79 % is printed" in told
    assert "printed" not in sentences.scores(scores(teacher=0.6), 0.25, lambda name: np.nan, {"teacher": ""})
    other = sentences.scores(scores(teacher=0.6, E6=0.3), 0.25, lambda name: 0.7979, {})
    assert "printed" not in other and "teacher (60.0 %)" in other, "a teacher that is another network"
    assert sentences.scores(scores(teacher=0.6)[:0], 0.25, lambda name: 0.7, {}) == "Nothing has been trained yet."


def test_of_two_teachers_the_papers_is_held_against_what_is_printed_and_neither_is_a_student():
    both = scores(**{"teacher": 0.5, "second teacher": 0.6, "E6": 0.55, "E6 by resemotenet": 0.4})
    told = sentences.scores(both, 0.25, lambda name: 0.7979, {"second teacher": "20 of 80 epochs"})
    assert "as good as the first teacher or better: 1 of 2." in told
    assert "as good" not in sentences.scores(both.iloc[:2], 0.25, lambda name: np.nan, {}), "no student yet"
    assert told.endswith("The paper's teacher, trained here: 60.0 % (20 of 80 epochs), where 79.79 % is printed.")


def test_students_of_a_second_teacher_are_told_beside_those_of_the_first_and_those_of_none():
    labels = np.arange(400) % 2
    right = {"E6": 300, "c alone": 100, study.by("E6", "resemotenet"): 200}
    predicted = {name: {1: np.where(np.arange(400) < count, labels, 1 - labels)} for name, count in right.items()}
    table = study.by_second_teacher(labels, predicted, "resemotenet", 2)
    told = sentences.teachers(table, "resemotenet, 20 of 80 epochs")
    assert told.startswith(
        "The second teacher is resemotenet, 20 of 80 epochs. Accuracy with it minus accuracy with the first teacher: "
        "-25.0 points ["
    )
    assert "] for C (E6) (1 seed). Accuracy with it minus accuracy without a teacher: +25.0 points [" in told
    assert "] for C (E6) (1 seed). With one" in told
    both = predicted | {study.TEACHER: {42: labels}, study.SECOND: {7: predicted["E6"][1]}}
    told = sentences.teachers(study.by_second_teacher(labels, both, "resemotenet", 2), "resemotenet")
    assert told.startswith(
        "The second teacher is resemotenet. Its accuracy minus that of the first teacher: -25.0 points"
    )
    alone = {name: both[name] for name in (study.TEACHER, study.SECOND)}
    told = sentences.teachers(study.by_second_teacher(labels, alone, "resemotenet", 2), "resemotenet")
    assert "]. No student of it has been trained yet. With one" in told


def test_the_row_of_a_teacher_who_taught_nobody_in_the_papers_tables_is_explained():
    paper = study.Protocol.of(read_params(PAPER))
    second = {"network": "resemotenet", "epochs": 20, "precision": "bf16", "teaches": []}
    here = replace(paper, teacher_network="lean_250k", teacher_weights="fer2013", second_teacher=second)
    told = sentences.taught_by(here, paper, pd.Series({study.TEACHER: 0.666, study.SECOND: 0.603}))
    assert told == (
        "The row *teacher* is resemotenet, 20 of 80 epochs, precision bf16; the students in these tables were not "
        "taught by it, but by lean&#95;250k (66.6 %)."
    )
    assert sentences.taught_by(here, paper, pd.Series({study.TEACHER: 0.666})) == "", "which is not trained yet"
    assert sentences.taught_by(paper, paper, pd.Series({study.TEACHER: 0.666})) == "", "it is the only one"
    both = pd.Series({study.TEACHER: 0.666, study.SECOND: 0.603})
    whole = replace(here, second_teacher={**second, "epochs": 80, "precision": "fp32"})
    assert sentences.taught_by(whole, paper, both) == "", "the students in the tables are its own"
    other = replace(paper, second_teacher={**second, "network": "lean_65k"})
    assert sentences.taught_by(other, paper, both) == "", "the row is of the first"


def test_when_learning_rates_were_cut_is_told_where_it_differs():
    index = pd.MultiIndex.from_tuples([("c alone", 1), ("c alone", 2), ("E6", 1)], names=["training", "seed"])
    table = pd.DataFrame({"rate_cut": pd.array([pd.NA, 79, 50], "Int64")}, index)
    told = " The learning rate was first cut in epoch: C alone never and 79; C (E6) 50. So a difference between two"
    assert sentences.rate_cuts(table).startswith(told)
    assert sentences.rate_cuts(table.iloc[:1]) == sentences.rate_cuts(table.iloc[1:2]) == ""


def test_students_and_teacher_are_called_as_papers_have_them():
    named = {name: sentences.called(name, "lean_250k") for name in ("teacher", "c alone", "E6", "full, no teacher")}
    assert list(named.values()) == ["teacher: lean_250k", "C alone", "C (E6)", "full, no teacher"]
    assert sentences.called(study.other_reading("E4")) == "B (E4, by the text)"
    assert sentences.called(study.by("E1", "resemotenet")) == "A (E1 by resemotenet)"
    assert sentences.called("teacher") == "teacher"
    assert "C alone (30.0 %)" in sentences.scores(scores(**{"c alone": 0.3}), 0.25, lambda name: np.nan, {})


def gains(value, seeds=2):
    index = pd.MultiIndex.from_tuples([("E6", "published", "accuracy")], names=["experiment", "part", "score"])
    row = {"size": "c", "epochs": 80, "seeds": seeds, "value": value, "low": value - 0.01, "high": value + 0.01}
    return pd.DataFrame([row], index=index)


@pytest.mark.parametrize(("value", "told"), [(0.02, "E6"), (-0.02, "E6"), (0.005, "none")])
def test_what_a_teacher_adds(value, told):
    text = sentences.gains(gains(value))
    assert f"C (E6, 2 seeds) {100 * value:+.1f} points [{100 * value - 1:+.1f}, {100 * value + 1:+.1f}]" in text
    assert f"leave out 0: {told}." in text and "With one seed" not in text and "stays open" in text
    assert "With one seed, an interval" in sentences.gains(gains(value, seeds=1))
    both = pd.concat([gains(value), gains(value + 0.1).assign(size="b").rename(index={"E6": "E3"})])
    assert "At α = 0.20 the largest estimate is B's." in sentences.gains(both)
    apart = sentences.gains(both.rename(index={"E3": "E4"}))
    assert "largest" not in apart and "No two sizes are taught with the same α here" in apart, "0.20 and 0.15"
    shorter = sentences.gains(pd.concat([both, gains(value).assign(size="a", epochs=20).rename(index={"E6": "E1"})]))
    assert "At α = 0.20 and 80 epochs the largest estimate is B's." in shorter and "20 epochs" not in shorter
    other = sentences.gains(both.assign(epochs=[80, 20]))
    assert "No two sizes are taught with the same α and for the same epochs here" in other
    assert (
        f"{'E3' if told == 'none' else 'E6 and E3'} (of 2, not adjusted for their number)." in sentences.gains(both)
        and "compared with the same" not in apart
    )
    shared = sentences.gains(both.assign(size="b").rename(index={"E6": "E5"}))
    assert " E5 and E3 are compared with the same training without a teacher." in shared
    noted = both.assign(note=[statistics.TOO_FEW, ""])
    assert sentences.gains(noted).endswith(" Few images: the interval may be too short (*E6*).")


def test_students_that_were_trained_for_other_epochs_are_named():
    paper = study.Protocol.of(read_params(PAPER))
    assert sentences.unequal_epochs(paper, ["E1", "E6"]) == ""
    here = replace(paper, epochs_of={"a": 20, "b": 80})
    told = " Not all students were trained for the same number of epochs: A for 20 and C for 80."
    assert sentences.unequal_epochs(here, ["E1", "c alone", "T 1"]) == told
    assert sentences.unequal_epochs(here, ["E1", "a alone"]) == sentences.unequal_epochs(here, ["E3", "E6"]) == ""
    second = {"network": "resemotenet", "epochs": 20, "precision": "bf16", "teaches": ["E1"]}
    taught = replace(here, teacher_network="lean_250k", teacher_weights="fer2013", second_teacher=second)
    epochs = {"a alone": 20, "E1 by resemotenet": 20, "E6": 80, "T 1": 80}
    variants = {name: {"recipe": replace(taught.recipe, epochs=own)} for name, own in epochs.items()}
    assert sentences.names(variants, taught) == {
        "teacher": "teacher: lean_250k", "second teacher": "second teacher: resemotenet, 20 epochs",
        "a alone": "A alone, 20 epochs", "E1 by resemotenet": "A (E1 by resemotenet), 20 epochs", "E6": "C (E6)",
        "T 1": "T 1",
    }  # fmt: skip


def test_whether_the_reading_of_the_loss_matters():
    table = pd.DataFrame({"seeds": [1], "value": [0.03], "low": [0.01], "high": [0.05]}, index=["E6"])
    told = sentences.reading(table)
    assert "E6 +3.0 points [+1.0, +5.0] (1 seed). These trainings are further apart than other images explain" in told
    assert "With one seed" in told and "It matters" not in told, "a single seed of each may differ by as much"
    assert "It matters here" in sentences.reading(table.assign(seeds=2))
    assert "With one seed" not in sentences.reading(table.assign(seeds=2))
    assert "not told apart here" in sentences.reading(table.assign(low=-0.01))


SPLITS = ["Training", "PublicTest", "PrivateTest"]
FACES = Faces("x", np.zeros((3, 8, 8), np.uint8), table([0, 0, 0], SPLITS), ("glad",), True)


def searched(values, behind, seeds=1):
    """Settings T 1, T 2, and so on: accuracy, and what each is behind the best with its interval."""
    index = [f"T {number}" for number in range(1, len(values) + 1)]
    table = pd.DataFrame(behind, index, ["behind", "behind_low", "behind_high"])
    return table.assign(value=values, low=np.array(values) - 0.016, high=np.array(values) + 0.016, seeds=seeds, note="")


def test_whether_a_search_has_found_anything_is_told_by_pairs():
    """Two answers to one image stand and fall together: they may be told apart where their intervals overlap."""
    best, apart = [np.nan] * 3, [0.025, 0.017, 0.033]
    told = sentences.search(searched([0.5, 0.525], [apart, best]), 0.49, FACES)
    assert "Best on PublicTest is *T 2*, worst *T 1*, +2.5 points [+1.7, +3.3] apart on the same images:" in told
    assert "more than chance among images gives two settings." in told and "furthest" not in told
    assert "With one seed" in told and told.endswith("On PrivateTest, which chose nothing, *T 2* scores 49.0 %.")
    found = searched([0.5, 0.525, 0.52], [apart, best, apart], seeds=3)
    told = sentences.search(found, 0.49, FACES)
    assert (
        "among images and seeds gives" in told and "Two of 3 that were picked" in told and "With one seed" not in told
    )
    told = sentences.search(found.assign(behind_low=-0.001), 0.49, FACES)
    assert "nothing that noise could not" in told and "picked" not in told
    told = sentences.search(found.assign(behind_low=np.nan, behind_high=np.nan), 0.49, FACES)
    assert "+2.5 points apart on the same images: for all seeds alike" in told
    told = sentences.search(searched([0.5, 0.5], [best, [0, -0.01, 0.01]]), 0.49, FACES)
    assert told == "On PublicTest all 2 settings score 50.0 %: none is best."


def test_what_copies_add():
    index = pd.MultiIndex.from_product([["copies", "the test set"], [study.ALL, "those with a copy"]])
    table = pd.DataFrame({"images": [3589, 288] * 2, "value": [0.01, 0.2, 0.4, 0.3]}, index)
    table = table.assign(low=table["value"] - 0.02, high=table["value"] + 0.02, seeds=2, note="")
    told = sentences.copies(table)
    assert told.startswith(
        "Copies in training change accuracy by +1.0 points [-1.0, +3.0] on all tested images (3,589) and +20.0 points "
        "[+18.0, +22.0] on those with a copy (288). Training on the test set, too, changes accuracy by +40.0 points"
    )
    assert "With one seed" not in told and "With one seed" in sentences.copies(table.assign(seeds=1))
    noted = sentences.copies(table.assign(note=["", statistics.TOO_FEW, "", ""]))
    assert noted.endswith("too short (*copies those with a copy*).")
    assert "Training on" not in sentences.copies(table.loc[["copies"]]), "the other has not been trained"


def test_what_is_confused_and_what_is_hard():
    faces = Faces("x", np.zeros((4, 8, 8), np.uint8), table([0, 0, 1, 1]), ("glad", "sad"), True)
    told = sentences.confused(np.array([[1, 3], [0, 4]]), faces)
    assert "*glad* is taken for *sad*: 3 times." in told and "sad (100 %), glad (25 %)" in told
    told = sentences.confused(np.array([[1, 2.5], [0, 4]]), faces, 2)
    assert "*glad* is taken for *sad*: 2 times, in the mean over 2 seeds." in told
    told = sentences.confused(np.array([[3, 0], [0, 0]]), faces)
    assert told == "All answers are right. Recall: glad (100 %)."
    told = sentences.hardest(pd.Series({"glad": 0.8, "sad": 0.5}))
    assert "Easiest is *glad* (80 %), hardest *sad* (50 %). Below 60 %: sad." in told
    told = sentences.hardest(pd.Series({"a": 0.801, "b": 0.799, "c": 0.596}))
    assert "Easiest is *a* and *b* (80 %), hardest *c* (60 %). Below 60 %: none." in told, "by what is shown"
    assert sentences.hardest(pd.Series({"a": 0.5, "b": 0.5})) == "All classes have an F1 of 50 %."
    assert "hardest *b* and *c* (0 %). Below 60 %: all." in sentences.hardest(pd.Series({"a": 0.1, "b": 0, "c": 0}))


def test_the_order_of_an_ablation_on_two_splits():
    first, second = scores(backbone=0.5, full=0.6, teacher=0.7), scores(backbone=0.4, full=0.5)
    assert "the rows have the same order" in sentences.ablation(first, second, 0.25)
    assert "the rows have another order" in sentences.ablation(first, scores(backbone=0.6, full=0.5), 0.25)
    assert "order" not in sentences.ablation(first[:1], second[:1], 0.25)
    assert sentences.ablation(first[:0], second, 0.25) == "Nothing has been trained yet."


def test_the_steps_of_an_ablation():
    index = pd.MultiIndex.from_tuples(
        [("+ SE less backbone", "published", "accuracy")], names=["step", "part", "score"]
    )
    table = pd.DataFrame([{"seeds": 3, "value": 0.02, "low": -0.01, "high": 0.05}], index=index)
    told = sentences.steps(table)
    assert "*+ SE less backbone* +2.0 points [-1.0, +5.0]" in told and "leave out 0: none." in told
    assert "Most" not in told
    second = table.rename(index={"+ SE less backbone": "+ mixup less + SE"})
    assert "Most is added by *+ SE less backbone* and *+ mixup less + SE*." in sentences.steps(
        pd.concat([table, second])
    )
    whole = table.assign(value=0.5).rename(index={"+ SE less backbone": "full less backbone"})
    told = sentences.steps(pd.concat([table, second.assign(value=0.01), whole]))
    assert "*full less backbone* is all steps at once. Of single steps, most is added by *+ SE less backbone*." in told
    told = sentences.steps(pd.concat([table.assign(value=-0.021), second.assign(value=-0.05)]))
    assert "By these estimates no step adds anything." in told and "Most" not in told


def test_networks_that_no_smaller_one_surpasses():
    known = pd.DataFrame({"parameters": [10, 20, 30], "value": [0.6, 0.5, 0.7]}, index=["a", "b", "c <i>"])
    told = sentences.frontier(known)
    assert "marked" not in told
    shorter = sentences.frontier(known.rename(index={"b": f"b{OTHERWISE}"}))
    assert shorter.endswith(" 1, marked *, was trained by other settings than the paper's, mostly for fewer epochs.")
    assert "a (10 parameters, 60.0 %) and c" in told and "1 of 3 do not" in told and "<i>" not in told
