"""What the ledger of claims comes to, worked out from its verdicts, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ..claims import Finding, in_words
from ..results.text import markdown
from .sentences import listed

OUT_OF_REACH = ("needs data", "needs weights", "needs device")


def counted(table: pd.DataFrame) -> str:
    """How many of a hundred claims have which verdict; `table` is `claims.judge`'s."""
    share = 100 * table["verdict"].value_counts(normalize=True)
    measured = share.get("reproduced", 0) + share.get("not reproduced", 0)
    wanting = sum(share.get(name, 0) for name in OUT_OF_REACH)
    return (
        f"Of a hundred claims, **{share.get('exact', 0):.0f}** are exact, **{share.get('inconsistent', 0):.0f}** "
        f"contradict their own paper or the data set that it names, and **{wanting:.0f}** need data, weights or a "
        f"device that is not at hand. {share.get('as run', 0):.0f} are settings that the paper profile has as printed, "
        f"run or not, {_few(measured)} measured, and {share.get('not run', 0):.0f} are open: not checked yet, or not "
        f"decided by what there is."
    )


def _few(share: float) -> str:
    """A share of a hundred with its verb, so that little is not told as nothing."""
    return "fewer than one was" if 0 < share < 0.5 else f"{share:.0f} {'was' if round(share) == 1 else 'were'}"


def known_for(table: pd.DataFrame, headline: Sequence[str]) -> str:
    """What became of the claims that the papers are known for, `headline`, beside all others."""
    known = table["id"].isin(headline)
    count = table[known].apply(in_words, axis=1).value_counts()
    here, there = (100 * (table.loc[rows, "verdict"] == "inconsistent").mean() for rows in (known, ~known))
    each = ", ".join(f"{verdict} {number}" for verdict, number in count.items())
    return (
        f"Of the {known.sum()} claims that the papers are known for: {each}. {here:.0f} % of them contradict their own "
        f"paper or its data set, and {there:.0f} % of the others."
    )


def contradicted(findings: Sequence[Finding], contradictions: pd.DataFrame, table: pd.DataFrame) -> str:
    """How many comparisons of numbers there are, and how many fail, by paper, as `render.contradictions` has them; and
    what `claims.judge`'s table calls the claims that they involve."""
    text = f"{len(findings):,} comparisons of numbers were made; **{len(contradictions)}** failed."
    if contradictions.empty:
        return text
    each = contradictions["paper"].value_counts()
    of = {f"{row['paper']}/{claim}" for _, row in contradictions.iterrows() for claim in row["claims"].split(", ")}
    verdicts = table.loc[table["id"].isin(of), "verdict"].value_counts()
    most = "Most" if 2 * each.iloc[0] > each.sum() else "The largest number"
    verb = "are" if most == "Most" else "is"
    text += f" {most} ({each.iloc[0]}) {verb} in {markdown(each.index[0])}; they are in {len(each)} papers"
    text += f" and involve **{len(of)}** claims: {listed(f'{count} {name}' for name, count in verdicts.items())}."
    return (
        f"{text} A number that counting confirms is exact, whatever else the paper says."
        if "exact" in verdicts
        else text
    )


def sizes(table: pd.DataFrame) -> str:
    """How many printed sizes of networks are the counted ones; `table` is `models.profile.compare`'s."""
    parts = []
    for name, what in {"parameters": "counts of parameters", "MiB": "sizes in MiB", "GMACs": "GMACs"}.items():
        said = table[f"{name} equal"]
        otherwise = (said == "by convention").sum()
        more = f" ({otherwise} more by another convention)" if otherwise else ""
        parts.append(f"{(said == 'yes').sum()} of {(said != '').sum()} {what}{more}")
    return f"Printed and counted are the same, to the last printed digit, for {listed(parts)}."
