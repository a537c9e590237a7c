"""The command `fercore`: what the library does, from a shell. `fercore COMMAND --help` says more."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from contextlib import suppress

from . import deployment, labs, papers, sets, stages, training

INTERRUPTED = 128 + 2  # as shells have it of SIGINT


def main(words: list[str] | None = None) -> int:
    """Run one command; 0 where it did its work, 1 with one line on standard error where it could not, 130 where it was
    interrupted."""
    for stream in (sys.stdout, sys.stderr):  # names of files and classes are shown as far as a terminal can
        with suppress(AttributeError):  # of a stream that is none of Python's own
            stream.reconfigure(errors="backslashreplace")
    try:
        options = _parser().parse_args(words)
        status = options.run(options) or 0
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # whoever reads has seen enough, such as head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    # DataError and ParameterError are among them; AssertionError is timm's, for images that a network does not take
    except (AssertionError, KeyError, OSError, RuntimeError, TypeError, ValueError) as error:
        from ..results.text import plain

        print("fercore:", plain(" ".join(str(error).split())), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("fercore: interrupted", file=sys.stderr)
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fercore", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: Callable, words: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=words, description=f"{words[0].upper()}{words[1:]}.")
        added.set_defaults(run=run)
        return added

    for module in (sets, training, deployment, papers, stages, labs):
        module.add_to(add)
    return parser
