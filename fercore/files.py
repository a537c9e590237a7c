"""Files that are whole or not there: written under another name, forced to disk, then put in place in one step."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO


def replace(path: str | Path, write: Callable[[BinaryIO], object]) -> None:
    """Make or replace the file `path` by what `write` writes; where that fails, the old one stays. Raises OSError."""
    path = Path(path)
    part = path.with_name(f"{uuid.uuid4().hex}.tmp")
    try:
        with open(part, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
