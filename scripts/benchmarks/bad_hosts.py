"""bad-hosts: 500 hosts, one in five dead, slow or failing: what do the healthy ones notice?"""

from __future__ import annotations

import time

from scripts.benchmarks import population
from scripts.benchmarks.bench import Bench
from scripts.benchmarks.report import Figure, at_most, percentile
from scripts.benchmarks.strangers import address_of
from scripts.mastodon_client import MastodonClient

HOSTS = 500
BAD = 100
CLOSED_PORT = 9
BEHAVIOURS = ("silent", "slow", "error", "busy")


def measure(bench: Bench) -> list[Figure]:
    """Return the healthy hosts' delays with and without bad hosts beside them, and their ratio."""
    posts = 5 if bench.is_quick else 15
    without = delays(bench, "healthy", posts, bad=0)
    beside = delays(bench, "bad", posts, bad=BAD)
    calm, troubled = percentile(without, 0.95), percentile(beside, 0.95)
    expected = posts * (HOSTS - BAD)
    return [
        Figure("bad-hosts", "delay to healthy hosts, median, none bad", percentile(without, 0.5), "s"),
        Figure("bad-hosts", "delay to healthy hosts, p95, none bad", calm, "s"),
        Figure("bad-hosts", f"delay to healthy hosts, median, {BAD} of {HOSTS} bad", percentile(beside, 0.5), "s"),
        Figure("bad-hosts", f"delay to healthy hosts, p95, {BAD} of {HOSTS} bad", troubled, "s"),
        Figure("bad-hosts", "delay to healthy hosts, p99, bad beside", percentile(beside, 0.99), "s"),
        at_most("bad-hosts", "p95 with bad hosts / without", troubled / calm if calm else 0.0, "x", 1.3),
        Figure("bad-hosts", "deliveries to healthy hosts that arrived", len(beside) / expected, "share", "= 1",
               len(beside) == expected),
    ]  # fmt: skip


def delays(bench: Bench, name: str, posts: int, *, bad: int) -> list[float]:
    """Return the seconds from each post's publication to each arrival at a healthy host (numbers BAD and above)."""
    # In both runs the same hosts are watched, and as many hosts are written to.
    numbers = list(range(HOSTS))
    kinds = [*BEHAVIOURS, "refused"]
    behaviour = {number: kinds[number % len(kinds)] for number in range(bad)}
    bench.hosts.behave(
        [number for number in behaviour if behaviour[number] != "refused"],
        [what for what in behaviour.values() if what != "refused"],
    )
    published: dict[str, float] = {}
    try:
        with bench.node(f"hosts-{name}") as node:
            client = MastodonClient(node.origin, node.add_member("ada"))
            refused = [number for number in numbers if behaviour.get(number) == "refused"]
            with population.writing(node) as session:
                author = population.local_actor(session, "ada")
                strangers = bench.hosts.strangers
                reachable = [number for number in numbers if behaviour.get(number) != "refused"]
                actors = population.meet(session, strangers, reachable, scheme="cavage")
                actors += population.meet(session, strangers, refused, port=CLOSED_PORT, scheme="cavage")
                population.follow(session, actors, [author.id])
            bench.hosts.reset()
            for serial in range(posts):
                mark = f"bh-{serial:05d}"
                published[mark] = time.monotonic()
                client.post(f"Minutes, bench-mark-{mark}", "public")
                time.sleep(max(0.0, 3.0 - (time.monotonic() - published[mark])))
            bench.hosts.wait_for(posts * (HOSTS - BAD), 60)
            time.sleep(5)
            healthy = {address_of(number) for number in range(BAD, HOSTS)}
            first: dict[tuple[str, str], float] = {}
            for address, at, mark in bench.hosts.posts():
                if address in healthy and mark in published:
                    first.setdefault((address, mark), at - published[mark])
            return list(first.values())
    finally:
        bench.hosts.behave([], [])
