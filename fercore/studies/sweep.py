"""A grid of trials, each worked out once: by processes of this machine, or by a Dask cluster where there is one."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import pickle
import platform
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, fields, is_dataclass
from multiprocessing import connection
from pathlib import Path

import numpy as np
import pandas as pd

from .. import closure, files
from ..progress import bar as progress_bar
from ..results import provenance

SCHEDULER = "DASK_SCHEDULER_ADDRESS"  # where Dask itself looks for it
IMPORTED = time.time()  # and with it, in a Dask worker, all that it works with
THREADS = "OMP_NUM_THREADS"
ERROR = "error"  # the column that says what went wrong
Function = Callable[[pd.DataFrame], pd.DataFrame]


class SweepError(RuntimeError):
    """A sweep that cannot be run as it was asked for."""


def sweep(
    function: Function,
    trials: pd.DataFrame,
    folder: str | Path | None = None,
    *,
    identity: Mapping | Callable[[Mapping], Mapping] | None = None,
    cohort: Sequence[str] = (),
    most: int = 1,
    workers: int | None = None,
    scheduler: str | None = None,
    attempts: int = 3,
    progress: bool = True,
) -> pd.DataFrame:
    """`trials` with what `function` finds for each, in the order in which they were given.

    function  is given a table of some of the trials and returns a table with a row for each, in the same order. It is
              sent to other processes, so it has to be importable, or a functools.partial of what is. The arguments that
              a partial carries count as part of the question: plain values, paths, arrays, frozen dataclasses
    trials    a row a trial: numbers, text and truth values
    folder    where the result of each trial is kept, as JSON, and looked for before the trial is run. None or empty:
              results are not kept
    identity  what else results depend on, such as data and code; a kept result is used only where this is the same.
              A mapping holds for all trials, beside the arguments that a partial carries. A function is given a trial
              and returns the mapping for that trial alone; the partial's arguments are then left out, so that the path
              of the data may change, or what only other trials depend on, and a kept result is still used
    cohort    columns: trials that agree in them are given to `function` together, at most `most` at a time
    workers   processes, each with one thread; by default one a core. 1: everything runs in this process
    scheduler the address of a Dask scheduler, by default $DASK_SCHEDULER_ADDRESS; empty: none. Its workers, in place of
              processes. Start them with MALLOC_TRIM_THRESHOLD_=268435456 MALLOC_MMAP_THRESHOLD_=268435456: with Dask's
              own setting of the first, memory is given back at once, and training takes nearly twice as long
    attempts  how often a trial is tried. One that raises an exception each time, or whose process dies, is given up,
              and the others go on. Only where that happened, the column `error` says why, empty for the others

    Where a cohort raises an exception, its trials are tried again one by one. A trial whose file in `folder` is damaged
    counts as failed, and `error` names the file. Raises SweepError for trials that are there twice, that hold what JSON
    cannot, or that have a column named `error`, for arguments of a partial that have no identity, and for a Dask worker
    with other code; BusyError where a trial is left to do and another process sweeps in `folder`.
    """
    folder = Path(folder) if folder else None
    if not callable(identity):
        same = {"function": _identity(function), "identity": dict(identity or {})}
        keys = _keys(trials, lambda trial: same)
    else:
        keys = _keys(trials, lambda trial: {"function": _name(function), "identity": dict(identity(trial))})
    done, errors = _kept(folder, keys)
    writes = folder is not None and len(done) + len(errors) < len(keys)
    with files.locked(folder, "a sweep") if writes else nullcontext():
        if writes:  # again: another process may have written some in the meantime
            done, errors = _kept(folder, keys)
        if done:
            provenance.kept(str(folder))
        to_do = [key not in done and key not in errors for key in keys]
        queue = deque(_Task(places) for places in _cohorts(trials, to_do, cohort, most))
        if scheduler is None:
            scheduler = os.environ.get(SCHEDULER, "")
        pool = None
        try:
            with progress_bar(len(trials), len(done) + len(errors), "trials", "trial", disable=not progress) as bar:
                running: dict[int, _Task] = {}
                while queue or running:
                    if pool is None:
                        pool = _Dask(function, scheduler) if scheduler else _local(function, workers, len(queue))
                    while queue and len(running) < pool.capacity:
                        task = queue.popleft()
                        running[pool.submit(trials.iloc[task.places])] = task
                    number, found, error = pool.next()
                    task = running.pop(number)
                    if error is None:
                        error = _misfit(found, len(task.places), trials.columns)
                    if error is None:
                        for place, result in zip(task.places, _records(found), strict=True):
                            done[keys[place]] = result
                            if folder is not None:
                                _write(folder, keys[place], trials.iloc[place], result)
                        bar.update(len(task.places))
                    elif len(task.places) > 1:  # so that a bad trial takes no other with it
                        queue.extend(_Task([place], task.failed) for place in task.places)
                    elif task.failed + 1 < attempts:
                        queue.append(_Task(task.places, task.failed + 1))
                    else:
                        errors[keys[task.places[0]]] = error
                        bar.update(1)
                        bar.set_postfix(failed=len(errors))
        finally:
            if pool is not None:
                pool.close()
    found = pd.DataFrame([done.get(key, {}) for key in keys], index=trials.index)
    if errors:
        found[ERROR] = [errors.get(key, "") for key in keys]
    return pd.concat([trials, found], axis=1)


def require_complete(found: pd.DataFrame) -> pd.DataFrame:
    """What `sweep` has found, where nothing failed. Raises SweepError that names the first of those that did."""
    failed = found[found[ERROR] != ""] if ERROR in found else found[:0]
    if len(failed):
        first = _records(failed[:1])[0]
        why = first.pop(ERROR)
        trial = {name: value for name, value in first.items() if not pd.isna(value)}
        raise SweepError(f"{len(failed)} of {len(found)} trials failed, the first of them {trial}: {why}")
    return found


@dataclass(frozen=True)
class _Task:
    places: list[int]  # of the trials
    failed: int = 0


# ------------------------------------------------------------------------------------------------------------- trials


def _name(function: Function) -> str:
    inner = getattr(function, "func", function)
    return f"{inner.__module__}.{inner.__qualname__}"


def _identity(function: Function) -> list:
    arguments = {str(place): value for place, value in enumerate(getattr(function, "args", ()))}
    arguments |= getattr(function, "keywords", {})

    def text(value: object) -> object:
        if isinstance(value, np.ndarray):
            return [str(value.dtype), value.shape, hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()]
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, Path):
            return str(value)
        if is_dataclass(value) and type(value).__dataclass_params__.frozen:
            return [type(value).__name__, {field.name: getattr(value, field.name) for field in fields(value)}]
        raise SweepError(
            f"an argument of {_name(function)} is a {type(value).__name__}, which says nothing of its value: give a "
            "path, or plain values"
        )

    return [_name(function), json.dumps(arguments, sort_keys=True, default=text)]


def _keys(trials: pd.DataFrame, rest: Callable[[Mapping], Mapping]) -> list[str]:
    """What each trial is called on disk: a digest of itself and of what its result rests on, `rest`."""
    if ERROR in trials.columns:
        raise SweepError(f"the trials have a column {ERROR!r}, which is where failures are told")
    try:
        texts = [json.dumps([row, rest(row)], sort_keys=True) for row in _records(trials)]
    except TypeError as error:
        raise SweepError(f"trials and identity are kept as JSON: {error}") from None
    keys = [hashlib.sha256(text.encode()).hexdigest()[:24] for text in texts]
    if twice := [str(dict(trials.iloc[place])) for place, key in enumerate(keys) if key in keys[:place]]:
        raise SweepError(f"duplicate trials: {len(twice)}, the first {twice[0]}")
    return keys


def _cohorts(trials: pd.DataFrame, open_: Sequence[bool], columns: Sequence[str], most: int) -> list[list[int]]:
    """Places of trials that are worked out together, in the order of the trials."""
    groups: dict[tuple, list[int]] = {}
    for place in np.flatnonzero(open_):
        groups.setdefault(tuple(trials.iloc[place][list(columns)]), []).append(int(place))
    return sorted(part[start : start + most] for part in groups.values() for start in range(0, len(part), most))


def _records(frame: pd.DataFrame) -> list[dict]:
    """The rows of a frame, as JSON has them."""
    return [
        {name: value.item() if isinstance(value, np.generic) else value for name, value in row.items()}
        for row in frame.to_dict("records")
    ]


def _misfit(found: object, count: int, asked: pd.Index) -> str | None:
    if not isinstance(found, pd.DataFrame) or len(found) != count:
        what = f"{len(found)} rows" if isinstance(found, pd.DataFrame) else type(found).__name__
        return f"the function gave {what} for {count} trials; expected a DataFrame with a row for each"
    if twice := sorted({str(name) for name in found.columns[found.columns.duplicated()]}):
        return f"the function gave two columns of the name {', '.join(twice)}"
    if twice := [str(name) for name in found.columns if name in asked or name == ERROR]:
        return f"the function gave a column of the name {', '.join(twice)}, which the table has already"
    try:
        json.dumps(_records(found))
    except (RecursionError, TypeError, ValueError) as error:
        return f"results are kept as JSON: {error}"
    return None


def _kept(folder: Path | None, keys: Sequence[str]) -> tuple[dict[str, dict], dict[str, str]]:
    """By key, the results that are kept in `folder`, and what is wrong with the files that hold none."""
    done, errors = {}, {}
    for key in keys if folder is not None else ():
        path = folder / f"{key}.json"
        if not path.is_file():
            continue
        try:
            result = json.loads(path.read_text(encoding="utf-8"))["result"]
            if not isinstance(result, dict):
                raise ValueError(f"its result is a {type(result).__name__}")
            done[key] = result
        except (KeyError, OSError, RecursionError, TypeError, ValueError) as error:
            errors[key] = f"SweepError: {path}: no result of a trial ({_said(error)}); remove it to have it done again"
    return done, errors


def _write(folder: Path, key: str, trial: pd.Series, result: dict) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    whole = {"trial": _records(pd.DataFrame([trial]))[0], "result": result}
    text = json.dumps(whole, indent=1, sort_keys=False, default=str) + "\n"
    files.replace(folder / f"{key}.json", lambda file: file.write(text.encode()))


# ---------------------------------------------------------------------------------------------------------- who works


_ALONE = threading.Lock()


def _work(function: Function, trials: pd.DataFrame) -> pd.DataFrame:
    """`function` with one thread, wherever it runs: sums of several threads end in other last digits; and alone in its
    process, as a Dask worker of several threads is not: they would draw from one generator of random numbers."""
    with _ALONE:
        torch = sys.modules.get("torch")  # not there where `function` does without
        if torch is None:
            return function(trials)
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            return function(trials)
        finally:
            torch.set_num_threads(threads)


class _OtherCode(SweepError):
    pass


def _code(function: Function) -> str:
    """A digest of the code that `function` rests on, where this process finds it; empty for what is in no file."""
    module = sys.modules[getattr(function, "func", function).__module__]
    return closure.digest(module) if getattr(module, "__file__", None) else ""


def _work_as(code: str, function: Function, trials: pd.DataFrame) -> pd.DataFrame:
    """`_work`, on another machine, where its code is ours. Raises _OtherCode: what is kept is known by our code."""
    own = _code(function)
    here = f"the Dask worker of process {os.getpid()} on {platform.node()}"
    if own != code:
        raise _OtherCode(f"{here} has another version of the code ({own}, not {code}): start it from this one")
    module = sys.modules[getattr(function, "func", function).__module__]
    if own and max(path.stat().st_mtime for path in [Path(module.__file__), *closure.modules(module)]) > IMPORTED:
        raise _OtherCode(f"{here} was started before the code was changed: start it again")
    return _work(function, trials)


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _local(function: Function, workers: int | None, tasks: int):
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    count = min(workers or cores, tasks)
    return _Processes(function, count) if count > 1 else _Here(function)


class _Here:
    """This process; one task at a time."""

    capacity = 1

    def __init__(self, function: Function):
        self.function, self.trials = function, None

    def submit(self, trials: pd.DataFrame) -> int:
        self.trials = trials
        return 0

    def next(self) -> tuple[int, pd.DataFrame | None, str | None]:
        try:
            return 0, _work(self.function, self.trials), None
        except (Exception, SystemExit) as error:
            return 0, None, _said(error)

    def close(self) -> None:
        pass


def _serve(pipe: connection.Connection) -> None:
    """What a process of `_Processes` does: the environment comes in, then the function, pickled, then trials, and
    results go out, until the other end is closed.

    Ctrl-C reaches all processes of a terminal: it is for the one that has started this one, which ends it. Where that
    one is killed, this one ends at once too, in the middle of a trial.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        environment, cores = pipe.recv()  # as they are now: the server that may have forked this one is older
        os.environ.clear()
        os.environ.update(environment | {THREADS: "1"})
        if cores is not None:
            os.sched_setaffinity(0, cores)
        np.random.seed()  # or all that one server has forked would draw the same numbers
        if "torch" in sys.modules:
            sys.modules["torch"].seed()
        function = pickle.loads(pipe.recv_bytes())
    except EOFError:
        return
    while True:
        try:
            trials = pipe.recv()
        except EOFError:
            return
        try:
            answer = _work(function, trials), None
        except (Exception, SystemExit) as error:
            answer = None, _said(error)
        pipe.send(answer)


def _end_with_parent() -> None:
    multiprocessing.parent_process().join()
    os._exit(1)


class _Processes:
    """Processes of this machine. One that dies takes only its own task with it, and another takes its place."""

    def __init__(self, function: Function, count: int):
        try:
            self.function = pickle.dumps(function)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise SweepError(f"{_name(function)} cannot be sent to another process ({error})") from None
        self.context = _context()
        self.capacity, self.submitted = count, 0
        self.idle: list[_Process] = []
        self.busy: dict[connection.Connection, tuple[int, _Process]] = {}

    def submit(self, trials: pd.DataFrame) -> int:
        process = self.idle.pop() if self.idle else _Process(self.function, self.context)
        with suppress(BrokenPipeError, ConnectionResetError):  # it died with nothing to do: `next` will find it so
            process.pipe.send(trials)
        self.submitted += 1
        self.busy[process.pipe] = self.submitted, process
        return self.submitted

    def next(self) -> tuple[int, pd.DataFrame | None, str | None]:
        pipe = connection.wait(list(self.busy))[0]
        number, process = self.busy.pop(pipe)
        try:
            found, error = pipe.recv()
        except (EOFError, ConnectionResetError):
            process.process.join()
            return number, None, f"its process died with exit code {process.process.exitcode}"
        self.idle.append(process)
        return number, found, error

    def close(self) -> None:
        for process in [*self.idle, *(process for _, process in self.busy.values())]:
            process.process.terminate()
            process.process.join()
            process.pipe.close()


LIBRARIES = ("pandas", "scipy.stats", "sklearn.metrics", "torch", "torchvision", "timm")  # which take seconds to import
SPAWN = multiprocessing.get_context("spawn")  # a fork would inherit this process's threads, and locks with them


def _context() -> multiprocessing.context.BaseContext:
    """How processes are started: on Linux by a server that has imported of LIBRARIES what this process has and computed
    nothing, or each would import it anew, for five seconds. Code, of this project or another, each imports itself."""
    if sys.platform != "linux":
        return SPAWN
    from multiprocessing import forkserver  # which only POSIX has

    forkserver.set_forkserver_preload([name for name in LIBRARIES if name in sys.modules])
    before = os.environ.get(THREADS)
    os.environ[THREADS] = "1"  # read where they are imported
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])  # Ctrl-C is for this process
    try:
        forkserver.ensure_running()
    except OSError:  # no place for its socket, or this process was forked from one that has a server
        return SPAWN
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        del os.environ[THREADS]
        os.environ |= {} if before is None else {THREADS: before}
    return multiprocessing.get_context("forkserver")


class _Process:
    def __init__(self, function: bytes, context: multiprocessing.context.BaseContext):
        try:
            self.start(context)
        except (OSError, EOFError):  # the server's socket is gone, or the server just now
            self.start(SPAWN)
        # Not among `args`: `start` writes those to a pipe of which it holds both ends, so that it waits for ever where
        # they are more than the pipe holds and the process dies before it has read them.
        with suppress(BrokenPipeError, ConnectionResetError):  # `next` will find it dead
            cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
            self.pipe.send((dict(os.environ), cores))
            self.pipe.send_bytes(function)

    def start(self, context: multiprocessing.context.BaseContext) -> None:
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=_serve, args=(other,), daemon=True)
        self.process.start()
        other.close()


class _Dask:
    """The workers of a Dask cluster, to which `fercore` and the data have to be installed and readable."""

    def __init__(self, function: Function, address: str):
        try:
            from distributed import Client, as_completed
        except ImportError:
            raise SweepError(f"a scheduler is given ({address}) but not Dask: pip install fercore[dask]") from None
        try:
            self.client = Client(address, set_as_default=False)
        except OSError as error:
            raise SweepError(f"no Dask scheduler answers at {address}: {error}") from error
        self.function, self.code = function, _code(function)
        self.numbers, self.done = {}, as_completed(loop=self.client.loop)
        self.capacity = 1 << 30  # the scheduler knows who is idle

    def submit(self, trials: pd.DataFrame) -> int:
        future = self.client.submit(_work_as, self.code, self.function, trials, pure=False)
        self.numbers[future.key] = number = len(self.numbers)
        self.done.add(future)
        return number

    def next(self) -> tuple[int, pd.DataFrame | None, str | None]:
        future = next(self.done)
        number = self.numbers[future.key]
        if future.status == "finished":
            return number, future.result(), None
        error = future.exception() if future.status == "error" else RuntimeError(f"the task was {future.status}")
        if isinstance(error, _OtherCode):
            raise error
        return number, None, _said(error)

    def close(self) -> None:
        self.client.close()
