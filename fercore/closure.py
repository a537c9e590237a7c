"""Which code a result rests on: the modules of this package that a file imports, directly or not, and their digest.

A kept training is known by the digest, and the pipeline's stages depend on the modules.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

PACKAGE = Path(__file__).parent
Read = Callable[[Path], str]


def on_disk(path: Path) -> str:
    """A file as it is now, which is what a process that is yet to start will run."""
    return path.read_text(encoding="utf-8")


def state(home: Path) -> dict[Path, str]:
    """All modules in a folder, with their text; none of an editor's own files, such as .#x.py."""
    return {path: on_disk(path) for path in home.resolve().rglob("[!.]*.py")}


IMPORTED = state(PACKAGE)


def loaded(path: Path) -> str:
    """A file as it was when this package was imported, which is what this process runs whatever is edited meanwhile."""
    return IMPORTED[path] if path in IMPORTED else on_disk(path)


def edited() -> bool:
    """Whether some file of this package is no longer as `loaded`."""
    return any(not path.is_file() or on_disk(path) != text for path, text in IMPORTED.items())


def modules(*roots: Path | ModuleType, without: tuple[str, ...] = (), read: Read = on_disk) -> list[Path]:
    """Files of this package that `roots` import, directly or not, and those of `roots` that are of it; sorted.

    without  files and folders, relative to the package, that are neither followed nor named: "models/__init__.py"
    read     which state of the files counts, `on_disk` or `loaded`

    An import within a function counts. A name that a package only passes on leads to the module that defines it, so
    that the package's other modules do not count; the package itself, imported as a module, is all that it imports.
    A package that goes through `pkgutil.iter_modules` imports all that lie in it; what else is imported by a text at
    run time is not seen.
    """
    found, to_follow = set(), [_path(root) for root in roots]
    while to_follow:
        path = to_follow.pop()
        inside = path.is_relative_to(PACKAGE)
        if path in found or (inside and path.relative_to(PACKAGE).as_posix().startswith(without or "/")):
            continue
        if inside:
            found.add(path)
        to_follow += _imported(path, read(path), read)
    return sorted(found)


def digest(*roots: Path | ModuleType, without: tuple[str, ...] = (), read: Read = on_disk) -> str:
    """Twelve hexadecimal digits that change with what `modules` do, and not with where they lie, which of them each
    imports from, their comments, docstrings and layout."""
    each = sorted(_content(path, read(path)) for path in modules(*roots, without=without, read=read))
    return hashlib.sha256("".join(each).encode()).hexdigest()[:12]


def _path(root: Path | ModuleType) -> Path:
    return Path(root.__file__ if isinstance(root, ModuleType) else root).resolve()


@cache
def _tree(text: str) -> ast.Module:
    return ast.parse(text)


@cache
def _imported(path: Path, text: str, read: Read) -> tuple[Path, ...]:
    return tuple(dict.fromkeys(_imports(path, text, read)))


def _imports(path: Path, text: str, read: Read) -> Iterator[Path]:
    for node in ast.walk(_tree(text)):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield from _files(name.name.split("."), read)
        elif isinstance(node, ast.ImportFrom):
            base = _base(path, node)
            for name in node.names if base else ():
                yield from _files([*base, name.name], read)
        elif isinstance(node, ast.Attribute) and node.attr == "iter_modules":
            yield from sorted(path.parent.glob("*.py"))


def _base(path: Path, node: ast.ImportFrom) -> list[str]:
    """The parts of the module that is imported from, fercore first; none where it is of another package."""
    words = node.module.split(".") if node.module else []
    if not node.level:
        return words if words[0] == PACKAGE.name else []
    here = [PACKAGE.name, *path.relative_to(PACKAGE).parent.parts]
    return here[: len(here) - node.level + 1] + words


def _files(words: list[str], read: Read) -> Iterator[Path]:
    """The file of a module of this package, or of what a module or package has by the last of `words`."""
    if words[0] != PACKAGE.name:
        return
    place = PACKAGE.joinpath(*words[1:])
    for path in (place.with_suffix(".py"), place / "__init__.py"):
        if path.is_file():
            yield path
            return
    home = place.parent
    if home.with_suffix(".py").is_file():
        yield home.with_suffix(".py")
    elif (init := home / "__init__.py").is_file():
        yield _passed_on(init, words[-1], read) or init


def _passed_on(init: Path, name: str, read: Read) -> Path | None:
    """The module from which a package takes `name`, where it only passes it on."""
    for node in _tree(read(init)).body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return next(_files([*_base(init, node), alias.name], read), None)
    return None


@cache
def _content(path: Path, text: str) -> str:
    """A digest of a module without comments, docstrings and layout; of its imports it has what names stand for."""
    tree = ast.parse(text)  # its own, since it is cut down
    imported = list(_named(path, tree))
    for node in ast.walk(tree):
        for block in ("body", "orelse", "finalbody"):
            if isinstance(lines := getattr(node, block, None), list):
                kept = [line for line in lines if not isinstance(line, (ast.Import, ast.ImportFrom))]
                setattr(node, block, kept or [ast.Pass()] if lines else [])
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and (
            ast.get_docstring(node) is not None
        ):
            node.body = node.body[1:] or [ast.Pass()]
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    stands_for = sorted({f"{name} is {of}" for name, of in imported if name in used})
    return hashlib.sha256("\n".join([_dump(tree), *stands_for]).encode()).hexdigest()


def _dump(tree: ast.Module) -> str:
    """A tree as Python 3.11 writes it: 3.12 names type parameters that nothing has, 3.13 leaves out empty lists."""
    as_before = {"show_empty": True} if sys.version_info >= (3, 13) else {}
    return ast.dump(tree, **as_before).replace(", type_params=[]", "")


def _named(path: Path, tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Names that imports give, and what they are of: of another package with its module, of this one without, so that
    code can be moved."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((name.asname or name.name.partition(".")[0], name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "" if _base(path, node) else f"{node.module}."
            yield from ((name.asname or name.name, module + name.name) for name in node.names)
