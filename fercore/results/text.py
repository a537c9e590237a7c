"""Text that comes from data, such as names of classes, sets and files, made safe to show: it instructs nobody.

Where it is shown decides how it is escaped, so it is escaped there and nowhere before: `html`, `markdown`, `latex`,
`figure`. CSV and JSON hold it as it is. A DataFrame that is displayed escapes itself; a Styler does not, see
`tables.shown`.
"""

from __future__ import annotations

import html as _html
import re
import unicodedata

DOLLAR = "<span>&#36;</span>"  # MathJax joins nothing across the ends of an element, so that no two make a formula
LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
LATEX |= {"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"}
LATEX |= {mark: f"\\{mark}" for mark in "&%$#_{}"} | {"[": "{[}", "*": "{*}"}  # first in a row they are an argument


def plain(text: object) -> str:
    """One line: a space for what breaks lines, and the number of what is not seen or turns the direction of writing."""

    def shown(found: re.Match) -> str:
        mark = found[0]
        if mark.isspace():
            return " "
        return f"\\x{ord(mark):02x}" if unicodedata.category(mark).startswith("C") else mark

    return re.sub(r"[^ -~]", shown, str(text))


def html(text: object) -> str:
    """For HTML, as text or as the value of an attribute within quotes."""
    return _html.escape(plain(text), quote=True)


def markdown(text: object) -> str:
    """For Markdown: punctuation as entities, which no part of the syntax is made of, HTML and mathematics included."""

    def entity(found: re.Match) -> str:
        return DOLLAR if found[0] == "$" else f"&#{ord(found[0])};"

    one = re.sub(r"[^\w\s.,;%()/-]|_|^-", entity, plain(text).lstrip())  # four spaces would be code
    return re.sub(r"^(\d+)([.)])(?=\s)", lambda found: f"{found[1]}&#{ord(found[2])};", one)  # no numbered list


def latex(text: object) -> str:
    """For LaTeX, within a text, a table or a caption."""
    return plain(text).translate(str.maketrans(LATEX))


def from_latex(text: str) -> str:
    """What `latex` has made that of."""
    marks = {made: mark for mark, made in LATEX.items()}
    return re.sub("|".join(map(re.escape, marks)), lambda found: marks[found[0]], text)


def figure(text: object) -> str:
    """For matplotlib, which takes what stands between two dollars for mathematics."""
    return plain(text).replace("$", r"\$")
