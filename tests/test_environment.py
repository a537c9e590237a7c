"""pyproject.toml, requirements.lock and environment.yml say the same, and the lock can be installed from any index."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PYTHONS = [f"3.{minor}" for minor in range(30) if f"3.{minor}.1" in SpecifierSet(PROJECT["requires-python"])]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
DIRECT = [
    Requirement(text)
    for group in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    for text in group
]


def pins():
    """(name, version, marker or None, hashes) of every entry of the lock."""
    for entry in re.split(r"\n(?=[a-z0-9])", re.sub(r"^ *#.*\n", "", LOCK, flags=re.M).strip()):
        match = re.match(r"([a-z0-9._-]+)==([^ \\]+)(?: *; *([^\\\n]+))?", entry)
        assert match, f"not a pin: {entry[:60]}"
        name, version, marker = match.groups()
        yield canonicalize_name(name), version, marker and Marker(marker.strip()), re.findall(r"--hash=(\S+)", entry)


PINS = list(pins())


def test_every_pin_has_hashes():
    assert len(PINS) > 100
    assert not [name for name, _, _, hashes in PINS if not hashes]
    assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", mark) for _, _, _, hashes in PINS for mark in hashes)


def test_the_lock_names_no_index():
    assert not re.search(r"https?:|--(extra-)?index-url|--find-links|file:", LOCK)


@pytest.mark.parametrize("requirement", DIRECT, ids=str)
def test_the_lock_holds_what_the_project_asks_for(requirement):
    versions = [version for name, version, _, _ in PINS if name == canonicalize_name(requirement.name)]
    assert versions
    assert all(version in requirement.specifier for version in versions)


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize(
    "system", [("linux", "Linux", "x86_64"), ("darwin", "Darwin", "arm64"), ("win32", "Windows", "AMD64")]
)
def test_the_lock_gives_one_version_of_everything_on_every_platform(python, system):
    where = dict(zip(("sys_platform", "platform_system", "platform_machine"), system, strict=True))
    where |= {"python_version": python, "python_full_version": f"{python}.1", "implementation_name": "cpython"}
    where |= {"platform_python_implementation": "CPython", "os_name": "nt" if system[0] == "win32" else "posix"}
    names = [name for name, _, marker, _ in PINS if marker is None or marker.evaluate(where)]
    assert len(names) == len(set(names))
    assert {canonicalize_name(requirement.name) for requirement in DIRECT} <= set(names)


def test_torch_is_the_ordinary_build():
    versions = {name: version for name, version, _, _ in PINS}
    assert "+" not in versions["torch"] + versions["torchvision"]
    assert any(name.startswith("nvidia-") for name in versions)  # a CPU-only torch would have none


def test_the_same_pythons_are_named_wherever_they_are():
    made_for = re.compile(r"^Programming Language :: Python :: (.+)$")
    assert [match[1] for match in map(made_for.match, PROJECT["classifiers"]) if match] == PYTHONS
    makefile, *others = (
        (ROOT / name).read_text(encoding="utf-8")
        for name in ("Makefile", "README.md", "notebooks/labs/README.md", "fercore/labs/students.md")
    )
    for text in (makefile, *others):
        assert set(re.findall(r"3\.\d+ to 3\.\d+", text)) == {f"{PYTHONS[0]} to {PYTHONS[-1]}"}
    first, after = re.search(r"not \((3, \d+)\) <= sys.version_info < \((3, \d+)\)", makefile).groups()
    assert f">={first},<{after}".replace(", ", ".") == PROJECT["requires-python"]


def test_students_need_no_other_extra_than_that_of_the_labs():
    names = {Requirement(text).name for text in PROJECT["optional-dependencies"]["labs"]}
    assert {"ipykernel", "jupyterlab", "nbclient", "otter-grader"} <= names
    readme = (ROOT / "notebooks/labs/README.md").read_text(encoding="utf-8")
    wheel = f"fercore-{PROJECT['version']}-py3-none-any.whl"
    assert re.findall(r'^pip install "(\S+)"', readme, flags=re.M) == [f"{wheel}[labs]"]


def test_licence_and_authors_are_those_of_the_citation():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert PROJECT["license"] == citation["license"]
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith(f"{PROJECT['license']} License")
    for name in ("authors", "keywords", "version"):
        assert PROJECT[name] == citation[name]


def test_conda_installs_the_lock_on_a_python_that_the_project_takes():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    plain = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert pip == ["-r requirements.lock"]
    (python,) = [entry.split("=")[1] for entry in plain if entry.startswith("python=")]
    assert f"{python}.0" in SpecifierSet(PROJECT["requires-python"])
    assert set(plain) == {f"python={python}", "pip"}  # everything else is the lock's


def test_make_and_binder_install_the_project_with_its_locked_build_backend():
    backend = canonicalize_name("flit_core")
    assert backend in {name for name, _, _, _ in PINS}
    for file in ("Makefile", "postBuild"):
        assert "--no-deps --no-build-isolation --editable ." in (ROOT / file).read_text(encoding="utf-8")
