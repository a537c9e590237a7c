"""Commands that hold papers against what was measured: networks, claims."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path


def add_to(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add these commands; `add` takes name, function and help."""
    words = "list every network: parameters, size, operations, and what its paper prints"
    command = add("networks", _networks, words)
    command.add_argument(
        "--save", metavar="FOLDER", help="also save measurements.csv for the ledger, with the papers' equations"
    )

    command = add("claims", _claims, "list what the papers claim, what was measured, and the verdicts")
    command.add_argument("--paper", help="only this paper, such as tinyfer")
    command.add_argument("--verdict", help="only this verdict, such as inconsistent")
    command.add_argument("--measurement", metavar="TEXT", help="only measurements with TEXT in their name")
    shown = command.add_mutually_exclusive_group()
    shown.add_argument("--summary", action="store_true", help="count claims by paper and verdict")
    words = "show where papers contradict themselves or the data sets they name, with both sides"
    shown.add_argument("--findings", action="store_true", help=words)
    words = "show which commands would decide the open claims, what they need and how long they take, cheapest first"
    shown.add_argument("--open", action="store_true", help=words)
    words = "where to look for measurements; of several, one by the paper's settings wins, then the first folder's"
    command.add_argument(
        "--reports", nargs="+", default=["reports/reference"], metavar="FOLDER",
        help=f"{words} (default: reports/reference)",
    )  # fmt: skip


def _networks(options) -> None:
    from .. import claims
    from ..claims import equations
    from ..models.profile import compare, count, structures
    from ..results import measurements

    networks = claims.networks()
    ledger = claims.load(counted=networks)
    rows = count(networks)
    if options.save:
        rows += structures(ledger.arguments("structure")) + equations.measure()
        measurements.write(measurements.table(rows), options.save)
    counted = measurements.table(rows).set_index("measurement").assign(evidence="counted now")
    print(compare(networks, counted, claims.judge(ledger, counted, [])).to_string(index=False))


def _claims(options) -> None:
    from .. import claims
    from ..claims import effort, settings

    if options.findings and (options.verdict or options.measurement):
        raise ValueError("--findings shows whole papers: leave out --verdict and --measurement")
    networks = claims.networks()
    ledger = claims.load(counted=networks)
    if missing := [folder for folder in options.reports if not Path(folder).is_dir()]:
        raise ValueError(f"{missing[0]} is no folder: there is nothing that was measured")
    evidence = settings.evidence(options.reports)
    findings = claims.run(ledger, evidence)
    table = claims.judge(ledger, evidence, findings)
    for key, value in (("paper", options.paper), ("verdict", options.verdict)):
        known = {"paper": ledger.papers, "verdict": claims.VERDICTS}[key]
        if value and value not in known:
            raise ValueError(f"no {key} {value!r}; there are {', '.join(known)}")
        table = table[table[key].eq(value)] if value else table
    if options.measurement:
        table = table[table["measurement"].str.contains(options.measurement, regex=False)]
    if not len(table) and not options.findings and not options.summary:
        print("no claim fits")
    elif options.open:
        _open(effort.plan(ledger, table, networks, evidence))
    elif options.summary:
        print(claims.summary(table).to_string())
    elif options.findings:
        failed = [one for one in findings if one.holds is False and options.paper in (None, one.check.paper)]
        sure = {id(one) for one in claims.contradicting(findings)}
        _show_findings([one for one in failed if id(one) in sure])
        if open_ones := [one for one in failed if id(one) not in sure]:
            print("\nNo contradictions: these rest on an assumption, or on one reading of several\n")
            _show_findings(open_ones)
    else:
        table = table.assign(how=table.apply(_how, axis=1, evidence=evidence))
        columns = ["id", "claimed", "unit", "measured", "seeds", "verdict", "evidence", "how"]
        print(table[columns].astype({"seeds": float}).to_string(index=False, na_rep="", float_format="{:,.10g}".format))


def _how(row, evidence) -> str:
    """What is to be said of a claim beside; of a number that decides nothing, by which protocol it was measured."""
    if row["evidence"] or row["measured"] != row["measured"]:  # NaN
        return row["how"]
    return "; ".join(filter(None, (row["how"], f"another protocol: {evidence.loc[row['measurement'], 'protocol']}")))


def _show_findings(findings) -> None:
    for finding in findings:
        print(f"{finding.check.paper}  {finding.check.says}")
        print(f"    {', '.join(key.partition('/')[2] for key in finding.claims)}")
        print(f"    {finding.left}  |  {finding.right}")
        if finding.check.assumes:
            print(f"    assuming that {finding.check.assumes}")
        if finding.check.reads:
            print(f"    read as {finding.check.reads}")


def _open(plan) -> None:
    """What it would take, cheapest first; then what no command here gives."""
    from ..claims.effort import NO_NEED, shown

    for way in plan[plan["command"] != ""].itertuples():
        count = f"{len(way.claims)} claim{'s' * (len(way.claims) > 1)}"
        print(f"{shown(way.hours)} here, {count}, needs {way.needs or 'nothing'}\n    {way.command}")
        print(f"    {', '.join(way.claims[:3])}{', …' * (len(way.claims) > 3)}")
    lacking = plan[plan["command"] == ""]
    if len(lacking):
        print("\nno command here gives a verdict on")
    for way in lacking.itertuples():
        print(f"{len(way.claims):6}  needs {way.needs or NO_NEED}")
