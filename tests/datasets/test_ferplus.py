"""FER+'s votes: joined by row, checked on the way in, and turned into labels as a slow reading of the rules does."""

import re

import numpy as np
import pytest
from PIL import Image

from fercore import datasets
from fercore.datasets import fer2013, ferplus, store
from fercore.datasets import votes as votes_of
from fercore.datasets.faces import FER2013_CLASSES, DataError, Faces, table
from fercore.datasets.votes import CLASSES, TARGETS, VOTES

HEADER = "Usage,Image name," + ",".join(VOTES)
SPLITS = ("Training",) * 6 + ("PublicTest",) * 3 + ("PrivateTest",) * 3


def faces(images=12):
    """FER2013 as it is read, made without a file; the image of row r is of grey level r."""
    pixels = np.zeros((images, 48, 48), np.uint8) + np.arange(images, dtype=np.uint8)[:, None, None]
    rows = table(np.arange(images) % 7, SPLITS[:images], source=[f"row {row + 1}" for row in range(images)])
    return Faces("fer2013", pixels, rows, fer2013.CLASSES)


def draw(images=12, seed=0):
    """Ten votes a row; row 0 is all for happiness, row 1 all for NF, row 2 has no majority."""
    rng = np.random.default_rng(seed)
    votes = np.stack([rng.multinomial(10, rng.dirichlet(np.full(10, 0.3))) for _ in range(images)])
    votes[:3] = 0
    votes[0, 1] = votes[1, 9] = 10
    votes[2, :5] = 2
    return votes


def write(folder, votes, header=HEADER, end="\n", before="", name="fer2013new.csv"):
    """As it is published: names lag behind the rows, and are empty where nobody saw a face."""
    lines = [
        f"{SPLITS[row]},{'' if counts[9] == 10 else f'fer{max(row - 3, 0):07}.png'},{','.join(map(str, counts))}"
        for row, counts in enumerate(votes.tolist())
    ]
    path = folder / name
    path.write_bytes((before + end.join([header, *lines]) + end).encode())
    return path


# -- the join ------------------------------------------------------------------------------------------------------


def test_votes_join_by_row_whatever_the_names_say(tmp_path):
    votes = draw()
    joined = votes_of.join(faces(), write(tmp_path, votes))
    assert (votes_of.counts(joined) == votes).all() and votes_of.counts(joined).dtype == np.int64
    assert joined.table["votes_happiness"].tolist() == votes[:, 1].tolist()
    assert list(joined.table)[-10:] == [f"votes_{name}" for name in VOTES]
    assert joined.name == "fer2013" and joined.labels.tolist() == faces().labels.tolist()
    assert (joined.pixels == faces().pixels).all()


@pytest.mark.parametrize(
    "options",
    [
        {"end": "\r\n"},
        {"before": "\ufeff"},
        {"end": "\n\n"},
        {"header": HEADER.replace(",", ", ")},
        {"header": ",".join(f'"{name}"' for name in HEADER.split(","))},
    ],
)
def test_votes_are_read_as_they_are_meant(tmp_path, options):
    assert (votes_of.counts(votes_of.join(faces(), write(tmp_path, draw(), **options))) == draw()).all()


def test_columns_are_found_by_name(tmp_path):
    path = write(tmp_path, draw())
    lines = [line.split(",") for line in path.read_text().splitlines()]
    lines = [[f'"{i}, 5"', *reversed(line)] for i, line in enumerate(lines)]
    path.write_text("\n".join(",".join(f" {word}" if word.isdigit() else word for word in line) for line in lines))
    assert (votes_of.counts(votes_of.join(faces(), path)) == draw()).all()


def test_fer2013_may_be_given_as_faces_as_a_file_or_as_an_import(tmp_path):
    source = tmp_path / "fer2013.csv"
    lines = [f"{row % 7},{' '.join([str(row)] * 2304)},{split}" for row, split in enumerate(SPLITS)]
    source.write_text("\n".join(["emotion,pixels,Usage", *lines]))
    datasets.import_dataset("fer2013", source, tmp_path / "set")
    path = write(tmp_path, draw())
    for given in (faces(), source, str(source), tmp_path / "set", store.load(tmp_path / "set")):
        found, expected = (ferplus.read(path, fer2013=source) for source in (given, faces()))
        assert (found.pixels == expected.pixels).all() and found.table.equals(expected.table)


def test_votes_come_back_from_an_import(tmp_path):
    store.save(votes_of.join(faces(), write(tmp_path, draw())), tmp_path / "set")
    assert (votes_of.counts(store.load(tmp_path / "set")) == draw()).all()


def test_a_set_without_votes_is_a_key_error():
    with pytest.raises(KeyError, match="votes_neutral"):
        votes_of.counts(faces())


def test_other_sizes_are_refused(tmp_path):
    path = write(tmp_path, draw())
    with pytest.raises(DataError, match=r"fer2013new\.csv: found 12 rows; expected 11, one per image of FER2013"):
        votes_of.join(faces(11), path)


def test_another_order_of_splits_is_refused_at_its_line(tmp_path):
    path = write(tmp_path, draw())
    lines = path.read_text().splitlines()
    lines[5], lines[8] = lines[8], lines[5]
    for end in ("\n", "\n\n"):  # blank lines are counted
        path.write_text(end.join(lines))
        line = 1 + 5 * len(end)
        with pytest.raises(
            DataError, match=f"line {line}: found the Usage 'PublicTest'; expected Training, as FER2013"
        ):
            votes_of.join(faces(), path)


def test_the_folder_form_has_lost_the_order_and_is_refused(tmp_path):
    root = tmp_path / "images"
    for row, split in enumerate(SPLITS):  # as many of each split, and yet in another order
        name = f"{'train' if split == 'Training' else 'test'}/{fer2013.CLASSES[row % 7]}/{split}_{row}.png"
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (48, 48), row).save(root / name)
    assert fer2013.read(root).table["split"].tolist() == list(SPLITS)
    path = write(tmp_path, draw())
    datasets.import_dataset("fer2013", root, tmp_path / "set")
    for given in (root, tmp_path / "set"):
        with pytest.raises(DataError, match=r"fer2013new\.csv: found .* expected .*row"):
            ferplus.read(path, fer2013=given)
    with pytest.raises(DataError):
        fer2013.read(root, votes=path)


def test_rows_that_were_shuffled_or_taken_out_are_refused(tmp_path):
    path, whole = write(tmp_path, draw()), faces()
    order = np.r_[1, 0, 2:12]
    shuffled = Faces("fer2013", whole.pixels[order], whole.table.iloc[order].reset_index(drop=True), whole.classes)
    with pytest.raises(DataError, match="found votes for row 1 of FER2013, and the image 'row 2';"):
        votes_of.join(shuffled, path)


# -- the set -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", TARGETS)
def test_the_set_keeps_what_has_a_label(tmp_path, target):
    votes = draw()
    path = datasets.import_dataset("ferplus", write(tmp_path, votes), tmp_path / "set", fer2013=faces(), target=target)
    kept = [row for row in range(12) if by_hand(votes[row].tolist(), target) is not None]
    assert 0 in kept and 1 not in kept and len(kept) > 4
    back = datasets.load_imported(path.parent)
    assert back.name == "ferplus" and back.classes == CLASSES
    assert back.table["row"].tolist() == kept and back.pixels[:, 3, 4].tolist() == kept
    assert back.table["fer2013_label"].tolist() == [row % 7 for row in kept]
    assert back.table["source"].tolist() == [f"row {row + 1}" for row in kept]
    assert back.table["split"].tolist() == [SPLITS[row] for row in kept]
    assert (votes_of.counts(back) == votes[kept]).all()
    assert back.labels.tolist() == [int(np.argmax(by_hand(votes[row].tolist(), target))) for row in kept]
    assert back.notes == (f"{12 - len(kept)} images without a {target} label are left out.",)


def test_votes_that_give_no_label_at_all_are_refused(tmp_path):
    votes = np.zeros((12, 10), int)
    votes[:, 9] = 10
    with pytest.raises(DataError, match="found no row with a label; expected votes that give a majority label"):
        ferplus.read(write(tmp_path, votes), fer2013=faces())


def test_classes_of_fer2013_stand_where_they_are_said_to():
    with pytest.raises(ValueError, match="FER\\+ has no votes for calm; there are neutral"):
        votes_of.places(("happy", "calm"))
    names = [VOTES[at] for at in votes_of.places(FER2013_CLASSES)]
    assert names == ["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"]


# -- targets -------------------------------------------------------------------------------------------------------


def by_hand(votes, target):
    """The eight shares of one row as the rules say, class by class; None for a row without a label."""
    votes = [count if count > 1 else 0 for count in votes]
    total, kept = sum(votes), [0] * 10
    if target == "majority":
        for at, count in enumerate(votes):
            if count > total / 2:
                kept[at] = count
    elif target == "multi-target":
        for at, count in enumerate(votes):
            if 10 * count >= 3 * total:
                kept[at] = count
    else:
        rest, held, classes, ended = list(votes), 0, 0, False
        while held < 0.75 * total and classes < 3 and not ended:
            top = max(rest)
            for at in range(10):
                if rest[at] != top:
                    continue
                kept[at], rest[at] = top, 0
                held += top
                classes += 1
                if at >= 8:  # unknown or NF: nothing comes after it
                    ended = True
                    if any(kept[:8]):
                        kept[at] = 0
                        classes -= 1
                    break
        if classes > 3:
            return None
    if 2 * sum(kept) <= total or kept.index(max(kept)) >= 8:
        return None
    shares = kept[:8] if target == "probability" else [int(count > 0) for count in kept[:8]]
    return [share / sum(shares) for share in shares]


@pytest.mark.parametrize("target", TARGETS)
def test_targets_follow_the_rules_on_random_votes(target):
    rng = np.random.default_rng(0)
    votes = np.concatenate(
        [
            *(rng.multinomial(10, rng.dirichlet(np.full(10, 0.2)), size=2) for _ in range(700)),
            rng.integers(0, 4, (1500, 10)),  # ties
            *(rng.multinomial(8, rng.dirichlet(np.full(4, 1)), size=1) @ np.eye(10, dtype=int)[6:] for _ in range(300)),
        ]
    )
    found = votes_of.targets(votes, target)
    expected = [by_hand(row, target) for row in votes.tolist()]
    assert found.shape == (len(votes), 8) and found.dtype == np.float64
    labelled = np.array([shares is not None for shares in expected])
    assert 0.1 < labelled.mean() < 0.9
    assert (found.any(axis=1) == labelled).all()
    np.testing.assert_allclose(
        found[labelled], [shares for shares in expected if shares is not None], rtol=0, atol=1e-12
    )
    np.testing.assert_allclose(found[labelled].sum(axis=1), 1)


@pytest.mark.parametrize(
    ("votes", "target", "expected"),
    [
        # neutral, happiness, surprise, sadness, anger, disgust, fear, contempt, unknown, NF
        ([10, 0, 0, 0, 0, 0, 0, 0, 0, 0], "majority", [1, 0, 0, 0, 0, 0, 0, 0]),
        ([5, 5, 0, 0, 0, 0, 0, 0, 0, 0], "majority", None),  # half is not more than half
        ([5, 4, 1, 0, 0, 0, 0, 0, 0, 0], "majority", [1, 0, 0, 0, 0, 0, 0, 0]),  # 5 of 9, without the single vote
        ([0, 0, 0, 0, 0, 0, 0, 0, 10, 0], "majority", None),
        ([0, 0, 0, 0, 0, 0, 0, 0, 0, 10], "probability", None),
        ([1] * 10, "majority", None),
        ([1] * 10, "probability", None),
        ([1] * 10, "multi-target", None),
        ([0] * 10, "multi-target", None),
        ([4, 3, 3, 0, 0, 0, 0, 0, 0, 0], "multi-target", [1 / 3, 1 / 3, 1 / 3, 0, 0, 0, 0, 0]),
        ([6, 0, 2, 0, 0, 2, 0, 0, 0, 0], "multi-target", [1, 0, 0, 0, 0, 0, 0, 0]),
        ([3, 3, 0, 0, 0, 0, 0, 0, 4, 0], "multi-target", None),  # unknown leads
        ([4, 3, 0, 0, 0, 0, 0, 0, 3, 0], "multi-target", [0.5, 0.5, 0, 0, 0, 0, 0, 0]),
        ([6, 4, 0, 0, 0, 0, 0, 0, 0, 0], "probability", [0.6, 0.4, 0, 0, 0, 0, 0, 0]),
        ([8, 2, 0, 0, 0, 0, 0, 0, 0, 0], "probability", [1, 0, 0, 0, 0, 0, 0, 0]),  # three quarters are held by one
        ([4, 2, 0, 0, 0, 0, 0, 0, 4, 0], "probability", None),  # ends at unknown, with 4 of 10
        ([6, 0, 0, 0, 0, 0, 0, 0, 4, 0], "probability", [1, 0, 0, 0, 0, 0, 0, 0]),
        ([2, 2, 2, 2, 2, 0, 0, 0, 0, 0], "probability", None),  # more than three share the lead
    ],
)
def test_targets_of_rows_that_are_known(votes, target, expected):
    found = votes_of.targets(np.array([votes]), target)[0]
    np.testing.assert_allclose(found, [0] * 8 if expected is None else expected)
    assert (by_hand(votes, target) is None) == (expected is None)


def test_votes_are_not_changed_by_the_count():
    votes = draw()
    before = votes.copy()
    for target in TARGETS:
        votes_of.targets(votes, target)
    assert (votes == before).all()


def test_an_unknown_target_is_refused():
    with pytest.raises(ValueError, match=r"no FER\+ target 'mean'; there are majority, probability, multi-target"):
        votes_of.targets(draw(), "mean")


# -- votes as they should not be -----------------------------------------------------------------------------------


def word(row, column, value):
    """Put `value` in place of one field; row 1 is on line 2."""

    def change(text):
        lines = text.split("\n")
        fields = lines[row].split(",")
        fields[column] = value
        return "\n".join([*lines[:row], ",".join(fields), *lines[row + 1 :]])

    return change


BAD = {
    "empty": (lambda text: "", "line 1: found no column Usage, Image name, neutral"),
    "header alone": (lambda text: HEADER + "\n", "found no row; expected a row an image of FER2013"),
    "no header": (lambda text: text.split("\n", 1)[1], "line 1: found no column Usage"),
    "FER2013 itself": (lambda text: "emotion,pixels,Usage\n0,1 2,Training\n", "line 1: found no column Image name"),
    "column missing": (lambda text: text.replace("contempt", "Contempt"), "line 1: found no column contempt; expected"),
    "negative": (word(4, 3, "-1"), "line 5: found '-1' votes for happiness; expected a whole number of 0 to 10"),
    "eleven": (word(4, 3, "11"), "line 5: found '11' votes for happiness"),
    "2**64": (word(4, 3, "18446744073709551616"), "line 5: found '18446744073709551616' votes for happiness"),
    "endless": (word(4, 3, "1" * 9999), "line 5: found '1{40}…' votes for happiness"),
    "fraction": (word(4, 3, "1.5"), "line 5: found '1.5' votes for happiness"),
    "empty field": (word(4, 11, ""), "line 5: found '' votes for NF"),
    "a word": (word(4, 2, "many"), "line 5: found 'many' votes for neutral"),
    "Arabic digit": (word(4, 2, "٣"), "line 5: found '٣' votes for neutral"),
    "field more": (
        word(4, 2, "1,1"),
        r"line 5: found 13 fields, 1 more than the header; expected 12, as in the header",
    ),
    "cut off": (lambda text: text[:-6], "line 13: found .. fields"),
    "NUL": (word(4, 1, "\0"), "line 5: found NUL bytes; expected text"),
    "NUL in a vote": (word(4, 5, "1\0"), "line 5: found NUL bytes"),
    "Usage": (word(4, 0, "Test"), "line 5: found the Usage 'Test'; expected Training, as FER2013's row has"),
    "quote": (lambda text: text.replace("PublicTest,", '"PublicTest,', 1) + "x" * 200_000, "line 8: found "),
    "quote at the end": (word(11, 1, '"fer.png'), "line 12: found a row that is not CSV"),
    "endless line": (lambda text: text + "x" * 200_000, "line 14: found "),
    "row lost": (lambda text: text.replace("\n", "\n@", 3).split("@", 1)[0] + text.split("\n", 2)[2], "found 11 rows"),
    "garbage": (lambda text: np.random.default_rng(0).bytes(9999), "line [0-9]+: found "),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_named_and_nothing_is_written(tmp_path, case):
    change, finding = BAD[case]
    path = write(tmp_path, draw())
    data = change(path.read_text())
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    with pytest.raises(DataError, match=rf"^{re.escape(str(path))}: {finding}") as error:
        datasets.import_dataset("ferplus", path, tmp_path / "set", fer2013=faces())
    assert "; expected " in str(error.value) and "\0" not in str(error.value)
    assert len(str(error.value)) < len(str(path)) + 300
    assert list(tmp_path.iterdir()) == [path]


def test_the_first_of_many_bad_rows_is_named(tmp_path):
    path = write(tmp_path, draw())
    path.write_text(word(9, 4, "x")(word(7, 5, "y")(path.read_text())))
    with pytest.raises(DataError, match="line 8: found 'y' votes for sadness"):
        votes_of.join(faces(), path)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.csv: found no such file or folder; expected fer2013new\.csv"):
        ferplus.read(tmp_path / "none.csv", fer2013=faces())
    with pytest.raises(DataError, match=r"fer2013\.csv: found no such file"):
        ferplus.read(write(tmp_path, draw()), fer2013=tmp_path / "fer2013.csv")
    with pytest.raises(DataError, match=r"found a folder; expected fer2013new"):
        votes_of.join(faces(), tmp_path)  # a folder


def test_votes_stay_beside_their_image_where_one_before_it_has_no_label(tmp_path):
    for split, name in enumerate(("Train", "Valid", "Test")):
        folder = tmp_path / f"FER2013{name}"
        folder.mkdir()
        lines = []
        for number, votes in enumerate(("2,2,2,2,2,0,0,0,0,0", "0,9,1,0,0,0,0,0,0,0")):
            Image.new("L", (48, 48), 40 * split + number).save(folder / f"fer{split}{number}.png")
            lines.append(f'fer{split}{number}.png,"(0, 0, 48, 48)",{votes}\n')
        (folder / "label.csv").write_text("".join(lines))
    found = ferplus.read(tmp_path).table[["votes_happiness", "votes_surprise"]]
    assert found.to_numpy().tolist() == [[9, 1]] * 3
