"""Side by side: all methods take turns in each round, and a ratio is taken within the round."""

from __future__ import annotations

import gc
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROUNDS = 9

Methods = dict[str, Callable[[], object]]
Row = dict[str, Any]


def timed(work: str, methods: Methods, rounds: int = ROUNDS, each: int = 1) -> list[Row]:
    """Time all methods in each round, in random order; the first method is the baseline.

    Parameters
    ----------
    each : int
        How often a method does the work in one call.
    """
    times: dict[str, list[float]] = {name: [] for name in methods}
    shuffle = random.Random(0)
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            order = list(methods)
            shuffle.shuffle(order)
            for name in order:
                begun = time.perf_counter()
                result = methods[name]()
                times[name].append((time.perf_counter() - begun) / each)
                del result
            gc.collect()
    finally:
        gc.enable()
    baseline = next(iter(methods))
    return [row(work, name, baseline, times) for name in methods]


def row(work: str, name: str, baseline: str, times: Mapping[str, Sequence[float]]) -> Row:
    """Summarise one method.

    Parameters
    ----------
    times : mapping of str to sequence of float
        Seconds by method, one for each round.

    Returns
    -------
    dict
        ``work``, ``method``, ``baseline``, ``ratio`` (median of the rounds' ratios, above 1: faster than the baseline),
        ``ratio_low`` and ``ratio_high`` (their range), ``wall_ms`` (median), ``wall_ms_least``, ``rounds``.
    """
    ratios = [b / t for b, t in zip(times[baseline], times[name], strict=True)]
    return {
        "work": work,
        "method": name,
        "baseline": baseline,
        "ratio": round(statistics.median(ratios), 2),
        "ratio_low": round(min(ratios), 2),
        "ratio_high": round(max(ratios), 2),
        "wall_ms": round(statistics.median(times[name]) * 1e3, 3),
        "wall_ms_least": round(min(times[name]) * 1e3, 3),
        "rounds": len(ratios),
    }


def main(run: Callable[[Path], list[Row]]) -> None:
    """Measure in a folder that goes afterwards, and print a table."""
    with tempfile.TemporaryDirectory(prefix="medshelf-bench-") as folder:
        show(run(Path(folder)))


def show(rows: Sequence[Row]) -> None:
    """Print a table."""
    keys = list(rows[0])
    widths = [max(len(key), *(len(str(r[key])) for r in rows)) for key in keys]
    for line in [dict(zip(keys, keys, strict=True)), *rows]:
        sys.stdout.write("  ".join(str(line[k]).ljust(w) for k, w in zip(keys, widths, strict=True)).rstrip() + "\n")
    sys.stdout.flush()
