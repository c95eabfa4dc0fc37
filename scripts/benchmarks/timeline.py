"""timeline: does a home timeline, or an inbound post, cost more at a million posts than at ten thousand?"""

from __future__ import annotations

import time
from dataclasses import dataclass

from scripts.benchmarks import population
from scripts.benchmarks.bench import Bench, Stretch, count
from scripts.benchmarks.inbound import AUTHORS, settle, stream
from scripts.benchmarks.report import Figure, at_most
from scripts.mastodon_client import MastodonClient
from scripts.running_node import RunningNode

PAGE = 40


@dataclass(frozen=True)
class Cost:
    """CPU seconds of the node per timeline item read (newest page, and from the middle) and per item taken in."""

    newest: float
    middle: float
    taken_in: float
    answer: float


def measure(bench: Bench) -> list[Figure]:
    """Return the costs at the small and at the large size, and their ratios."""
    small, large = (2_000, 50_000) if bench.is_quick else (10_000, 1_000_000)
    with bench.node("timeline") as node:
        client = MastodonClient(node.origin, node.add_member("ada"))
        settle(bench, node, bench.hosts.strangers)
        grow(bench, node, 0, small)
        at_small = cost(bench, node, client, "small")
        grow(bench, node, small, large - small)
        at_large = cost(bench, node, client, "large")
    figures = []
    for size, found in ((small, at_small), (large, at_large)):
        figures += [
            Figure("timeline", f"home, newest page, per item at {size:,} posts", found.newest * 1000, "ms CPU",
                   note=f"(page of {PAGE} answered in {found.answer * 1000:.0f} ms)"),
            Figure("timeline", f"home, page in the middle, per item at {size:,}", found.middle * 1000, "ms CPU"),
            Figure("timeline", f"inbox, per item at {size:,} posts", found.taken_in * 1000, "ms CPU"),
        ]  # fmt: skip
    figures += [
        at_most("timeline", "home, newest page: large / small", at_large.newest / at_small.newest, "x", 1.3),
        at_most("timeline", "home, middle page: large / small", at_large.middle / at_small.middle, "x", 1.3),
        at_most("timeline", "inbox: large / small", at_large.taken_in / at_small.taken_in, "x", 1.3),
    ]
    return figures


def grow(bench: Bench, node: RunningNode, first: int, posts: int) -> None:
    """Write old posts into ada's home, straight into the tables."""
    step = 50_000
    for start in range(first, first + posts, step):
        bench.say(f"writing old posts from {start:,}")
        with population.writing(node) as session:
            ada = population.local_actor(session, "ada")
            strangers = bench.hosts.strangers
            authors = remote_ids(session, [strangers.actor(number) for number in range(AUTHORS)])
            population.old_posts(session, ada.id, authors, start, min(step, first + posts - start))


def remote_ids(session: object, uris: list[str]) -> list[tuple[int, str]]:
    from sqlalchemy import select

    from node.models import Actor

    rows = session.execute(select(Actor.id, Actor.uri).where(Actor.uri.in_(uris)))  # type: ignore[attr-defined]
    return [(row.id, row.uri) for row in rows]


def cost(bench: Bench, node: RunningNode, client: MastodonClient, name: str) -> Cost:
    """Measure reading and taking in at the present size."""
    reads = 50 if bench.is_quick else 200
    middle = count(node, "select entry_id from timeline_entries order by entry_id limit 1 offset ?",
                   count(node, "select count(*) from timeline_entries") // 2)  # fmt: skip
    stream(bench, node, f"{name}-warm", 100)
    taken_in = stream(bench, node, name, 300 if bench.is_quick else 1_000)
    newest, answer = reading(node, client, reads)
    in_the_middle, _ = reading(node, client, reads, max_id=str(middle))
    return Cost(newest, in_the_middle, taken_in.cpu / max(1, taken_in.arrived), answer)


def reading(node: RunningNode, client: MastodonClient, times: int, **place: str) -> tuple[float, float]:
    """Read one page `times` times; return CPU seconds per item and wall seconds per page."""
    path = "/api/v1/timelines/home"
    for _ in range(10):
        client.call("GET", path, limit=PAGE, **place)
    stretch, items = Stretch.begin(node), 0
    for _ in range(times):
        items += len(client.call("GET", path, limit=PAGE, **place))
    wall = (time.monotonic() - stretch.begun) / times
    return stretch.cpu() / max(1, items), wall
