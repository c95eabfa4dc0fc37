"""start: how soon does a node that is set up answer, and how much memory does it hold, idle?"""

from __future__ import annotations

import time

from scripts.benchmarks.bench import Bench
from scripts.benchmarks.report import Figure, at_most, percentile
from scripts.running_node import RunningNode

MEGABYTE = 1_000_000


def measure(bench: Bench) -> list[Figure]:
    """Return seconds to the first answered request and resident memory of all processes."""
    node = RunningNode.prepare(bench.folder / "start", settings={"FEDERATION": "open"})
    try:
        first = node.start()
        node.wait_ready()
        node.stop()
        again = []
        for turn in range(2 if bench.is_quick else 5):
            bench.say(f"start number {turn + 2}")
            again.append(node.start())
            node.wait_ready()
            if turn == 0:
                time.sleep(5 if bench.is_quick else 15)
                node.answers("/about")
                time.sleep(2)
                resident, proportional = node.memory()
                processes = len(node.processes())
                idle = node.cpu_seconds()
                time.sleep(10)
                idle = (node.cpu_seconds() - idle) / 10
            node.stop()
    finally:
        node.stop()
    return [
        Figure("start", "very first start, database made", first, "s"),
        at_most("start", "start when set up, median", percentile(again, 0.5), "s", 3),
        at_most("start", "start when set up, slowest", max(again), "s", 3),
        at_most("start", "resident memory, idle, all processes", resident / MEGABYTE, "MB", 400,
                note=f"({processes} processes; pages they share counted in each)"),
        Figure("start", "proportional memory (PSS)", proportional / MEGABYTE, "MB", note="(shared pages counted once)"),
        Figure("start", "CPU while idle", idle * 100, "% of a core"),
    ]  # fmt: skip
