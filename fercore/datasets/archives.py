"""Archives of any kind that data sets come in, known by content and unpacked without trusting them.

zip and tar, tar packed as .gz, .bz2 or .xz, and archives within archives. Nothing is written outside the folder that is
given, no link and no device is made, and what unpacks to far more than a data set does is refused on the way.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import re
import stat
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from .faces import DataError

MAGIC = {  # what a file of the kind begins with
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"\x1f\x8b": "gz",
    b"BZh": "bz2",
    b"\xfd7zXZ\x00": "xz",
    b"Rar!": "RAR",
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"\x28\xb5\x2f\xfd": "Zstandard",
}
SYSTEM = ("__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information")
PART = r"-\d{8}T\d{6}Z(-\d+)+$"
STREAMS = {"gz": gzip.open, "bz2": bz2.open, "xz": lzma.open}
UNREAD = ("RAR", "7-Zip", "Zstandard")
SPARE, RATIO = (
    256 << 20,
    60,
)  # bytes that any archive may unpack to, and times its own size beyond: text of digits has 4
MEMBERS = 5_000_000
DEEP = 3  # archives within archives
CODE_PAGES = {  # of a zip's names where it does not say UTF-8, in the order of trial, and how Unicode calls its letters
    "utf-8": ("",),
    "cp437": ("LATIN ",),  # the zip format's own
    "cp1252": ("LATIN ",),
    "cp932": ("CJK ", "HIRAGANA ", "KATAKANA", "IDEOGRAPHIC "),  # Shift-JIS
}
UTF8 = 0x800  # the flag of a name that is

# RuntimeError is zipfile's for a password and for methods that it lacks, KeyError tarfile's for a link to no member.
ERRORS = (EOFError, KeyError, RuntimeError, zlib.error, gzip.BadGzipFile, lzma.LZMAError, zipfile.BadZipFile)
ERRORS += (tarfile.TarError, UnicodeError)


class Member(NamedTuple):
    """A file in an archive; it can be opened until the next one is asked for."""

    name: str
    size: int  # bytes, as the archive says, once unpacked
    open: Callable[[], BinaryIO]
    same: str = ""  # the member before it that it is another name of


def ordinary(path: Path, expected: str) -> Path:
    """`path`, with ~ written out. Raises DataError for what is not there, and for what is neither file nor folder: a
    pipe would be waited for, and a device has no end."""
    path = Path(path).expanduser()
    try:
        mode = path.stat().st_mode
    except OSError as error:
        link = "a link that leads nowhere" if path.is_symlink() else "no such file or folder"
        raise DataError(path, link if isinstance(error, FileNotFoundError) else str(error.strerror), expected) from None
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise DataError(path, "neither a file nor a folder (a pipe or a device)", expected)
    return path


def kind(path: Path) -> str | None:
    """ "zip", "tar", "gz", "bz2", "xz" (a tar within or not), a name of UNREAD, or None for what is no archive."""
    with open(path, "rb") as file:
        start = file.read(512)
    found = next((name for magic, name in MAGIC.items() if start.startswith(magic)), None)
    return "tar" if found is None and _heads_tar(start) else found


def _heads_tar(start: bytes) -> bool:
    """Whether 512 bytes begin a tar: old ones (v7) have no word that says so, but a sum of the bytes."""
    try:
        return start[257:262] == b"ustar" or bool(tarfile.TarInfo.frombuf(start, "utf-8", "surrogateescape"))
    except tarfile.HeaderError:
        return False


def refuse(path: Path, found: str | None) -> None:
    """Raise DataError for a kind of archive that is not read."""
    if found in UNREAD:
        raise DataError(
            path, f"a {found} archive, which is not read", "it unpacked; give the folder, or a .zip or .tar"
        )


@contextmanager
def damaged(path: Path) -> Iterator[None]:
    """Errors of whatever unpacks, as one DataError."""
    try:
        yield
    except ERRORS as error:
        raise DataError(path, f"a damaged archive ({error})", "a whole .gz or .zip file") from None
    except OSError as error:
        if error.errno is not None:  # bz2 has no error of its own
            raise
        raise DataError(path, f"a damaged archive ({error})", "a whole .bz2 file") from None


class Limited(io.RawIOBase):
    """A stream that ends in DataError once it has given more than a file of that size should unpack to."""

    def __init__(self, stream: BinaryIO, path: Path, left: int | None = None):
        self.stream, self.path = stream, path
        self.left = limit(path) if left is None else left

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        read = self.stream.readinto(buffer)
        self.left -= read
        if self.left < 0:
            raise bomb(self.path)
        return read


def limit(path: Path) -> int:
    """How many bytes an archive may unpack to."""
    return SPARE + RATIO * path.stat().st_size


def bomb(path: Path) -> DataError:
    """The error for an archive that unpacks to more than `limit`, to be raised."""
    size = path.stat().st_size
    found = f"an archive of {size:,} bytes that unpacks to more than {limit(path):,} (decompression bomb?)"
    return DataError(path, found, "a data set as it is published; one that is as large can be given as a folder")


@contextmanager
def members(path: Path, notes: list[str] | None = None) -> Iterator[Iterator[Member] | None]:
    """The files in an archive in their order, each to be opened before the next is asked for; None for a single packed
    file that is no archive. Adds to `notes` how names were read that do not say it. Raises DataError where it is
    damaged or leads out of itself."""
    found = kind(path)
    refuse(path, found)
    with damaged(path):
        if found == "zip":
            with zipfile.ZipFile(path) as archive:
                yield _zipped(path, archive, [] if notes is None else notes)
        elif found == "tar" or (found in STREAMS and tarred(path, found)):
            with tarfile.open(path) as archive:
                yield _tarred(path, archive)
        else:
            yield None


def tarred(path: Path, found: str) -> bool:
    """Whether a packed file holds a tar."""
    with damaged(path), STREAMS[found](path) as stream:
        return _heads_tar(stream.read(512))


def _zipped(path: Path, archive: zipfile.ZipFile, notes: list[str]) -> Iterator[Member]:
    infos = archive.infolist()
    for info, name in zip(infos, _spelt(path, infos, notes), strict=True):
        if stat.S_ISLNK(info.external_attr >> 16):
            _refuse_link(path, name, "zip -r, without -y")
        elif not name.endswith(("/", "\\")):  # how some on Windows write a folder
            if info.flag_bits & 1:
                raise DataError(path, "an archive with a password", "it unpacked with the password; give the folder")
            yield Member(name, info.file_size, lambda info=info: archive.open(info))


def _spelt(path: Path, infos: list[zipfile.ZipInfo], notes: list[str]) -> list[str]:
    """The names of a zip's members. Those that are neither ASCII nor said to be UTF-8 are all of one code page: the
    first of CODE_PAGES in which they are letters."""
    raw = {
        info.orig_filename: info.orig_filename.encode("cp437")  # as which zipfile has read them
        for info in infos
        if not (info.flag_bits & UTF8 or info.orig_filename.isascii())
    }
    page = next((page for page, letters in CODE_PAGES.items() if _writes(page, letters, raw.values())), None)
    names = [
        raw[info.orig_filename].decode(page or "cp437") if info.orig_filename in raw else info.filename
        for info in infos
    ]
    if raw and page != "utf-8":
        how = f"they are read as {page}" if page else "they may be misspelt; unpacked where it was made they are not"
        first = next(name for name, info in zip(names, infos, strict=True) if info.orig_filename in raw)
        notes.append(f"{path.name} does not say in which code page {len(raw):,} of its names are: {how} ({first})")
    return names


def _writes(page: str, letters: tuple[str, ...], names: Iterable[bytes]) -> bool:
    """Whether names are of a code page: of its letters alone, beside ASCII."""
    try:
        words = "".join(name.decode(page) for name in names)
    except UnicodeDecodeError:
        return False
    return all(one.isascii() or unicodedata.name(one, "").startswith(letters) for one in words)


def _tarred(path: Path, archive: tarfile.TarFile) -> Iterator[Member]:
    for info in archive:
        if info.issym():
            _refuse_link(path, info.name, "tar -h")
        elif info.isfile() or info.islnk():
            same = info.linkname if info.islnk() else ""
            yield Member(info.name, info.size, lambda info=info: archive.extractfile(info), same)


def _refuse_link(path: Path, name: str, how: str) -> None:
    """Without what it leads to, a link would be an image that is lost without a word."""
    if not hidden(name):
        raise DataError(path, f"a member {name!r} that is a link", f"the file or folder that it leads to ({how})")


def unpack(path: Path, folder: Path) -> list[str]:
    """Unpack `path`, and the archives in it, into `folder`; returns notes. Raises DataError for what is damaged, would
    be written outside, or is a bomb."""
    notes = []
    _unpack(path, folder, limit(path), 1, notes)
    return notes


def make_folders(path: Path, folder: Path) -> None:
    """Make the folders that an archive names by themselves, below `folder`: of those that hold nothing, `unpack` sees
    none. Raises DataError as `unpack` does."""
    names = []
    with damaged(path):
        if kind(path) == "zip":
            with zipfile.ZipFile(path) as archive:
                names = [name for name in _spelt(path, archive.infolist(), []) if name.endswith(("/", "\\"))]
        elif kind(path):
            with suppress(tarfile.ReadError), tarfile.open(path) as archive:  # of a single packed file
                names = [info.name for info in archive if info.isdir()]
    for name in names:
        try:
            _target(path, folder, name).mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise DataError(path, f"a folder {name!r}, which is a file as well", "each name once") from None


def _unpack(path: Path, folder: Path, left: int, depth: int, notes: list[str]) -> int:
    nested = []
    with members(path, notes) as found:
        if found is None:  # one packed file
            with STREAMS[kind(path)](path) as stream:
                return left - _copy(stream, folder / path.stem, path, left)
        for number, member in enumerate(found):
            target = _target(path, folder, member.name)
            if member.size > left or number > MEMBERS:
                raise bomb(path)
            if not hidden(member.name):
                with _read(path, folder, member) as stream:
                    left -= _copy(stream, target, path, left)
                if kind(target):
                    nested.append(target)
    for target in nested if depth < DEEP else ():
        if kind(target) not in UNREAD:
            place = target.with_name(stem(target))
            if place.exists():
                place = target.with_name(f"{target.name}.unpacked")
            place.mkdir()
            left = _unpack(target, place, left, depth + 1, notes)
            target.unlink()
    return left


def _target(path: Path, folder: Path, name: str) -> Path:
    """Where a member goes; refused where its name leads out."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not parts or parts[0] == "/" or ".." in parts or ":" in parts[0] or "\0" in name:
        raise DataError(path, f"a member {name!r}, which leads out of the archive", "names within it")
    return folder.joinpath(*parts)


def _read(path: Path, folder: Path, member: Member) -> BinaryIO:
    """A member's bytes; those of a second name from the disk, where the first is: a packed tar would be read again."""
    if not member.same:
        return member.open()
    target = _target(path, folder, member.same)
    if not target.is_file():
        raise DataError(path, f"a member {member.name!r} that is a link to {member.same!r}", "a member before it")
    return open(target, "rb")


def stem(path: Path) -> str:
    """What the folder of an archive's contents is called: train of train.zip, train.tar.gz, and of the parts that
    Google Drive divides a folder into, train-20260102T030405Z-001.zip and so on, which belong in one."""
    return re.sub(PART, "", path.stem.removesuffix(".tar")) or path.name


def hidden(name: str) -> bool:
    """Hidden files, and what macOS puts into every zip, network drives beside pictures and Windows on every disk."""
    return any(part.startswith(".") or part in SYSTEM for part in PurePosixPath(name).parts)


def _copy(stream: BinaryIO, target: Path, path: Path, left: int) -> int:
    """Write a member; returns its size."""
    if target.exists():
        raise DataError(path, f"two members of the name {'/'.join(target.parts[-2:])!r}", "each name once")
    if len(os.fsencode(target.name)) > 255:
        raise DataError(path, f"a member's name of {len(target.name)} letters", "names that a disk can hold")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise DataError(path, f"a member below {target.parent.name!r}, which is a file", "files in folders") from None
    size = 0
    with open(target, "wb") as file:
        while block := stream.read(1 << 20):
            size += len(block)
            if size > left:
                raise bomb(path)
            file.write(block)
    return size
