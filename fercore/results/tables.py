"""Tables as files: CSV that is equal byte for byte from run to run, and LaTeX to be included in a text."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .. import files
from ..datasets import Faces, splits, store
from . import text

if TYPE_CHECKING:  # which asks for jinja2
    from pandas.io.formats.style import Styler

pd.set_option("display.html.use_mathjax", False)  # in a displayed frame, no name of a class is a formula

DIGITS = 6  # after the point, as in measurements.csv: what is shown of them is rounded once
LATEX_DIGITS = 4  # where nobody reads more
SENTENCES = "sentences.json"  # what is to be seen in a stage's results, and in which figure (`Stage.says`)
CAPTION = "caption"  # among a frame's attrs
PAGE = 200  # rows; a longer table is for programs, and is written as CSV alone


def label(faces: Faces | Sequence[Faces] | str) -> str:
    """What a title or a table calls the data, one set or several: rendered sets are always called synthetic. What has
    been called so before, as text, stays."""
    if isinstance(faces, str):
        return faces
    if not isinstance(faces, Faces):
        return ", ".join(map(label, faces))
    return f"{faces.name} (synthetic)" if faces.synthetic else faces.name


def majority(faces: Faces) -> str:
    """What a score has to be above: the share of the most frequent class."""
    counts = np.bincount(faces.labels, minlength=len(faces.classes))
    name, share = faces.classes[counts.argmax()], counts.max() / counts.sum()
    return f"Always answering {name} would be right on {100 * share:.1f} % of all images."


def save(
    frame: pd.DataFrame, out: str | Path, name: str, faces: Faces | Sequence[Faces] | str, caption: str = ""
) -> pd.DataFrame:
    """Write `frame` to out/name.csv, with a column that names the data, and to out/name.tex; returns it, rounded, with
    its caption, which `shown` puts above it.

    A frame of several sets brings its own column `data`, of what `label` calls each; what is of no data at hand, such
    as a paper's own table, is given "" as `faces`, and has none. One with a column `row` refers to images of a set,
    and gets the fingerprint of these (see splits.same_images).

    Nothing is written where `out` is empty, and no LaTeX of more than PAGE rows. Booleans become yes and no in LaTeX.
    Raises ValueError for rows with names whose index has none: no column would hold them.
    """
    named = any(frame.index.names)
    if not named and not pd.api.types.is_numeric_dtype(frame.index):
        raise ValueError(f"the rows of {name} have names, and their column has none: give the index one (rename_axis)")
    frame, exact = frame.round(DIGITS), frame
    for column in frame.select_dtypes("float"):
        frame[column] += 0.0  # -0.0 would be written with its sign
    of = f", {label(faces)}" if faces else ""
    frame.attrs[CAPTION] = f"{caption}{of}" if caption else ""  # not that of a table it was made from
    if out:
        folder = Path(out)
        folder.mkdir(parents=True, exist_ok=True)
        whole = frame.reset_index() if named else frame
        if "data" not in whole and of:
            whole = whole.assign(data=label(faces))
        if "row" in whole and splits.FINGERPRINT not in whole and isinstance(faces, Faces):
            whole = whole.assign(**{splits.FINGERPRINT: store.images_fingerprint(faces)})
        files.write_text(folder / f"{name}.csv", whole.to_csv(index=False, lineterminator="\n"))
    if out and len(frame) <= PAGE:
        shown = (exact.reset_index() if named else exact).map(_latex_cell)
        shown.columns = [text.latex(str(column).replace("_", " ")) for column in shown.columns]
        latex = shown.to_latex(
            index=False,
            escape=False,
            float_format=_latex_number,
            na_rep="--",
            caption=text.latex(frame.attrs[CAPTION] or f"{name.replace('_', ' ')}{of}"),
            label=f"tab:{name}",
        )
        files.write_text(folder / f"{name}.tex", latex)
    elif out:
        (folder / f"{name}.tex").unlink(missing_ok=True)  # of an older table
    return frame


def read(path: str | Path, columns: Sequence[str] = (), **how) -> pd.DataFrame:
    """A table that `save` has written; `how` as for pandas.read_csv. Empty cells alone are NaN: "None" is a name.

    Raises OSError where there is none, and ValueError where it is damaged, ends within a line or lacks one of
    `columns`: with its name.
    """
    files.refuse_pipe(path)
    try:
        frame = pd.read_csv(path, **{"keep_default_na": False, "na_values": [""], **how})
        if not Path(path).read_bytes().endswith(b"\n"):
            raise ValueError("it ends within a line: cut off?")
    except OSError as error:
        raise OSError(f"{path}: {error.strerror or error}") from None
    except (ValueError, OverflowError, MemoryError) as error:  # pandas' own among them
        raise ValueError(f"{path}: no table that can be read ({' '.join(str(error).split())})") from None
    lacking = [name for name in columns if name not in frame.columns and name not in frame.index.names]
    if lacking:
        raise ValueError(f"{path} has no column {lacking[0]}; it has {', '.join(map(str, frame.columns))}")
    return frame


def with_intervals(frame: pd.DataFrame, digits: int = 3) -> pd.DataFrame:
    """`frame` with each interval beside what it is of, "0.810 [0.773, 0.842]", in place of the columns NAME_low and
    NAME_high (or low and high: of value, of difference, or of the column that they follow); and without columns that
    are empty."""
    frame = frame.loc[:, [not (column.isna() | column.eq("")).all() for _, column in frame.items()]].copy()
    columns = list(frame.columns)
    before = {columns[place - 1] for place, name in enumerate(columns) if name == "low" and place}
    before = {name for name in before if pd.api.types.is_numeric_dtype(frame[name])}
    whose = {"value", "difference"} & set(columns) or before
    for name in columns:
        low, high = ("low", "high") if name in whose else (f"{name}_low", f"{name}_high")
        if low in frame.columns and high in frame.columns:
            cells = frame[[name, low, high]].astype(float).to_numpy()
            places = decimals(cells.ravel(), digits)
            frame[name] = [_with_interval(*cell, places) for cell in cells]
            frame = frame.drop(columns=[low, high])
    return frame


def _with_interval(value: float, low: float, high: float, digits: int) -> str:
    if math.isnan(value):
        return ""
    whole, *ends = (fixed(one, digits) for one in (value, low, high))
    return whole if math.isnan(low) or math.isnan(high) else f"{whole} [{', '.join(ends)}]"


def decimals(values: Iterable[float], digits: int = 3) -> int:
    """How many decimals all numbers of a column have: none where all are whole, fewer than `digits` where the least of
    them is 10 and more."""
    sizes = [abs(value) for value in values if math.isfinite(value)]
    if all(float(size).is_integer() for size in sizes):
        return 0
    return max(0, digits - max(0, math.floor(math.log10(min(filter(None, sizes))))))


def fixed(value: float, digits: int, signed: bool = False) -> str:
    """A number with so many decimals, and more where it would be shown as 0 and is not: an end of an interval is on one
    side of 0."""
    value = float(value)  # NumPy's own numbers round -1.65 to -1.6, though what is stored is beyond it
    while digits < DIGITS and value and not round(value, digits):
        digits += 1
    return f"{round(value, digits) + 0.0:{'+' if signed else ''},.{digits}f}"  # no -0.0


def shown(frame: pd.DataFrame, digits: int = 3, index: bool = True) -> Styler:
    """`frame` to be read: as `with_intervals` has it, numbers with so many digits or whole, words to the left, nothing
    where there is no number; above it the caption that `save` has given it. All text is escaped, which a Styler left to
    itself would take for HTML.

    index  whether it is shown; one with names becomes columns, since it would head a row of its own below the head
    """
    names, plain = frame.index.names, frame.columns.nlevels == 1 and frame.columns.name is None
    if index and all(names) and plain and not {*names} & {*frame.columns}:
        frame, index = frame.reset_index().astype(dict.fromkeys(names, str)), False  # names, and no numbers to round
    joined = with_intervals(frame, digits)
    words = [name for name in joined if name in frame and is_text(frame[name])]
    written = pd.DataFrame({name: cells(column, digits) for name, column in joined.items()}, joined.index)
    written = written.rename_axis(columns=frame.columns.name).rename(columns=_spaced)
    written = written.rename_axis(index=_spaced, columns=_spaced)
    styled = written.style.set_table_attributes('class="tex2jax_ignore mathjax_ignore"')  # nor are dollars mathematics
    styled = styled.format(escape="html").format_index(escape="html", axis=0).format_index(escape="html", axis=1)
    styled = styled.set_properties(subset=[_spaced(name) for name in words], **{"text-align": "left"})
    whole = [_spaced(name) for name in joined if name not in words]
    styled = styled.set_properties(subset=whole, **{"white-space": "nowrap"})  # a value beside its interval
    left = [f"th.col{list(joined).index(name)}.col_heading" for name in words]
    styles = [{"selector": ", ".join(["th.row_heading", *left]), "props": "text-align: left"}]
    if caption := frame.attrs.get(CAPTION):
        styled = styled.set_caption(text.html(caption))
        styles.append({"selector": "caption", "props": "caption-side: top; text-align: left; font-style: italic"})
    styled = styled.set_table_styles(styles)
    return styled if index else styled.hide(axis="index")


def is_text(column: pd.Series) -> bool:
    """Whether words stand in a column, and not only numbers, be they written as "~60,000" or "21.8M"."""
    return any(isinstance(value, str) and value and not re.match(r"[~<>+-]?\d", value) for value in column)


def cells(values: Sequence | pd.Series, digits: int = 3) -> list[str]:
    """The cells of a column as text: yes and no, numbers with thousands and `decimals`, nothing where there is none."""
    digits = decimals([value for value in values if isinstance(value, (float, np.floating))], digits)
    return [_cell(value, digits) for value in values]


def _cell(value: object, digits: int) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if pd.isna(value):
        return ""
    return f"{value:,}" if isinstance(value, (int, np.integer)) else fixed(value, digits)


def _spaced(name: object) -> object:
    return name.replace("_", " ") if isinstance(name, str) else name


def save_findings(findings: Mapping, out: str | Path, faces: Faces | Sequence[Faces]) -> dict:
    """Write single numbers to out/findings.json, sorted and rounded, with the data they are about; returns them.

    NaN and infinity, which JSON lacks, become null.
    """
    plain = _json_value(findings, DIGITS)
    if out:
        Path(out).mkdir(parents=True, exist_ok=True)
        synthetic = any(part.synthetic for part in ([faces] if isinstance(faces, Faces) else faces))
        whole = {"data": label(faces), "synthetic": synthetic, "findings": plain}
        write_json(Path(out) / "findings.json", whole)
    return plain


def read_json(path: str | Path) -> dict:
    """What `write_json` has written of names with values. Raises OSError where there is none, and ValueError where it
    is damaged: with its name."""
    files.refuse_pipe(path)
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise OSError(f"{path}: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: no JSON that can be read ({error})") from None
    if not isinstance(found, dict):
        raise ValueError(f"{path}: a {type(found).__name__}; expected names with values")
    return found


def write_json(path: str | Path, value: object) -> None:
    """Write `value` as JSON, its keys sorted; NaN and infinity become null."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = json.dumps(_json_value(value), indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
    files.write_text(path, content)


def _json_value(value: object, digits: int | None = None) -> object:
    """`value` as JSON has it; numbers rounded to `digits`, where that is given."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        number = float(value) if digits is None else round(float(value), digits) + 0.0  # no -0.0
        return number if math.isfinite(number) else None
    if isinstance(value, Mapping):
        return {key: _json_value(value[key], digits) for key in sorted(value)}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_json_value(part, digits) for part in value]
    return value


def _latex_number(value: float) -> str:
    """Zero has no sign, and a number no zeros at its end."""
    return f"{round(value, LATEX_DIGITS) + 0.0:.{LATEX_DIGITS}f}".rstrip("0").rstrip(".")


def _latex_cell(value: object) -> object:
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    return text.latex(value) if isinstance(value, str) else value
