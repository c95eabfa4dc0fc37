"""A node under load with fake hosts around it: what the fault runs share."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import signal
import sqlite3
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.benchmarks import population
from scripts.benchmarks.fake_hosts import FakeHosts
from scripts.running_node import RunningNode, descendants, name_of

MARK = "bench-mark-"


@dataclass
class Stage:
    """One node, its author ada with followers at `hosts` fake hosts, and what was acknowledged to her."""

    node: RunningNode
    fakes: FakeHosts
    hosts: int
    token: str
    acknowledged: list[int] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    kills: int = 0
    _serial: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def pids(self, part: str) -> list[int]:
        """Return the process ids of one part: 'web', 'worker', 'scheduler', 'valkey'."""
        if self.node.process is None:
            return []
        return [pid for pid in descendants(self.node.process.pid) if part in name_of(pid)]

    def kill(self, part: str, number: int = signal.SIGKILL) -> bool:
        """Send a signal to a random process of this part; say whether there was one."""
        found = self.pids(part)
        if not found:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(random.choice(found), number)
            self.kills += 1
            return True
        return False

    def kill_web(self, number: int = signal.SIGKILL) -> bool:
        """Send a signal to the web process once it is back from the last one; say whether it was."""
        return self.node.answers("/healthz") and self.kill("node web", number)

    def kill_everything(self) -> None:
        """kill -9 the supervisor and all below it, at once."""
        if self.node.process is None:
            return
        for pid in self.node.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.node.process.wait()
        self.node.process = None

    def post(self, *, seconds: float = 60.0) -> float:
        """Post once as a careful client does: the same Idempotency-Key until it is acknowledged. Return the seconds it took."""
        with self._lock:
            self._serial += 1
            serial = self._serial
        body = json.dumps({"status": f"Minutes {MARK}{serial:08d}", "visibility": "public"}).encode()
        headers = {
            "Authorization": f"Bearer {self.token}", "Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex,
        }  # fmt: skip
        begun = time.monotonic()
        while time.monotonic() - begun < seconds:
            request = urllib.request.Request(f"{self.node.origin}/api/v1/statuses", data=body, headers=headers, method="POST")
            try:
                with urllib.request.urlopen(request, timeout=20) as answer:
                    json.load(answer)
            except urllib.error.HTTPError as error:
                with error:
                    self.errors.append(f"HTTP {error.code}")
                if error.code < 500:
                    raise
            except (OSError, ValueError) as error:
                self.errors.append(type(error).__name__)
            else:
                with self._lock:
                    self.acknowledged.append(serial)
                return time.monotonic() - begun
            time.sleep(0.1)
        return time.monotonic() - begun

    def post_many(self, number: int, threads: int = 4, *, pause: float = 0.0) -> list[float]:
        """Post `number` times from several clients at once, each `pause` seconds after its last; return how long each took."""
        waiting = iter(range(number))
        times: list[float] = []

        def work() -> None:
            while True:
                with self._lock:
                    if next(waiting, None) is None:
                        return
                times.append(self.post())
                time.sleep(pause)

        workers = [threading.Thread(target=work) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return times

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the node's database from outside, read-only."""
        connection = sqlite3.connect(f"file:{self.node.data / 'courtyard.sqlite3'}?mode=ro", uri=True, timeout=30)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()

    def wait_delivered(self, seconds: float) -> bool:
        """Wait until every acknowledged post is at every host."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.fakes.count()["posts"] >= len(self.acknowledged) * self.hosts and not self.missing():
                return True
            time.sleep(0.3)
        return not self.missing()

    def received(self) -> dict[str, list[int]]:
        """Return, for each host, the posts it got, in order, repetitions included."""
        found: dict[str, list[int]] = defaultdict(list)
        for address, _, mark in self.fakes.posts():
            if mark.isdigit():
                found[address].append(int(mark))
        return found

    def missing(self) -> int:
        """Return how many acknowledged posts have not reached how many hosts, in sum."""
        wanted = set(self.acknowledged)
        got = self.received()
        return sum(len(wanted - set(marks)) for marks in got.values()) + len(wanted) * (self.hosts - len(got))

    def duplicates(self) -> int:
        """Return how many POSTs repeated one that a host had taken."""
        return sum(count - 1 for marks in self.received().values() for count in Counter(marks).values())

    def inversions(self) -> int:
        """Return how often a host got a post before one that was committed earlier."""
        order = {
            int(text.partition(MARK)[2][:8]): post_id
            for post_id, text in self.rows("select id, source from posts where is_local = 1 and source is not null")
            if MARK in text
        }
        wrong = 0
        for marks in self.received().values():
            first = list(dict.fromkeys(marks))
            places = [order[mark] for mark in first if mark in order]
            wrong += sum(one > other for one, other in itertools.pairwise(places))
        return wrong

    def unrecorded(self, seconds: float = 15.0) -> int:
        """Return how many POSTs that a host took have no line in the ledger, once a killed worker's notes had time to be read."""
        query = "select p.source, count(*) from disclosures d join posts p on p.id = d.post_id group by p.id"
        deadline = time.monotonic() + seconds
        while True:
            arrived = Counter(mark for marks in self.received().values() for mark in marks)
            lines = {int(text.partition(MARK)[2][:8]): number for text, number in self.rows(query) if text and MARK in text}
            missing = sum(max(0, number - lines.get(mark, 0)) for mark, number in arrived.items())
            if not missing or time.monotonic() > deadline:
                return missing
            time.sleep(0.3)

    def half_made(self) -> int:
        """Return how many posts lack their activity or one of their deliveries."""
        deliveries = "select count(*) from deliveries d join activities a on a.id = d.activity_id where a.post_id = p.id"
        query = f"select count(*) from posts p where p.is_local = 1 and ({deliveries}) != {self.hosts}"
        return int(self.rows(query)[0][0])

    def doubled(self) -> int:
        """Return how many posts were made twice of one request."""
        texts = [text for (text,) in self.rows("select source from posts where is_local = 1")]
        return len(texts) - len(set(texts))


@contextmanager
def stage(folder: Path, name: str, hosts: int, **settings: str) -> Iterator[Stage]:
    """Start a node with an author who has one follower at each of `hosts` fake hosts."""
    fakes = FakeHosts.start()
    node = RunningNode.prepare(folder / name, settings={"FEDERATION": "open", "RATE_LIMITS": "off", **settings})
    node.start()
    try:
        node.wait_ready()
        token = node.add_member("ada")
        with population.writing(node) as session:
            ada = population.local_actor(session, "ada")
            followers = population.meet(session, fakes.strangers, range(hosts), scheme="cavage")
            population.follow(session, followers, [ada.id])
        yield Stage(node, fakes, hosts, token)
    finally:
        node.stop()
        fakes.stop()


@contextmanager
def meanwhile(act: Callable[[], object], pause: Callable[[], float], most: int = 1_000) -> Iterator[list[int]]:
    """Do `act` again and again, `pause()` seconds apart, in a thread, as long as the block lasts.

    At most `most` times with success (`act` returned something true); yields the list that counts them.
    """
    stop = threading.Event()
    done: list[int] = []

    def run() -> None:
        while len(done) < most and not stop.wait(pause()):
            if act():
                done.append(1)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield done
    finally:
        stop.set()
        thread.join()
