"""out: one public post to followers on as many hosts. Also the same to hosts that take Ed25519 (RFC 9421)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from scripts.benchmarks import population
from scripts.benchmarks.bench import Bench, Stretch, count, wait_until
from scripts.benchmarks.report import Figure, at_least, at_most
from scripts.benchmarks.strangers import checked_scheme
from scripts.mastodon_client import MastodonClient
from scripts.running_node import RunningNode

SIZES = (200, 1_000, 5_000)
WAITING = "select count(*) from deliveries where state = 'waiting'"


@dataclass(frozen=True)
class Spread:
    """What one post cost: `cpu` of the node, `last` seconds from the call until the last delivery came in."""

    size: int
    arrived: int
    cpu: float
    answered: float
    last: float
    shares: str

    @property
    def rate(self) -> float:
        return self.arrived / self.cpu if self.cpu else 0.0


def measure(bench: Bench) -> Iterator[Figure]:
    """Yield deliveries per CPU-second, time to the last and cost per delivery for each size and both schemes."""
    sizes = SIZES[:2] if bench.is_quick else SIZES
    for scheme, goal, ceiling in [
        ("cavage", 400.0, f"{bench.ceiling.rsa_sign:,.0f} RSA signatures per core"),
        ("ed25519", 700.0, f"{bench.ceiling.ed25519_sign:,.0f} Ed25519 signatures per core"),
    ]:
        with bench.node(f"out-{scheme}") as node:
            clients = {size: MastodonClient(node.origin, node.add_member(f"ada{size}")) for size in sizes}
            with population.writing(node) as session:
                actors = population.meet(session, bench.hosts.strangers, range(max(sizes)), scheme=scheme)
                for size in sizes:
                    author = population.local_actor(session, f"ada{size}")
                    population.follow(session, actors[:size], [author.id])
            spread(bench, node, clients[sizes[0]], sizes[0], "warm-up0")
            costs = []
            for size in sizes:
                for turn in ("first", "again"):
                    run = spread(bench, node, clients[size], size, f"{turn[:2]}-{size:05d}")
                    costs.append(run.cpu / max(1, run.arrived))
                    name = f"{scheme}, {size} hosts, {turn} post"
                    yield (
                        at_least("out", f"{name}: per CPU-second", run.rate, "/CPU-s", goal, ceiling=ceiling,
                                 note=f"({run.arrived} arrived; {run.shares})")
                    )  # fmt: skip
                    yield last_figure(name, run)
                    yield Figure("out", f"{name}: API answered after", run.answered * 1000, "ms")
            yield Figure("out", f"{scheme}: dearest delivery / cheapest", max(costs) / min(costs), "x", note="flat is 1")
            yield checked(bench, node, scheme)


def last_figure(name: str, run: Spread) -> Figure:
    if run.size == 200:
        return at_most("out", f"{name}: last arrived after", run.last, "s", 0.5)
    return Figure("out", f"{name}: last arrived after", run.last, "s")


def spread(bench: Bench, node: RunningNode, client: MastodonClient, size: int, mark: str) -> Spread:
    """Publish one post and wait until it has reached `size` hosts and the node has noted that."""
    time.sleep(1.0)
    bench.hosts.reset()
    bench.say(f"one post to {size} hosts ({mark})")
    stretch = Stretch.begin(node)
    client.post(f"Minutes of the meeting, bench-mark-{mark}", "public")
    answered = time.monotonic() - stretch.begun
    if not bench.hosts.wait_for(size, 30 + size / 20):
        bench.say(f"only {bench.hosts.count()['posts']} of {size} arrived\n{node.log_end()}")
    wait_until(lambda: count(node, WAITING) == 0, 30)
    cpu, shares = stretch.cpu(), stretch.shares()
    posts = bench.hosts.posts()
    last = max((at for _, at, _ in posts), default=stretch.begun) - stretch.begun
    return Spread(size, len({address for address, _, _ in posts}), cpu, answered, last, shares)


def checked(bench: Bench, node: RunningNode, expected: str) -> Figure:
    """Check the signatures of the requests that the fake hosts kept; the value is the share that is right."""
    import sqlite3

    with sqlite3.connect(f"file:{node.data / 'courtyard.sqlite3'}?mode=ro", uri=True) as connection:
        query = "select key_id, public_pem from actor_keys where private_pem is not null"
        keys = dict(connection.execute(query).fetchall())
    samples = bench.hosts.samples()
    right = sum(checked_scheme(sample, keys) == expected for sample in samples)
    return Figure("out", f"{expected}: signatures checked and right", right / max(1, len(samples)), "share", "= 1",
                  right == len(samples) > 0, note=f"({len(samples)} samples)")  # fmt: skip
