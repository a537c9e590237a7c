"""What is said of the ledger is what its table has."""

import pandas as pd

from fercore.reporting import ledger_sentences as sentences


def test_claims_by_verdict():
    verdicts = ["exact", "exact", "needs data", "inconsistent", "not run", "not run"]
    known = pd.DataFrame({"id": list("abcdef"), "verdict": verdicts, "how": ["", "", "", "", "", "not decided so far"]})
    table = known[:4]
    text = sentences.counted(table)
    assert (
        "**50** are exact, **25** contradict their own paper or the data set that it names, and **25** need data"
        in text
        and "0 were measured" in text
    )
    rare = pd.DataFrame({"verdict": ["as run"] * 399 + ["not reproduced"]})
    assert "**0** are exact" in (text := sentences.counted(rare)) and "100 are settings" in text
    assert "fewer than one was measured" in text
    assert "not run 1, undecided 1." in sentences.known_for(known, ["e", "f"]), "as they are shown"
    text = sentences.known_for(table, ["c", "d"])
    assert (
        "Of the 2 claims" in text
        and "needs data 1" in text
        and "50 % of them contradict" in text
        and "0 % of the others" in text
    )


def test_contradictions_by_paper():
    found = pd.DataFrame({"paper": ["one", "<i>", "<i>"], "claims": ["a, b", "a", "a, c"]})
    ids = ["one/a", "one/b", "<i>/a", "<i>/c", "one/d"]
    table = pd.DataFrame({"id": ids, "verdict": ["inconsistent", "exact", "inconsistent", "inconsistent", "not run"]})
    text = sentences.contradicted([None] * 1200, found, table)
    assert text.startswith("1,200 comparisons of numbers were made; **3** failed."), "a number is in several"
    assert "and involve **4** claims: 3 inconsistent and 1 exact. A number that counting" in text, "<i>/a once"
    assert "Most (2) are in &#60;i&#62;; they are in 2 papers" in text
    half = pd.DataFrame({"paper": ["one", "<i>", "<i>", "two"], "claims": "a"})
    assert "The largest number (2) is in &#60;i&#62;; they are in 3 papers" in sentences.contradicted(
        [None], half, table
    )
    assert sentences.contradicted([None] * 1200, found, table.replace("exact", "inconsistent")).endswith(
        "inconsistent."
    )
    assert "ost (" not in sentences.contradicted([None], found[:0], table)


def test_sizes_that_are_printed():
    frame = pd.DataFrame({f"{name} equal": ["yes", "no", ""] for name in ("parameters", "MiB", "GMACs")})
    assert "for 1 of 2 counts of parameters, 1 of 2 sizes in MiB and 1 of 2 GMACs." in sentences.sizes(frame)
    frame["GMACs equal"] = ["yes", "by convention", "no"]
    assert sentences.sizes(frame).endswith("1 of 3 GMACs (1 more by another convention).")
