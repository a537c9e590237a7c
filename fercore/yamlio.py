"""YAML as parameters, recipes and claims are written in; and what a misspelt name may have meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path

import yaml

from . import files


def read(path: str | Path, error: type[ValueError], as_text: bool = False) -> object:
    """What the file `path` holds; None where it holds nothing. Raises `error`, with the file's name.

    as_text  every scalar stays the text that is written there

    Keys are unique (YAML takes the last of two equal ones without a word), there are no aliases (a few lines of them
    can stand for gigabytes), 1e-4 is a number, and a date is text.
    """
    try:
        files.refuse_pipe(path)
        return yaml.load(Path(path).read_text(encoding="utf-8"), _TextLoader if as_text else _Loader)
    except OSError as fault:
        raise error(f"{path}: {fault.strerror}" if fault.strerror else str(fault)) from None
    except UnicodeDecodeError as fault:
        raise error(f"{path}: not UTF-8: {fault}") from None
    except (yaml.YAMLError, RecursionError, ValueError) as fault:  # ValueError: an int of 10,000 digits
        raise error(f"{path}: not YAML as it should be: {' '.join(str(fault).split())}") from None


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """ "did you mean 'seed'?" where a name of `known` is close to `word`, and otherwise all of them."""
    known = [str(name) for name in known]
    near = difflib.get_close_matches(str(word), known, 1)
    return f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known) or 'none'}"


class _Strict:
    def construct_mapping(self, node, deep=False):
        names = [key.value for key, _ in node.value]
        for name in names:
            if names.count(name) > 1:
                raise yaml.YAMLError(f"the key {name!r} stands twice, from line {node.start_mark.line + 1} on")
        return super().construct_mapping(node, deep)

    def compose_node(self, parent, index):
        if self.check_event(yaml.AliasEvent):
            line = self.peek_event().start_mark.line + 1
            raise yaml.YAMLError(f"line {line} has an alias (*name); write what it stands for")
        return super().compose_node(parent, index)


class _Loader(_Strict, yaml.SafeLoader):
    pass


class _TextLoader(_Strict, yaml.BaseLoader):
    pass


FLOAT = re.compile(r"[-+]?(\d[\d_]*\.?|\d[\d_]*\.[\d_]+|\.\d[\d_]*)([eE][-+]?\d+)|[-+]?(\d[\d_]*\.[\d_]*|\.\d[\d_]*)")
FLOAT = re.compile(rf"^(?:{FLOAT.pattern}|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$")
_Loader.yaml_implicit_resolvers = {  # without dates, and with YAML 1.2's floats, of which 1e-4 is one
    first: [(tag, pattern) for tag, pattern in rules if not tag.endswith((":timestamp", ":float"))]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", FLOAT, list("-+0123456789."))
