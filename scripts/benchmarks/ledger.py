"""ledger: lines appended and verified per second, and "who holds this post", at a tenth of the size and at the whole."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

from node import models  # noqa: F401 (the tables must be known before they are made)
from node.actions import ledger as actions
from node.database import Base, prepare_engine
from node.ledger import Channel, Line, State, version_of
from node.queries import ledger as query
from scripts.benchmarks.bench import Bench
from scripts.benchmarks.report import Figure, at_least, at_most, percentile

BIG, QUICK = 10_000_000, 200_000
BATCH = 128
"""Lines in one transaction: as many as the recorder of deliveries writes at once."""
HOSTS_PER_POST, HOSTS = 200, 5_000
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Cost:
    """Seconds of CPU per line appended and verified; of the wall for one question (the slowest of many)."""

    append: float
    verify: float
    holders: float
    page: float


def measure(bench: Bench) -> Iterator[Figure]:
    """Yield the costs at both sizes and their ratios."""
    big = QUICK if bench.is_quick else BIG
    small = big // 10
    engine = make(bench.folder / "ledger.sqlite3")
    try:
        at_small = grow(bench, engine, 0, small)
        at_big = grow(bench, engine, small, big)
        begun = time.monotonic()
        with Session(engine) as session:
            checked = query.verify(session)
        whole = checked.lines / (time.monotonic() - begun)
    finally:
        engine.dispose()
    for size, found in ((small, at_small), (big, at_big)):
        yield Figure("ledger", f"lines appended at {size:,}", 1 / found.append, "/CPU-s", note=f"(transactions of {BATCH})")
        yield Figure("ledger", f"lines verified at {size:,}", 1 / found.verify, "/CPU-s")
        yield at_most("ledger", f"who holds a post, slowest, at {size:,}", found.holders * 1000, "ms", 1000,
                      note=f"({HOSTS_PER_POST} servers)")  # fmt: skip
        yield Figure("ledger", f"what a server received, a page, at {size:,}", found.page * 1000, "ms")
    yield at_least("ledger", "whole chain verified, no fault", float(checked.fault is None and checked.lines == big), "yes", 1)
    yield Figure("ledger", f"whole chain of {big:,} verified", whole, "lines/s")
    yield at_most("ledger", "append: big / small", at_big.append / at_small.append, "x", 1.5)
    yield at_most("ledger", "verify: big / small", at_big.verify / at_small.verify, "x", 1.5)
    yield Figure("ledger", "who holds a post: big / small", at_big.holders / at_small.holders, "x")


def make(file: Path) -> Engine:
    """Make an empty database with the ledger's tables."""
    engine = create_engine(f"sqlite:///{file}", connect_args={"isolation_level": None})
    prepare_engine(engine)
    Base.metadata.create_all(engine)
    return engine


def grow(bench: Bench, engine: Engine, first: int, size: int) -> Cost:
    """Append until there are `size` lines; measure the last of them and then the questions."""
    sample = min(size // 4, 100_000)
    for start in range(first, size - sample, 500_000):
        bench.say(f"writing lines from {start:,}")
        write(engine, start, min(start + 500_000, size - sample))
    begun = time.process_time()
    write(engine, size - sample, size)
    appended = (time.process_time() - begun) / sample
    posts, hosts = [size // HOSTS_PER_POST * part // 40 for part in range(40)], [part * 97 % HOSTS for part in range(40)]
    with Session(engine) as session:
        begun = time.process_time()
        query.verify(session, size - sample + 1)
        verified = (time.process_time() - begun) / sample
        holders = slowest(lambda post: len(query.holders(session, uri(post))), posts)
        page = slowest(lambda host: len(query.received(session, f"h{host}.test", limit=50)), hosts)
    return Cost(appended, verified, holders, page)


def slowest(ask: Callable[[int], int], keys: list[int]) -> float:
    """Return the slowest answer but one in twenty, in seconds of the wall."""
    times = []
    for key in keys:
        begun = time.perf_counter()
        ask(key)
        times.append(time.perf_counter() - begun)
    return percentile(times, 0.95)


def write(engine: Engine, start: int, end: int) -> None:
    """Append the lines numbered from `start` (0 is the first) to `end`, as deliveries do."""
    for at in range(start, end, BATCH):
        with writing(engine) as session:
            actions.append(session, [line(number) for number in range(at, min(at + BATCH, end))], BEGAN + timedelta(seconds=at))


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    with Session(engine) as session:
        session.connection(execution_options={"courtyard_begin": "write", "courtyard_durable": False})
        yield session
        session.commit()


def uri(post: int) -> str:
    return f"https://home.test/users/ada/posts/{1_800_000_000_000_000_000 + post}"


def line(number: int) -> Line:
    """Return a delivery: each post goes to HOSTS_PER_POST of HOSTS servers, one after the other."""
    post = number // HOSTS_PER_POST
    host = f"h{(post * 7 + number % HOSTS_PER_POST) % HOSTS}.test"
    return Line(
        channel=Channel.DELIVERY, kind="Create", object_uri=uri(post), post_id=1_800_000_000_000_000_000 + post, version=VERSION,
        activity_uri=f"https://home.test/activities/{1_800_000_000_000_000_000 + post}", host=host, verdict="send",
        reasons=f"peer_is_allowed:{host}", rules_version=3, size=1_800, answer=202, state=State.TAKEN,
    )  # fmt: skip


VERSION = version_of({"id": "a post"})
