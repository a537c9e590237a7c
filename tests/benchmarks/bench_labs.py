"""The labs as they are, made and graded: how long each takes, that its solution earns all points, and that the surprise
which it rests on is there.

    python tests/benchmarks/bench_labs.py
"""

import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import nbformat

from fercore.labs import grade, make

ROOT = Path(__file__).parents[2]
SURPRISES = {  # what a solution prints, with two numbers, the first of which is to be larger by the margin that follows
    "1_data_set": (r"memory is right on (\d+)% with the copies, on (\d+)% without", 5),
    "4_random_split": (r"random folds: nearest image (\d+)%, linear (\d+)%", 10),
    "6_quantisation": (r"in 32 bits: (\d+)%; as printed, in INT8: (\d+)%", 15),
}


def printed(path: Path, folder: Path) -> str:
    """Everything that a notebook prints when it runs as it is."""
    from nbclient import NotebookClient

    notebook = nbformat.read(path, 4)
    client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(folder)}})
    client.execute(stderr=subprocess.DEVNULL)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return "".join(output.get("text", "") for output in outputs)


def main() -> None:
    masters = sorted((ROOT / "notebooks/labs").glob("[0-9]*.ipynb"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = make.make(masters, folder / "made")
        for place in made:
            for kind in ("autograder", "student"):
                submissions = folder / f"{place.name}-{kind}"
                submissions.mkdir()
                shutil.copy(place / kind / f"{place.name}.ipynb", submissions)
                start = time.perf_counter()
                row = grade.grade_all(submissions, folder / "made").iloc[0]
                seconds = time.perf_counter() - start
                print(f"{place.name:16} {kind:10} {seconds:6.1f} s; {row['detail'][:100]}")
                assert row["status"] == "graded", row["detail"]
                assert row["points"] == (row["out_of"] if kind == "autograder" else 0), row["hints"]
        for lab, (pattern, margin) in SURPRISES.items():
            text = printed(ROOT / f"notebooks/labs/{lab}.ipynb", folder)
            more, less = map(float, re.search(pattern, text).groups())
            print(f"{lab}: {more:g} against {less:g}")
            assert more - less >= margin
        assert "times that disgust was answered: 0, 0" in printed(ROOT / "notebooks/labs/2_focal_loss.ipynb", folder)


if __name__ == "__main__":
    main()
