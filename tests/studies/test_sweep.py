"""A grid is worked out once, by whoever works, and one bad trial harms no other."""

import functools
import importlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import forkserver

import numpy as np
import pandas as pd
import psutil
import pytest

from fercore import files
from fercore.results import provenance
from fercore.studies.sweep import SweepError, require_complete, sweep


def squared(trials, log=None, factor=1.0):
    """The function of most tests: also leaves a line a call in `log`."""
    if log:
        with open(log, "a") as file:
            file.write(" ".join(map(str, trials["x"])) + "\n")
    return pd.DataFrame({"y": factor * trials["x"].to_numpy() ** 2 / 3, "name": [f"no {x}" for x in trials["x"]]})


def scaled(trials, by):
    return pd.DataFrame({"y": np.sum(by) * trials["x"].to_numpy()})


def picky(trials, log):
    """Fails on x = 2 until a file `mended` is there."""
    squared(trials, log)
    if 2 in set(trials["x"]) and not log.with_name("mended").exists():
        raise ValueError("not 2")
    return squared(trials)


def deadly(trials, log, times):
    """Its process dies on x = 2, the first `times` times."""
    squared(trials, log)
    if 2 in set(trials["x"]) and log.read_text().split().count("2") <= times:
        os.kill(os.getpid(), signal.SIGKILL)
    return squared(trials)


sweep_module = sys.modules[sweep.__module__]
POINTS = pd.DataFrame({"x": [5, 2, 3, 4], "kind": ["a", "b", "a", "b"], "rate": [0.1, 0.2, 0.3, 0.1]})
EXPECTED = pd.concat([POINTS, squared(POINTS)], axis=1)


def calls(log):
    return sorted(log.read_text().splitlines()) if log.exists() else []


@pytest.mark.parametrize("workers", [1, 2])
def test_each_point_gets_its_own_result_in_the_order_of_the_points(tmp_path, workers):
    log = tmp_path / "log"
    found = sweep(functools.partial(squared, log=log), POINTS, workers=workers, progress=False)
    pd.testing.assert_frame_equal(found, EXPECTED, check_exact=True)
    assert calls(log) == ["2", "3", "4", "5"]


def test_a_cohort_is_alike_in_its_columns_and_no_larger_than_it_may(tmp_path):
    log = tmp_path / "log"
    sweep(functools.partial(squared, log=log), POINTS, cohort=["kind"], most=9, workers=1, progress=False)
    assert calls(log) == ["2 4", "5 3"]
    log.unlink()
    found = sweep(functools.partial(squared, log=log), POINTS, most=3, workers=1, progress=False)
    assert calls(log) == ["4", "5 2 3"]
    pd.testing.assert_frame_equal(found, EXPECTED, check_exact=True)


def test_what_is_done_is_not_done_again(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "_KEPT", kept := [])
    log, folder = tmp_path / "log", tmp_path / "trials"
    first = sweep(functools.partial(squared, log=log), POINTS[:2], folder, workers=1, progress=False)
    assert kept == []
    both = sweep(functools.partial(squared, log=log), POINTS, folder, workers=1, progress=False)
    assert calls(log) == ["2", "3", "4", "5"]
    pd.testing.assert_frame_equal(both, EXPECTED, check_exact=True)
    pd.testing.assert_frame_equal(first, EXPECTED[:2], check_exact=True)
    assert sum(1 for _ in folder.iterdir()) == 4 and kept == [str(folder)], "whose time is not in this run's"
    one = json.loads(next(iter(sorted(folder.iterdir()))).read_text())
    assert set(one["trial"]) == {"x", "kind", "rate"} and set(one["result"]) == {"y", "name"}
    sweep(functools.partial(squared, log=log), POINTS, folder, identity={"data": "other"}, workers=1, progress=False)
    assert len(calls(log)) == 8  # another identity is another result


def test_what_a_function_is_given_beside_the_points_makes_another_result(tmp_path):
    table, other = np.arange(2000.0), np.arange(2000.0)
    other[1000] += 1  # of which no text says anything
    for factor in (1.0, 2.0, table, other):
        found = sweep(functools.partial(scaled, by=factor), POINTS, tmp_path, workers=1, progress=False)
        assert found["y"].tolist() == scaled(POINTS, factor)["y"].tolist()
    with pytest.raises(SweepError, match=rf"an argument of {re.escape(__name__)}\.scaled is a object"):
        sweep(functools.partial(scaled, by=object()), POINTS, tmp_path, workers=1, progress=False)


def test_values_survive_the_disk_to_the_last_digit(tmp_path):
    trials = pd.DataFrame({"x": np.random.default_rng(0).normal(size=20) * 10.0 ** np.arange(-10, 10)})
    fresh = sweep(squared, trials, tmp_path, workers=1, progress=False)
    again = sweep(squared, trials, tmp_path, workers=1, progress=False)
    assert fresh.to_csv() == again.to_csv() == sweep(squared, trials, workers=1, progress=False).to_csv()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_point_that_fails_three_times_is_reported_and_the_rest_goes_on(tmp_path, workers):
    log, folder = tmp_path / "log", tmp_path / "trials"
    found = sweep(functools.partial(picky, log=log), POINTS, folder, most=4, workers=workers, progress=False)
    assert found["error"].tolist() == ["", "ValueError: not 2", "", ""]
    assert found["y"].isna().tolist() == [False, True, False, False]
    assert calls(log).count("2") == 3 and calls(log).count("5 2 3 4") == 1
    assert calls(log).count("5") == 1  # once more, without the bad one
    log.with_name("mended").touch()
    found = sweep(functools.partial(picky, log=log), POINTS, folder, workers=1, progress=False)
    pd.testing.assert_frame_equal(found, EXPECTED, check_exact=True)
    assert calls(log).count("5") == 1  # what failed is tried again, what did not is kept


def test_a_process_that_dies_takes_only_its_task_with_it(tmp_path):
    log = tmp_path / "log"
    found = sweep(functools.partial(deadly, log=log, times=2), POINTS, workers=2, progress=False)
    pd.testing.assert_frame_equal(found, EXPECTED, check_exact=True)
    assert calls(log) == ["2", "2", "2", "3", "4", "5"]
    log.unlink()
    found = sweep(functools.partial(deadly, log=log, times=9), POINTS, workers=2, progress=False)
    assert found["error"].tolist() == ["", "its process died with exit code -9", "", ""]


def idle_death(trials, log):
    """The process of x = 5 dies after its work is done, while 2 and 3 are at work, which together fail."""
    squared(trials, log)
    if 5 in set(trials["x"]):
        threading.Timer(0.2, os._exit, [1]).start()
    if len(trials) > 1:
        time.sleep(1.5)
        raise ValueError("not together")
    return squared(trials)


def test_a_process_that_dies_idle_takes_nothing_with_it(tmp_path):
    function = functools.partial(idle_death, log=tmp_path / "log")
    trials = EXPECTED[["x"]][:3].assign(kind=["a", "b", "b"])
    found = sweep(function, trials, cohort=["kind"], most=2, workers=2, progress=False)
    pd.testing.assert_frame_equal(found[["x", "y", "name"]], EXPECTED.loc[:2, ["x", "y", "name"]])


def test_a_process_that_dies_while_it_starts_is_told_and_not_waited_for(tmp_path):
    """As where memory is short, or in a script that is not guarded, which each process runs again; the function is
    larger than the pipe by which processes are started."""
    script = "import functools, numpy, test_sweep as t\nwork = functools.partial(t.scaled, by=numpy.ones(10**5))\n"
    script += "print(t.sweep(work, t.POINTS[:2], workers=2, attempts=1, progress=False)['error'].tolist())"
    (tmp_path / "script.py").write_text(script)
    paths = os.environ | {"PYTHONPATH": os.pathsep.join([*sys.path, os.path.dirname(__file__)])}
    run = subprocess.run(
        [sys.executable, tmp_path / "script.py"], env=paths, capture_output=True, text=True, timeout=120
    )
    assert run.stdout == f"{['its process died with exit code 1'] * 2}\n", run.stderr


def sleepy(trials, log):
    """Leaves the number of its process, and does not end."""
    (log / str(os.getpid())).touch()
    time.sleep(600)


def test_no_process_outlives_the_one_that_has_started_it(tmp_path):
    """Killed, that one cannot end them: they would train on for hours, in folders that nobody else may write to."""
    script = f"import functools, pathlib, test_sweep as t; log = pathlib.Path({str(tmp_path)!r})\n"
    script += "t.sweep(functools.partial(t.sleepy, log=log), t.POINTS, workers=2, progress=False)"
    paths = os.pathsep.join([*sys.path, os.path.dirname(__file__)])
    run = subprocess.Popen([sys.executable, "-c", script], env=os.environ | {"PYTHONPATH": paths})
    deadline = time.monotonic() + 60
    while len(list(tmp_path.iterdir())) < 2:
        assert time.monotonic() < deadline and run.poll() is None
        time.sleep(0.05)
    children = [psutil.Process(int(path.name)) for path in tmp_path.iterdir()]
    run.kill()
    run.wait()
    _, alive = psutil.wait_procs(children, timeout=30)
    for process in alive:
        process.kill()
    assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def drawn(trials):
    """Two numbers of torch's generator, a while apart, seeded with x."""
    import torch

    torch.manual_seed(trials["x"].iloc[0])
    first = float(torch.rand(()))
    time.sleep(0.1)
    return pd.DataFrame({"first": [first], "second": [float(torch.rand(()))]})


def test_threads_of_a_worker_do_not_draw_from_each_others_numbers():
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=4, processes=False, dashboard_address=None
    ) as cluster:
        found = sweep(drawn, POINTS, scheduler=cluster.scheduler_address, progress=False)
    pd.testing.assert_frame_equal(found, sweep(drawn, POINTS, workers=1, progress=False))


def wrong(trials, give):
    return {"rows": squared(trials).iloc[:-1], "kind": 3, "value": squared(trials).assign(z=[object()])}[give]


@pytest.mark.parametrize(
    "give, told",
    [("rows", "0 rows for 1 trials"), ("kind", "int for 1 trials"), ("value", "results are kept as JSON")],
)
def test_a_function_that_gives_something_else_is_told(give, told):
    found = sweep(functools.partial(wrong, give=give), POINTS[:1], workers=1, progress=False)
    assert told in found["error"][0]


@pytest.mark.parametrize(
    "trials, told",
    [
        (pd.concat([POINTS, POINTS[:1]]), "duplicate trials: 1, the first"),
        (POINTS.assign(error=1), "the trials have a column 'error'"),
        (POINTS.assign(when=pd.Timestamp("2020-01-01")), "kept as JSON"),
    ],
)
def test_points_that_cannot_be_kept_are_refused(trials, told):
    with pytest.raises(SweepError, match=told):
        sweep(squared, trials, workers=1, progress=False)


def test_a_function_that_cannot_travel_is_refused():
    with pytest.raises(SweepError, match=r"<lambda> cannot be sent to another process"):
        sweep(lambda trials: squared(trials), POINTS, workers=2, progress=False)


def threads(trials):
    import torch

    return pd.DataFrame({"threads": [torch.get_num_threads()] * len(trials)})


@pytest.mark.parametrize("workers", [1, 2])
def test_whoever_works_has_one_thread(workers):
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert set(sweep(threads, POINTS[:2], workers=workers, progress=False)["threads"]) == {1}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def surroundings(trials):
    said = {"said": os.environ.get("SAID"), "parent": os.getppid(), "drawn": np.random.rand(), "file": __file__}
    said |= {"cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0}
    time.sleep(0.2)  # so that each process has one
    return pd.DataFrame({name: [value] * len(trials) for name, value in said.items()})


def seen(**more):
    return sweep(surroundings, POINTS[:2], workers=2, progress=False, **more)


def test_processes_have_the_environment_of_now_and_leave_it_alone(monkeypatch):
    forkserver._forkserver._stop()  # so that one begins with SAID
    for said in ("first", "second"):
        monkeypatch.setenv("SAID", said)
        before = dict(os.environ)
        assert set(seen()["said"]) == {said} and dict(os.environ) == before
    monkeypatch.delenv("SAID")
    assert seen()["said"].isna().all()


def test_no_two_processes_draw_the_same_numbers():
    assert pd.concat([seen(), seen()])["drawn"].nunique() == 4


needs_server = pytest.mark.skipif(sys.platform != "linux", reason="Linux alone has the server")


@needs_server
def test_one_server_starts_the_processes_on_the_cores_of_now():
    (server,) = set(seen()["parent"])
    cores = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(cores)})
        found = seen()
    finally:
        os.sched_setaffinity(0, cores)
    assert server != os.getpid() and set(found["parent"]) == {server} and set(found["cores"]) == {1}


@needs_server
def test_a_server_that_was_killed_is_started_again():
    (server,) = set(seen()["parent"])
    os.kill(server, signal.SIGKILL)
    assert server not in set(seen()["parent"]) and set(seen()["parent"]).isdisjoint({server, os.getpid()})


@needs_server
@pytest.mark.parametrize("name", ["ensure_running", "connect_to_new_process"])
def test_where_there_can_be_no_server_each_begins_from_nothing(name, monkeypatch):
    def fails(*words):
        raise OSError("AF_UNIX path too long")

    monkeypatch.setattr(forkserver, name, fails)
    assert set(seen()["parent"]) == {os.getpid()}


@needs_server
def test_a_process_runs_the_code_of_the_one_that_asks(tmp_path, monkeypatch):
    """And what was changed since the last sweep: the server has libraries alone."""
    for text in ("1", "2"):
        (tmp_path / "own_module.py").write_text(
            f"import pandas as pd\ndef answer(trials):\n    return pd.DataFrame({{'y': [{text}] * len(trials)}})\n"
        )
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        monkeypatch.delitem(sys.modules, "own_module", raising=False)
        importlib.invalidate_caches()
        module = importlib.import_module("own_module")
        assert set(sweep(module.answer, POINTS[:2], workers=2, progress=False)["y"]) == {int(text)}


@needs_server
@pytest.mark.parametrize("threads", ["", "3"])
def test_the_server_imports_libraries_for_one_thread_each(threads, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", threads) if threads else monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before, found = dict(os.environ), {}
    monkeypatch.setattr(sweep_module, "LIBRARIES", ("json", "no.module"))
    monkeypatch.setattr(forkserver, "set_forkserver_preload", lambda names: found.update(names=names))
    monkeypatch.setattr(forkserver, "ensure_running", lambda: found.update(threads=os.environ["OMP_NUM_THREADS"]))
    sweep_module._context()
    assert found == {"names": ["json"], "threads": "1"} and dict(os.environ) == before


def test_no_points_are_no_work():
    assert sweep(squared, POINTS[:0], workers=2, progress=False).empty


def test_a_dask_cluster_gives_the_same_table(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", cluster.scheduler_address)
        here, there = tmp_path / "here", tmp_path / "there"
        found = sweep(functools.partial(picky, log=tmp_path / "log"), POINTS, there, most=4, progress=False)
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS")
    local = sweep(functools.partial(picky, log=tmp_path / "log"), POINTS, here, most=4, workers=1, progress=False)
    assert found.to_csv() == local.to_csv()
    assert sorted(p.read_bytes() for p in here.iterdir()) == sorted(p.read_bytes() for p in there.iterdir())


def test_without_a_scheduler_dask_is_not_imported(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "distributed", None)
    sweep(squared, POINTS, workers=1, progress=False)
    with pytest.raises(SweepError, match=r"pip install fercore\[dask\]"):
        sweep(squared, POINTS, scheduler="tcp://127.0.0.1:1", progress=False)


def test_a_sweep_with_a_failure_is_not_whole(tmp_path):
    found = sweep(functools.partial(picky, log=tmp_path / "log"), POINTS, workers=1, progress=False)
    with pytest.raises(SweepError, match=r"1 of 4 trials failed, the first of them \{.*'x': 2.*\}: ValueError: not 2"):
        require_complete(found)
    good = sweep(squared, POINTS, workers=1, progress=False)
    assert require_complete(good) is good


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"result": [1]}', '{"result": {"y": 1', "\xff", "[" * 10**5])
def test_a_damaged_trial_is_named_and_stops_no_other(tmp_path, content):
    log, folder = tmp_path / "log", tmp_path / "trials"
    sweep(functools.partial(squared, log=log), POINTS[:3], folder, workers=1, progress=False)
    damaged = next(path for path in folder.iterdir() if '"x": 2' in path.read_text())
    damaged.write_text(content, encoding="latin-1")
    found = sweep(functools.partial(squared, log=log), POINTS, folder, workers=1, progress=False)
    assert found["y"].isna().tolist() == [False, True, False, False] and calls(log) == ["2", "3", "4", "5"]
    with pytest.raises(SweepError, match=rf"1 of 4 trials failed.*SweepError: .*{damaged.name}: no result of a t"):
        require_complete(found)
    damaged.unlink()
    found = sweep(functools.partial(squared, log=log), POINTS, folder, workers=1, progress=False)
    pd.testing.assert_frame_equal(require_complete(found), EXPECTED, check_exact=True)


def odd(trials, give):
    if 2 not in set(trials["x"]):
        return squared(trials)
    if give == "two columns":
        return pd.concat([squared(trials), squared(trials)], axis=1)
    if give == "the trials' own":
        return squared(trials).assign(x=0)
    if give == "itself":
        own = []
        own.append(own)
        return squared(trials).assign(z=[own])
    raise {"no memory": MemoryError("none left"), "exit": SystemExit(3)}[give]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("give", "told"),
    [
        ("two columns", "two columns of the name name, y"),
        ("the trials' own", "a column of the name x, which the table has already"),
        ("itself", "results are kept as JSON: "),
        ("no memory", "MemoryError: none left"),
        ("exit", "SystemExit: 3"),
    ],
)
def test_a_bad_trial_of_any_kind_stops_no_other(workers, give, told):
    found = sweep(functools.partial(odd, give=give), POINTS, workers=workers, progress=False)
    assert told in found["error"][1] and (found["error"] == "").tolist() == [True, False, True, True]


def test_a_second_sweep_in_one_folder_is_told(tmp_path):
    with files.locked(tmp_path, "a sweep"), ThreadPoolExecutor(1) as other:
        running = other.submit(sweep, squared, POINTS, tmp_path, workers=1, progress=False)
        with pytest.raises(files.BusyError, match=rf"is being written by a sweep, process {os.getpid()} on "):
            running.result()


def test_a_finished_sweep_is_read_beside_others(tmp_path):
    made = sweep(squared, POINTS, tmp_path, workers=1, progress=False)
    with files.locked(tmp_path, "a sweep"), ThreadPoolExecutor(1) as other:
        read = other.submit(sweep, squared, POINTS, tmp_path, workers=1, progress=False).result()
    assert read.equals(made)


def test_what_another_process_has_done_before_it_let_go_is_not_done_again(tmp_path, monkeypatch):
    log, locked = tmp_path / "log", files.locked

    def late(folder, what):
        monkeypatch.setattr(files, "locked", locked)
        sweep(functools.partial(squared, log=log), POINTS, folder, workers=1, progress=False)
        return locked(folder, what)

    monkeypatch.setattr(files, "locked", late)
    found = sweep(functools.partial(squared, log=log), POINTS, tmp_path / "kept", workers=1, progress=False)
    assert len(calls(log)) == len(POINTS) == len(found)


@pytest.mark.parametrize("changed", ["another version", "before the code was changed"])
def test_a_dask_worker_with_other_code_keeps_nothing(tmp_path, monkeypatch, changed):
    distributed = pytest.importorskip("distributed")
    if changed == "another version":
        versions = iter(["ours", "theirs", "theirs", "theirs", "theirs"])
        monkeypatch.setattr(sweep_module, "_code", lambda function: next(versions))
    else:
        monkeypatch.setattr(sweep_module, "IMPORTED", 0.0)
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as cluster,
        pytest.raises(SweepError, match=rf"the Dask worker of process {os.getpid()} on .*{changed}"),
    ):
        sweep(squared, POINTS, tmp_path, scheduler=cluster.scheduler_address, progress=False)
    assert not list(tmp_path.iterdir())
