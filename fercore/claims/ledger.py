"""The ledger: what the papers claim, a YAML file each in params/claims, as one list of claims.

A file has tables as they are printed (rows and columns of numbers), numbers from the text, statements about them ("the
smallest of all"), numbered equations, and checks: what must hold among them. Every number stays the text that is
printed, so that its last digit is known.
"""

from __future__ import annotations

import fnmatch
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mpmath import iv

from .. import yamlio
from ..datasets import Faces
from ..results import measurements
from . import rounding

FOLDER = Path("params/claims")
NETWORKS = Path("params/paper/networks.yaml")

FILE = {"paper", "headline", "groups", "tables", "text", "statements", "equations", "checks"}
PAPER = {"title", "authors", "year", "source"}
SHARED = {
    "needs",
    "cited",
    "measurement",
    "tolerance",
    "unit",
    "scale",
    "about",
}  # of a table, a column and a text entry
TABLE = SHARED | {"where", "columns", "rows"}
TEXT = SHARED | {"id", "where", "value"}
WORDS = {"id", "where", "about", "needs"}  # a statement or an equation: nothing is printed that could be compared
FORMS = {
    "same": "same",
    "from": "claim",
    "share_of": "claim",
    "measured": "claim",
    "holds": "judged",
}  # form: who is judged
CHECK = {"id", "says", "source", "assumes", "reads", "same", "claim", "from", "share_of", "measured", "judged", "holds"}

# what a file is made of: text, [lists], {mappings} with * for any name, or (either of them)
_EITHER = ("text", ["text"])
_ENTRY = {"needs": _EITHER, "claim": _EITHER, "judged": _EITHER, "same": ["text"], "values": ["text"], "*": "text"}
_TABLE = {"columns": {"*": _ENTRY}, "rows": {"*": (["text"], _ENTRY)}} | _ENTRY
SHAPE = {"paper": {"*": "text"}, "headline": ["text"], "groups": {"*": ["text"]}, "tables": {"*": _TABLE}}
SHAPE |= {section: [_ENTRY] for section in ("text", "statements", "equations", "checks")}


class LedgerError(ValueError):
    """A mistake in a claims file: says which file, which claim or check, and what would fit."""


@dataclass(frozen=True)
class Claim:
    """One number of a paper, or a statement or an equation without one.

    `interval` is every number that would be printed the same way, in `unit`."""

    id: str  # paper/table4.happy.f1
    paper: str
    where: str  # "Table 4", "Abstract"
    row: str
    column: str
    text: str  # as printed, with K, M or G behind it where the column says so; empty where there is no number
    value: float | None
    interval: iv.mpf | None = field(repr=False)
    unit: str
    about: str
    cited: str  # the paper's own reference where the number is of somebody else's network
    needs: tuple[str, ...]
    measurement: str
    tolerance: str  # in `unit`, or with a % sign; empty where the number is counted, or a bound

    @property
    def key(self) -> str:
        """The id without the paper."""
        return self.id.partition("/")[2]

    def in_unit(self, value: float) -> float:
        """A measured value, which is in its kind's unit, in the claim's."""
        return float(value) / float(rounding.UNITS[self.unit][1]) if self.unit else float(value)

    @property
    def allowed(self) -> float:
        """The tolerance in `unit`; 0 for a bound."""
        if not self.tolerance:
            return 0.0
        if self.tolerance.endswith("%"):
            return abs(self.value) * float(self.tolerance[:-1]) / 100
        return float(self.tolerance)

    @property
    def printed(self) -> tuple[float, float]:
        """From where to where the printed number is, in `unit`: the same twice, but of a range such as "<1" or
        "8..9"."""
        ranges = self.text[:1] in ("<", ">") or ".." in self.text
        return (float(self.interval.a), float(self.interval.b)) if ranges else (self.value, self.value)

    @property
    def tolerated(self) -> tuple[float, float]:
        """From where to where a measured value, in `unit`, is within the tolerance; a bound such as "<1" has none."""
        low, high = self.printed
        return low - self.allowed, high + self.allowed

    def printed_meets(self, low: float, high: float) -> bool:
        """Whether the printed number, or some of its range, is in an interval, in `unit`; not in one that is NaN."""
        return low <= self.printed[1] and self.printed[0] <= high


@dataclass(frozen=True)
class Check:
    """What must hold among the numbers of a paper; `form` is one of FORMS, `right` what it is compared with."""

    id: str
    paper: str
    says: str
    form: str
    judged: tuple[str, ...]  # ids of claims that are called inconsistent where it fails
    right: str
    source: str = ""
    assumes: str = ""  # what the paper does not say and must be so for the check to mean anything
    reads: str = ""  # how the claim is read here, where it can be read in several ways


@dataclass(frozen=True)
class Ledger:
    """All claims by id, in the order of papers and pages; the checks; by paper its head and what it is known for."""

    claims: dict[str, Claim]
    checks: tuple[Check, ...]
    papers: dict[str, dict]
    headline: tuple[str, ...]
    groups: dict[str, dict[str, list[str]]]
    networks: tuple[str, ...]  # that measurements may name

    def printed(self, measurement: str) -> float:
        """What a paper prints for a measurement, in the unit of its kind; NaN where none prints anything."""
        for claim in self.claims.values():
            if claim.measurement == measurement and claim.value is not None:
                return claim.value * float(rounding.UNITS[claim.unit][1])
        return math.nan

    def all_printed(self, *kinds: str) -> dict[str, float]:
        """What papers print for measurements of these kinds, such as latency, by measurement, as `printed` has it."""
        asked = (claim.measurement for claim in self.claims.values() if claim.measurement and claim.value is not None)
        return {name: self.printed(name) for name in asked if name.partition("(")[0] in kinds}

    def arguments(self, kind: str) -> list[tuple[str, ...]]:
        """What claims and checks name of a kind of measurement, such as ("microexpnet_xxs", "conv1.filters") of
        structure."""
        named = {claim.measurement for claim in self.claims.values() if claim.measurement.startswith(f"{kind}(")}
        named |= {name for check in self.checks for name in re.findall(rf"{{=({kind}\([^{{}}]*\))}}", check.right)}
        return sorted(tuple(measurements.split(name)[1]) for name in named)

    def beside(self, faces: Faces) -> Callable[[str], float]:
        """`printed`, for a table of scores on `faces`: NaN for what is printed of another set, and for rendered faces,
        whose scores compare with no paper's."""

        def told(measurement: str) -> float:
            fits = not faces.synthetic and faces.name in measurements.split(measurement)[1]
            return self.printed(measurement) if fits else math.nan

        return told

    def find(self, pattern: str, paper: str) -> list[str]:
        """Ids of the claims that `pattern` means: * is any one part of an id, @name each member of a group in its
        order, other/… a claim of another paper. Raises LedgerError where there is none."""
        paper, _, pattern = pattern.rpartition("/") if "/" in pattern else (paper, "", pattern)
        if f"{paper}/{pattern}" in self.claims:  # most patterns are ids, found without a search
            return [f"{paper}/{pattern}"]
        keys = [key.partition("/")[2] for key in self.claims if key.startswith(f"{paper}/")]
        found = []
        for concrete in _members(pattern, self.groups.get(paper, {})):
            fitting = [key for key in keys if _fits(key.split("."), concrete.split("."))]
            if not fitting:
                raise LedgerError(f"no claim {concrete!r}; {yamlio.did_you_mean(concrete, keys)}")
            found += fitting
        return [f"{paper}/{key}" for key in found]


def networks(path: str | Path = NETWORKS) -> list[dict]:
    """The networks that are counted: mappings of network, classes and input ("3x224x224"). Raises LedgerError."""
    if Path(path) == NETWORKS and not NETWORKS.is_file():
        raise LedgerError(f"{NETWORKS}: not there; run this at the root of the project")
    entries = _read(Path(path))
    _shaped(entries, [{"*": "text"}], str(path))
    for entry in entries:
        require_keys(entry, {"network", "classes", "input"}, str(path), {"network", "classes", "input"})
    return [entry | {"classes": int(entry["classes"])} for entry in entries]


def load(folder: str | Path = FOLDER, counted: Iterable[Mapping] | None = None) -> Ledger:
    """The ledger of all files in `folder`.

    counted  the networks that measurements may name; by default those of params/paper/networks.yaml
    Raises LedgerError, naming file and claim, for every mistake in them.
    """
    paths = sorted(Path(folder).glob("*.yaml"))
    if not paths:
        raise LedgerError(f"{folder}: no claims there; run this at the root of the project")
    known = tuple(entry["network"] for entry in (networks() if counted is None else counted))
    names = [path.stem for path in paths]
    claims: dict[str, Claim] = {}
    heads, groups, wholes = {}, {}, {}
    for path in paths:
        whole = wholes[path] = _read(path)
        require_keys(whole, FILE, str(path), {"paper"})
        _shaped(whole, SHAPE, str(path))
        require_keys(whole["paper"], PAPER, f"{path}: paper", PAPER)
        heads[path.stem], groups[path.stem] = whole["paper"], whole.get("groups", {})
        for entry in _entries(whole, str(path)):
            claim = _claim(entry, path, known, names)
            if claim.id in claims:
                raise LedgerError(f"{path}: {claim.key}: this id is given twice")
            claims[claim.id] = claim
    ledger = Ledger(claims, (), heads, (), groups, known)
    checks, headline = [], []
    for path, whole in wholes.items():
        seen = set()
        for entry in whole.get("checks", ()):
            check = _check(entry, path, ledger)
            if check.id in seen:
                raise LedgerError(f"{path}: {check.id}: this check is given twice")
            seen.add(check.id)
            checks.append(check)
        for key in whole.get("headline", ()):
            headline += _find(ledger, key, path, "headline")
    return Ledger(claims, tuple(checks), heads, tuple(headline), groups, known)


def _read(path: Path) -> dict | list:
    found = yamlio.read(path, LedgerError, as_text=True)
    return {key: part for key, part in found.items() if part != ""} if isinstance(found, dict) else found


def _entries(whole: Mapping, path: str) -> Iterable[dict]:
    """The claims of a file as mappings of text, tables and text alike."""
    for name, table in (whole.get("tables") or {}).items():
        require_keys(table, TABLE, f"{path}: {name}", {"where", "columns", "rows"})
        shared = {key: table[key] for key in SHARED if key in table}
        for column, spec in table["columns"].items():
            require_keys(spec, SHARED, f"{path}: {name}: column {column}")
        templates = " ".join(spec.get("measurement", "") for spec in (shared, *table["columns"].values()))
        named = set(re.findall(r"{(\w+)}", templates))
        for row, values in table["rows"].items():
            own = {}
            if isinstance(values, dict):
                own = {key: value for key, value in values.items() if key != "values"}
                known = SHARED | {"values", *named}
                require_keys(values, known, f"{path}: {name}.{row}", {"values"})
                values = values["values"]
            if len(values) != len(table["columns"]):
                raise LedgerError(
                    f"{path}: {name}.{row}: {len(values)} values; the table has {len(table['columns'])} columns"
                )
            for (column, spec), value in zip(table["columns"].items(), values, strict=True):
                if value == "-":
                    continue
                entry = shared | spec | {key: own[key] for key in own if key in SHARED}
                entry["needs"] = _needs(spec.get("needs", shared.get("needs", [])), own.get("needs"))
                entry["measurement"] = _filled(entry.get("measurement", ""), own | {"row": row})
                words = (table.get("about", ""), row, spec.get("about", column))
                entry["about"] = ", ".join(word.replace("_", " ") for word in words if word)
                place = {"where": table["where"], "row": row, "column": column, "value": value}
                yield entry | place | {"id": f"{name}.{row}.{column}"}
        given = {"row"}.union(*(values for values in table["rows"].values() if isinstance(values, dict)))
        if unknown := sorted(named - given):
            hint = yamlio.did_you_mean(unknown[0], sorted(given - SHARED - {"values"}))
            raise LedgerError(f"{path}: {name}: no row gives {{{unknown[0]}}}, which a measurement has; {hint}")
    for entry in whole.get("text") or ():
        require_keys(
            entry, TEXT, f"{path}: {entry.get('id', 'an entry without id')}", {"id", "where", "value", "unit", "about"}
        )
        yield entry
    for entry in whole.get("statements") or ():
        optional = {"needs", "measurement"}
        require_keys(entry, WORDS | optional, f"{path}: {entry.get('id', 'a statement without id')}", WORDS - optional)
        yield entry | {"value": "", "unit": ""}
    for entry in whole.get("equations") or ():
        require_keys(entry, WORDS, f"{path}: {entry.get('id', 'an equation without id')}", WORDS - {"needs"})
        number = re.sub(r"\D", "", entry["id"])
        yield entry | {"value": "", "unit": "", "measurement": f"equation({Path(path).stem}, {number})"}


def _needs(column: str | list[str], row: str | list[str] | None) -> list[str]:
    """What a column and a row need, together; nothing at all where either says so."""
    column, row = ([part] if isinstance(part, str) else part for part in (column, row))
    if ["nothing"] in (column, row) or row == []:
        return []
    return [*column, *(need for need in row or () if need not in column)]


def _filled(template: str, names: Mapping[str, str]) -> str:
    """`template` with {name} replaced; empty where a name of it is not given in this row."""
    wanted = re.findall(r"{(\w+)}", template)
    return template.format(**names) if all(name in names for name in wanted) else ""


def _claim(entry: Mapping, path: Path, networks: Iterable[str], papers: Iterable[str]) -> Claim:
    where = f"{path}: {entry['id']}"
    if not re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+)*", entry["id"]):
        raise LedgerError(f"{where}: an id is lower case letters, digits and _, its parts separated by points")
    value = interval = None
    unit = entry.get("unit", "")
    if entry["value"]:
        if unit not in rounding.UNITS:
            said = f"no unit {unit!r}" if unit else "no unit is given"
            raise LedgerError(f"{where}: {said}; {yamlio.did_you_mean(unit, sorted(rounding.UNITS))}")
        try:
            value, interval = rounding.read(entry["value"], unit, entry.get("scale", ""))
        except KeyError:
            raise LedgerError(f"{where}: scale is {entry['scale']!r}; there are K, M and G") from None
        except ValueError as error:
            raise LedgerError(f"{where}: {error}") from None
    needs = entry.get("needs", ())
    needs = tuple(need for need in ([needs] if isinstance(needs, str) else needs) if need != "nothing")
    for need in needs:
        if need not in measurements.NEEDS:
            hint = "a new one goes into fercore/results/measurements.py"
            raise LedgerError(f"{where}: needs {need!r}, which is none of {', '.join(measurements.NEEDS)}; {hint}")
    measurement, tolerance = entry.get("measurement", ""), entry.get("tolerance", "")
    if measurement:
        try:
            measurement = measurements.check(measurement, networks, papers)
        except ValueError as error:
            raise LedgerError(f"{where}: {error}") from None
        kind = measurements.KINDS[measurements.split(measurement)[0]]
        if unit and kind.unit and rounding.UNITS[unit][0] != kind.unit:
            raise LedgerError(f"{where}: {unit} does not fit {measurement}, which is in {kind.unit}")
        if kind.counted or kind is measurements.KINDS["effect"] or entry["value"][:1] in ("<", ">"):
            tolerance = ""
        elif not re.fullmatch(r"\d+(\.\d+)?%?", tolerance):
            raise LedgerError(f"{where}: tolerance is {tolerance!r}; expected a number in {unit}, or one with %")
    else:
        tolerance = ""
    return Claim(
        id=f"{path.stem}/{entry['id']}",
        paper=path.stem,
        where=entry["where"],
        row=entry.get("row", ""),
        column=entry.get("column", ""),
        text=entry["value"] + entry.get("scale", ""),
        value=value,
        interval=interval,
        unit=unit,
        about=entry["about"],
        cited=entry.get("cited", ""),
        needs=needs,
        measurement=measurement,
        tolerance=tolerance,
    )


def _check(entry: Mapping, path: Path, ledger: Ledger) -> Check:
    where = f"{path}: {entry.get('id', 'a check without id')}"
    require_keys(entry, CHECK, where, {"id", "says"})
    forms = [form for form in FORMS if form in entry]
    if len(forms) != 1 or FORMS[forms[0]] not in entry:
        pairs = ", ".join(form if form == who else f"{who} and {form}" for form, who in FORMS.items())
        raise LedgerError(f"{where}: a check has one of these: {pairs}")
    form = forms[0]
    judged = entry[FORMS[form]]
    found: list[str] = []
    for pattern in [judged] if isinstance(judged, str) else judged:
        found += _find(ledger, pattern, path, entry["id"])
    right = "" if form in ("same", "measured") else entry[form]
    if form != "holds" and (bare := [key for key in found if ledger.claims[key].interval is None]):
        raise LedgerError(f"{where}: {bare[0]} has no number; only `holds` is for statements and equations")
    if form == "measured" and (bare := [key for key in found if not ledger.claims[key].measurement]):
        raise LedgerError(f"{where}: {bare[0]} has no measurement")
    extra = {key: entry.get(key, "") for key in ("source", "assumes", "reads")}
    if extra["assumes"] and extra["reads"]:
        raise LedgerError(f"{where}: a check assumes something or reads a claim in one of several ways, not both")
    return Check(entry["id"], path.stem, entry["says"], form, tuple(found), right, **extra)


def _find(ledger: Ledger, pattern: str, path: Path, where: str) -> list[str]:
    try:
        return ledger.find(pattern, path.stem)
    except LedgerError as error:
        raise LedgerError(f"{path}: {where}: {error}") from None


def _shaped(value: object, shape: object, where: str) -> None:
    """Raises LedgerError where `value` is not made as `shape` says."""
    if isinstance(shape, tuple):
        fitting = [part for part in shape if isinstance(value, str if part == "text" else type(part))]
        shape = fitting[0] if fitting else shape[0]
    if shape == "text" and isinstance(value, str):
        return
    if isinstance(shape, list) and isinstance(value, list):
        for number, part in enumerate(value, 1):
            name = part.get("id", number) if isinstance(part, dict) else number
            _shaped(part, shape[0], f"{where}: {name}")
    elif isinstance(shape, dict) and isinstance(value, dict):
        for name, part in value.items():
            if name in shape or "*" in shape:
                _shaped(part, shape.get(name, shape.get("*")), f"{where}: {name}")
    else:
        words = {str: "text", list: "a list", dict: "names and values"}
        raise LedgerError(f"{where}: found {value!r}; expected {words[type(shape)]}")


def require_keys(mapping: Mapping, known: set[str], where: str, needed: Iterable[str] = (), kind: str = "key") -> None:
    """Raise LedgerError for other keys than the `known`, and where one that is `needed` is missing or empty.

    kind  what the error calls a key
    """
    if not isinstance(mapping, dict):
        raise LedgerError(f"{where}: found {mapping!r}; expected names and values")
    for key in mapping:
        if key not in known:
            raise LedgerError(f"{where}: unknown {kind} {key!r}; {yamlio.did_you_mean(key, sorted(known))}")
    for key in sorted(needed):
        if not mapping.get(key):
            raise LedgerError(f"{where}: no {key} is given")


def _members(pattern: str, groups: Mapping[str, list[str]]) -> list[str]:
    """`pattern` once for each member of the group that it names."""
    found = re.search(r"@(\w+)", pattern)
    if not found:
        return [pattern]
    if found[1] not in groups:
        raise LedgerError(f"no group {found[1]!r}; there are {', '.join(groups) or 'none'}")
    return [pattern.replace(found[0], member) for member in groups[found[1]]]


def _fits(parts: list[str], patterns: list[str]) -> bool:
    return len(parts) == len(patterns) and all(map(fnmatch.fnmatchcase, parts, patterns))
