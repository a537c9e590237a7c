"""The benchmark of the students' trainings counts images a second of each way against the loop and the limit."""

import pandas as pd
import pytest

from fercore import models
from fercore.models.profile import profile


@pytest.fixture
def benchmark(benchmark_of):
    return benchmark_of("student_training")


def test_each_way_is_set_beside_the_published_loop_and_the_limit(benchmark, make_faces, monkeypatch):
    """A turn of the loop takes 2 s, one of ours 0.5, and one on a batch that never changes 0.25; the first counts as
    none."""
    made, turns = [], {2.0: 0, 0.5: 0, 0.25: 0}

    def timed(seconds):
        turns[seconds] += 1
        return seconds if turns[seconds] > len(made) or seconds == 2.0 else 100.0

    monkeypatch.setattr(benchmark.inference, "cpu_has_bf16", lambda: False)
    monkeypatch.setattr(benchmark, "published", lambda *_: 2.0)
    monkeypatch.setattr(benchmark, "ours", lambda *how: made.append(how[3:]) or (0.5, 0.25))
    monkeypatch.setattr(benchmark, "timed", timed)
    monkeypatch.setattr(benchmark, "rates", lambda: (1e9, 1e9))
    faces = make_faces(480)
    rows = pd.DataFrame(benchmark.speeds("mini_resemotenet_c", faces, turns=2, most=33)).set_index("way")
    assert made == [how for how in benchmark.WAYS.values() if how[1] == "fp32"] and len(made) == 4
    assert rows["images_per_second"].tolist() == [16, 64, 64, 64, 64] and rows["alone"].iloc[1:].eq(128).all()
    assert rows["times_published"].tolist() == [1, 4, 4, 4, 4]
    size = profile(models.create("mini_resemotenet_c", 7), (3, 64, 64))
    assert rows["limit"].iloc[1] == min(1e9 / 3 / size["macs"], 16e9 / 8 / size["bytes"])
    assert rows["limit"].iloc[2] > rows["limit"].iloc[1], "fewer weights"
    assert rows["limit"].iloc[2] == rows["limit"].iloc[3], "products are of the same weights"
    assert (rows["share_of_limit"] * rows["limit"]).tolist() == pytest.approx(rows["images_per_second"].tolist())


def test_what_is_said_is_of_the_way_that_the_notebook_trains(benchmark):
    ways = [(name, way) for name in benchmark.NETWORKS[::3] for way in (benchmark.PUBLISHED, *benchmark.WAYS)]
    speed = pd.DataFrame({"images_per_second": range(18), "share_of_limit": 0.1}, pd.MultiIndex.from_tuples(ways))
    speed = speed.assign(times_published=speed["images_per_second"] / 2).rename_axis(["network", "way"])
    first, second = benchmark.to_see(speed, "a <CPU>").splitlines()[2:]
    assert first.startswith("- *resemotenet*: 6, 3.0 times") and "c*: 16, 8.0 times" in second
    without = speed[~speed.index.get_level_values("way").str.contains("bf16")]
    assert benchmark.to_see(without, "x").splitlines()[2].startswith("- *resemotenet*: 5, 2.5 times"), "no bf16 here"
    assert "a &#60;CPU&#62;" in benchmark.to_see(speed, "a <CPU>")
