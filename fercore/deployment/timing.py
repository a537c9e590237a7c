"""How long things take, on a machine that is not idle: NumPy and the standard library alone.

`fercore bench bundle` puts this very file beside the networks, so that a small computer times as a large one does.
"""

from __future__ import annotations

import contextlib
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping

import numpy as np

QUANTILES = {"median": 0.5, "p90": 0.9, "p99": 0.99}


def interleaved(
    runs: Mapping[str, Callable[[], object]], seconds: float = 1.0, rounds: int = 20, warmup: int = 5
) -> dict[str, np.ndarray]:
    """Seconds of each call of each of `runs`, float (calls,), by name.

    All are called in turn for a little while each, round after round, so that a machine that is slower for a time is
    slower for all of them. `seconds` is about how long each is timed for, over all rounds, after `warmup` calls.
    """
    calls = {}
    for name, run in runs.items():
        for _ in range(warmup):
            run()
        started = time.perf_counter()
        run()
        calls[name] = max(1, round(seconds / rounds / max(time.perf_counter() - started, 1e-7)))
    found: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            run()  # what another has thrown out of the caches comes back
            for _ in range(calls[name]):
                started = time.perf_counter()
                run()
                found[name].append(time.perf_counter() - started)
    return {name: np.array(values) for name, values in found.items()}


def quantiles(seconds: np.ndarray) -> dict[str, float]:
    """Median, 90th and 99th percentile, in milliseconds."""
    return {name: 1000 * float(np.quantile(seconds, share)) for name, share in QUANTILES.items()}


def peak_rate(side: int = 512, seconds: float = 0.5) -> float:
    """Multiply-accumulates a second that the threads NumPy has do at best, of matrices of side x side in fp32."""
    draw = np.random.default_rng(0)
    a, b = (draw.random((side, side), np.float32) for _ in range(2))
    out, best, until = np.empty((side, side), np.float32), np.inf, time.perf_counter() + seconds
    while time.perf_counter() < until:
        started = time.perf_counter()
        np.matmul(a, b, out=out)
        best = min(best, time.perf_counter() - started)
    return side**3 / best


@contextlib.contextmanager
def undisturbed(wanted: bool = True, threads: int = 1):
    """With Linux's real-time scheduler for all threads of this process, so that other work waits, on as many cores as
    it computes with: for seconds only, and where one is allowed to. Yields whether it was had.

    One core, since a runtime that hands its work to a thread of its own would else wait for another core to wake up.
    """
    held = [int(name) for name in os.listdir("/proc/self/task")] if wanted and os.path.isdir("/proc/self/task") else []
    changed = {}
    try:
        for thread in held:
            with contextlib.suppress(OSError):  # one that has ended, or that may not
                cores = os.sched_getaffinity(thread)
                os.sched_setscheduler(thread, os.SCHED_FIFO, os.sched_param(1))
                changed[thread] = cores
                os.sched_setaffinity(thread, sorted(cores)[-threads:])
        yield bool(changed)
    finally:
        for thread, cores in changed.items():
            with contextlib.suppress(OSError):
                os.sched_setscheduler(thread, os.SCHED_OTHER, os.sched_param(0))
                os.sched_setaffinity(thread, cores)


def machine() -> dict[str, object]:
    """What the machine says of itself: processor, cores, system, Python, and load while it was timed."""
    name = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as file:
            told = [
                line.partition(":")[2].strip() for line in file if line.lower().startswith(("model name", "model\t"))
            ]
        name = max(told, key=len, default=name)
    except OSError:
        pass
    return {
        "processor": name,
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
    }


def compare(seconds: Mapping[str, np.ndarray], first: str) -> dict[str, float]:
    """How many times faster than `first` each is, by medians."""
    of = statistics.median(seconds[first])
    return {name: of / statistics.median(values) for name, values in seconds.items()}
