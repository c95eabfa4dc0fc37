"""What every scenario is given: a folder, the fake hosts, the ceilings; and nodes made for measuring."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.benchmarks.ceiling import Ceiling
from scripts.benchmarks.fake_hosts import FakeHosts
from scripts.running_node import RunningNode


@dataclass
class Bench:
    """One run of `scripts/bench`. Nodes keep their data below `folder`."""

    folder: Path
    hosts: FakeHosts
    ceiling: Ceiling
    is_quick: bool
    is_talkative: bool = True

    @contextmanager
    def node(self, name: str, **settings: str) -> Iterator[RunningNode]:
        """Start a fresh node, ready for work and open to all hosts; stop it at the end."""
        node = RunningNode.prepare(self.folder / name, settings={"FEDERATION": "open", "RATE_LIMITS": "off", **settings})
        self.say(f"starting node {name}")
        node.start()
        try:
            node.wait_ready()
            yield node
        finally:
            node.stop()

    def say(self, text: str) -> None:
        """Tell the person who waits."""
        if self.is_talkative:
            print(f"  {text}", file=sys.stderr, flush=True)


def count(node: RunningNode, query: str, *values: Any) -> int:
    """Return the single number that this SQL gives on the node's SQLite file, from outside, read-only."""
    connection = sqlite3.connect(f"file:{node.data / 'courtyard.sqlite3'}?mode=ro", uri=True, timeout=30)
    try:
        return int(connection.execute(query, values).fetchone()[0])
    finally:
        connection.close()


def wait_until(ask: Callable[[], bool], seconds: float, pause: float = 0.05) -> bool:
    """Ask until it is so; say whether it became so within `seconds`."""
    deadline = time.monotonic() + seconds
    while not ask():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


@dataclass
class Stretch:
    """CPU and wall time of the node between two moments."""

    node: RunningNode
    begun: float
    cpu_before: float
    by_process: dict[str, float]

    @classmethod
    def begin(cls, node: RunningNode) -> Stretch:
        return cls(node, time.monotonic(), node.cpu_seconds(), node.cpu_by_process())

    def cpu(self) -> float:
        """CPU seconds of all processes of the node since the beginning."""
        return self.node.cpu_seconds() - self.cpu_before

    def shares(self) -> str:
        """Where the CPU went, by process, most first."""
        spent = {
            name.split(" ", 1)[1]: seconds - self.by_process.get(name, 0.0)
            for name, seconds in self.node.cpu_by_process().items()
        }
        most = sorted(spent.items(), key=lambda item: -item[1])
        return ", ".join(f"{name.removeprefix('python -m ')} {seconds:.2f} s" for name, seconds in most if seconds >= 0.05)
