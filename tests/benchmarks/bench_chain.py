"""What `dvc repro` does and how long it takes: nothing to do, a comment changed, a number changed, reports/ deleted.

    python tests/benchmarks/bench_chain.py

Works in a clone of the repository's last commit, on the smoke profile, with this environment's commands.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
ENVIRONMENT = os.environ | {
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "DVC_NO_ANALYTICS": "1",
}


def repro(clone: Path, what: str) -> None:
    start = time.perf_counter()
    words = ["dvc", "repro", "09_report@smoke"]
    done = subprocess.run(
        words, cwd=clone, env=ENVIRONMENT | {"PYTHONPATH": str(clone)}, capture_output=True, text=True
    )
    seconds = time.perf_counter() - start
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    ran = re.findall(r"Running stage '(.+?)@smoke'", done.stdout)
    print(f"{what:42} {seconds:6.1f} s   ran: {', '.join(ran) or 'nothing'}")


def edit(clone: Path, old: str, new: str) -> None:
    """Change a cell of notebook 01, in the script and in the notebook that is made from it."""
    script = clone / "notebooks/01_data_audit.py"
    text = script.read_text(encoding="utf-8")
    assert old in text
    script.write_text(text.replace(old, new, 1), encoding="utf-8")
    words = ["jupytext", "--quiet", "--update", "--to", "ipynb", str(script)]
    subprocess.run(words, cwd=clone, env=ENVIRONMENT, check=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        clone = Path(name) / "clone"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        repro(clone, "fresh clone")
        repro(clone, "nothing to do")
        edit(clone, "# %%\nfaces = ", "# %%\n# another comment\nfaces = ")
        repro(clone, "a cell of 01 changed, no number with it")
        edit(
            clone,
            'findings["one_grey_value"] = len(audit.constant(faces.pixels))',
            'findings["one_grey_value"] = 1000 + len(audit.constant(faces.pixels))',
        )
        repro(clone, "a cell of 01 changed, and a number")
        shutil.rmtree(clone / "reports/smoke")
        repro(clone, "reports/smoke deleted")


if __name__ == "__main__":
    main()
