"""dvc.yaml: one stage a notebook, whose dependencies are the modules that the notebook imports, directly or not."""

from __future__ import annotations

import io
from pathlib import Path

from .. import closure
from ..closure import PACKAGE
from ..results.folders import TIMINGS
from .parameters import subject_sets

REPORTS = "reports/${item.profile}"
REPORT = "09_report"  # the notebook that reads what all others leave
SITE, SITE_MODULE = "site", "reporting/site.py"
OTHERS = ("reports/reference",)  # that both show beside what the stages leave
READ = (  # by some notebooks
    "fercore/models/released", "params/claims", "params/effort.yaml", "params/paper", "params/paper/networks.yaml",
)  # fmt: skip
NOT_RESULTS = ("results/provenance.py", "progress.py")  # what they write or draw no stage reads


def rewritten(text: str, root: str | Path = ".") -> str:
    """The text of dvc.yaml with the dependencies on code, parameters and scripts as they are now; the others stay.

    A stage that is named like a notebook depends on its percent script, its parameters and what it imports, and leaves
    a folder, a record, the executed notebook and a page of it; one of data depends on what puts them in place, with all
    readers; `site` on what all notebooks leave for others, and so does 09_report but for its own. `subjects` has every
    set of params/paper/data_NAME.yaml. Raises ValueError for a notebook without a stage.
    """
    from ruamel.yaml import YAML  # which keeps comments and order

    yaml = YAML()
    yaml.width, yaml.preserve_quotes = 120, True
    yaml.indent(mapping=2, sequence=4, offset=2)
    content = yaml.load(text)
    if missing := [path.stem for path in notebooks(root) if path.stem not in content["stages"]]:
        raise ValueError(f"dvc.yaml has no stage {missing[0]}: copy another notebook's, before {REPORT}")
    content["stages"]["subjects"]["matrix"]["set"][:] = subject_sets(root)
    for name, stage in content["stages"].items():
        script = Path(root) / "notebooks" / f"{name}.py"
        made = [dep for dep in stage["deps"] if not dep.startswith(("fercore/", "notebooks/", "params/"))]
        named = [dep for dep in stage["deps"] if dep.startswith("params/") and dep.endswith(".yaml")]
        if name in (REPORT, SITE):
            made = [*(f"{REPORTS}/{path.stem}" for path in notebooks(root) if path.stem != name), *OTHERS]
        if name == SITE:
            outs = [out for one in content["stages"].values() for out in one["outs"]]
            timed = [out for out in outs if out.startswith(f"{REPORTS}/{TIMINGS}/")]  # it shows them
            made += timed
            named, code = [], ["params/claims", "params/effort.yaml", "params/paper", *modules(PACKAGE / SITE_MODULE)]
        elif script.is_file():
            for out in _pages(name):
                if out not in stage["outs"]:  # before the last, which holds the empty line that follows
                    stage["outs"].insert(-1, out)
            named = [f"params/{kind}/{name}.yaml" for kind in ("paper", "short", "${item.profile}")]
            more = [dep for dep in stage["deps"] if dep in READ]
            code = [f"notebooks/{name}.py", *more, *modules(script)]
        else:
            code = modules(PACKAGE / "pipeline/data.py", datasets=True)
        stage["deps"][:] = [*made, *named, *code]
    out = io.StringIO()
    yaml.dump(content, out)
    return out.getvalue()


def notebooks(root: str | Path = ".") -> list[Path]:
    """The numbered notebooks, each a stage, as percent scripts in the order in which they run: the report is the last,
    whatever the numbers of the others."""
    return sorted(Path(root).glob("notebooks/[0-9]*.py"), key=lambda path: (path.stem == REPORT, path.name))


def _pages(name: str) -> list[str]:
    """The executed notebook, a page of it, and the record, but for the report's, which no stage depends on."""
    record = [] if name == REPORT else [f"{REPORTS}/provenance/{name}.json"]
    return [*record, *(f"{REPORTS}/notebooks/{name}.{kind}" for kind in ("ipynb", "html"))]


def modules(root: Path, datasets: bool = False) -> list[str]:
    """The files of fercore that a stage rests on, as dvc.yaml names them; with all readers of data sets as one."""
    found = [path.relative_to(PACKAGE.parent).as_posix() for path in closure.modules(root, without=NOT_RESULTS)]
    if datasets:
        found = ["fercore/datasets", *(path for path in found if not path.startswith("fercore/datasets/"))]
    return sorted(found)
