"""in: signed Create(Note) posts to the shared inbox, keys known, until they are in the followers' home timelines."""

from __future__ import annotations

from collections.abc import Sequence

from scripts.benchmarks import population
from scripts.benchmarks.bench import Bench, Stretch, count, wait_until
from scripts.benchmarks.report import Figure, at_least, percentile
from scripts.benchmarks.sender import Outcome, send_all
from scripts.benchmarks.strangers import Strangers
from scripts.running_node import RunningNode

AUTHORS = 32
CONNECTIONS = 16


def measure(bench: Bench) -> list[Figure]:
    """Return accepted per second, per CPU-second, and whole chain items per CPU-second."""
    posts = 600 if bench.is_quick else 4_000
    with bench.node("in") as node:
        node.add_member("ada")
        settle(bench, node, bench.hosts.strangers)
        stream(bench, node, "warm", 200)
        run = stream(bench, node, "in", posts)
    return run.figures(bench, "in")


def settle(bench: Bench, node: RunningNode, strangers: Strangers) -> None:
    """Let ada follow AUTHORS remote actors whose keys are known."""
    with population.writing(node) as session:
        ada = population.local_actor(session, "ada")
        actors = population.meet(session, strangers, range(AUTHORS), scheme="cavage")
        population.follow(session, [ada.id], actors)


class Run:
    """One stream of posts that was sent and worked off."""

    def __init__(self, outcome: Outcome, sent: int, arrived: int, cpu_accept: float, cpu: float, wall: float, shares: str):
        self.outcome, self.sent, self.arrived = outcome, sent, arrived
        self.cpu_accept, self.cpu, self.wall, self.shares = cpu_accept, cpu, wall, shares

    @property
    def chain_rate(self) -> float:
        """Items through the whole chain per CPU-second of all our processes."""
        return self.arrived / self.cpu if self.cpu else 0.0

    def figures(self, bench: Bench, scenario: str) -> list[Figure]:
        other = {status: times for status, times in self.outcome.statuses.items() if status != 202}
        verify = f"{bench.ceiling.rsa_verify:,.0f} RSA verifications per core"
        return [
            at_least(
                scenario, f"accepted per second, {CONNECTIONS} connections", self.outcome.accepted / self.outcome.elapsed,
                "/s", 400, ceiling=verify, note=f"({self.outcome.accepted} accepted{f', others {other}' if other else ''})",
            ),
            Figure(scenario, "answer time, median", percentile(self.outcome.latencies, 0.5) * 1000, "ms"),
            Figure(scenario, "answer time, 95th percentile", percentile(self.outcome.latencies, 0.95) * 1000, "ms"),
            at_least(
                scenario, "whole chain, items per CPU-second", self.chain_rate, "/CPU-s", 250, ceiling=verify,
                note=f"({self.arrived} of {self.sent} in the timeline)",
            ),
            Figure(scenario, "whole chain, CPU per item", self.cpu / max(1, self.arrived) * 1000, "ms", note=self.shares),
            Figure(scenario, "whole chain, items per second", self.arrived / self.wall, "/s"),
            Figure(scenario, "CPU of the load generator", self.outcome.cpu / max(1, self.sent) * 1000, "ms/item",
                   note="(not in the figures above)"),
        ]  # fmt: skip


def stream(bench: Bench, node: RunningNode, name: str, posts: int) -> Run:
    """Sign and send `posts` notes, wait until all are in ada's home."""
    bench.say(f"signing {posts} notes")
    requests = notes(bench.hosts.strangers, node.domain, name, posts)
    query = "select count(*) from timeline_entries"
    before = count(node, query)
    address, port = node.domain.split(":")
    bench.say(f"sending {posts} notes")
    stretch = Stretch.begin(node)
    outcome = send_all(address, int(port), requests, CONNECTIONS)
    cpu_accept = stretch.cpu()
    if not wait_until(lambda: count(node, query) - before >= outcome.accepted, 30 + posts / 20):
        bench.say(f"only {count(node, query) - before} of {outcome.accepted} arrived\n{node.log_end()}")
    from time import monotonic

    return Run(
        outcome, posts, count(node, query) - before, cpu_accept, stretch.cpu(), monotonic() - stretch.begun, stretch.shares()
    )


def notes(strangers: Strangers, domain: str, name: str, posts: int) -> Sequence[bytes]:
    """Return signed requests, the authors taking turns."""
    made = []
    for serial in range(posts):
        author = serial % AUTHORS
        body = strangers.create_note(author, f"{name}-{serial}")
        made.append(strangers.signed_post(author, domain, "/inbox", body))
    return made
