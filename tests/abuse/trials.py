"""One abuse case and what must be true after it: the check marked with the empty set in the list of cases."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from tests.abuse.running import Answer, RunningNode
from tests.abuse.state import CONTENT, difference
from tests.support.peers import Actor, Canary, Peer

LONGEST_ANSWER = 2.0
"""Seconds, as the case list has it; a machine that is busy with other tests can make it fail."""
LONGEST_PROBE = 5.0
PRIVATE = "xyzzyprivateword"
"""Put into bodies: it must never be in a log."""
_probes = count(1)


@dataclass
class World:
    """A running node, the peers around it and the people on them."""

    node: RunningNode
    good: Peer
    evil: Peer
    victim: Peer
    carol: Actor
    mallory: Actor
    eve: Actor
    alice: Actor
    bob: Actor
    canaries: tuple[Canary, ...]
    others: dict[str, Any] = field(default_factory=dict)
    cookie: str = ""

    @property
    def around(self) -> tuple[Peer, ...]:
        return (self.good, self.evil, self.victim)

    def probe(self) -> float:
        """Let carol say something and wait until ada can read it on her home; return after how many seconds.

        Raises AssertionError after LONGEST_PROBE.
        """
        word = f"probe{next(_probes)}probe"
        began = time.monotonic()
        note = self.carol.note(f"<p>{word}</p>")
        answer = self.node.post(self.carol, self.carol.activity("Create", note))
        assert answer.status == 202, (answer.status, answer.response.body)
        while word.encode() not in self.node.get("/", self.cookie).response.body:
            if time.monotonic() - began > LONGEST_PROBE:
                raise AssertionError(f"a valid activity is not visible after {LONGEST_PROBE} s: {self.node.log()[-5:]}")
            time.sleep(0.02)
        return time.monotonic() - began


@dataclass
class Trial:
    """What is tried in one case. `allowed` are the GETs (host, path) the node may make because of it."""

    world: World
    statuses: frozenset[int]
    allowed: frozenset[tuple[str, str]]
    answers: list[Answer] = field(default_factory=list)

    def post(self, actor: Actor, document: Any, path: str = "/inbox", **options: Any) -> Answer:
        return self._kept(self.world.node.post(actor, document, path, **options))

    def send(self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
        return self._kept(self.world.node.send(method, path, headers, body))

    def send_lines(self, method: str, path: str, headers: Iterable[tuple[str, str]], body: bytes | Iterable[bytes] = b"") -> Answer:
        return self._kept(self.world.node.send_lines(method, path, headers, body))

    def get(self, path: str, cookie: str = "", actor: Actor | None = None, **headers: str) -> Answer:
        return self._kept(self.world.node.get(path, cookie, actor, **headers))

    def _kept(self, answer: Answer) -> Answer:
        self.answers.append(answer)
        return answer


@contextmanager
def nothing_changes(
    world: World,
    *statuses: int,
    fetches: Iterable[tuple[Actor | Peer, str]] = (),
    but: Iterable[str] = (),
    is_logged: bool = True,
    receipts: bool = True,
    patience: float = LONGEST_ANSWER,
) -> Iterator[Trial]:
    """Try something in the block, through the Trial; then insist that it had no effect.

    Each answer has one of `statuses` and came in time; rows are as before, except in the tables `but` (and, unless
    `receipts` is off, in the trace of what came in); canaries untouched; peers asked for nothing but `fetches`; no job
    failed or waits for another try; a valid activity is seen soon; the refusal is logged with a code, without its words.
    """
    node = world.node
    node.state.wait_until_idle()
    tables = [table for table in CONTENT if table not in set(but)]
    if not receipts:
        tables.append("receipts")
    before, troubled = node.state.content(tables), set(node.state.trouble())
    known = node.state.rows("SELECT coalesce(max(id), 0) FROM receipts")[0][0]
    for peer in world.around:
        peer.forget()
    hits = [canary.hits for canary in world.canaries]
    logged = node.log_end()
    trial = Trial(world, frozenset(statuses), frozenset(_named(fetches)))
    yield trial
    assert trial.answers, "nothing was tried"
    for answer in trial.answers:
        assert answer.status in trial.statuses, (answer.status, answer.response.body[:500])
        assert answer.seconds < patience, f"answered after {answer.seconds:.1f} s"
    node.state.wait_until_idle()
    changed = difference(before, node.state.content(tables))
    assert not changed, changed
    assert [canary.hits for canary in world.canaries] == hits, "a canary was touched"
    asked = {(peer.name, request.path) for peer in world.around for request in peer.received()}
    assert asked <= trial.allowed, f"asked for {asked - trial.allowed}"
    assert set(node.state.trouble()) <= troubled, set(node.state.trouble()) - troubled
    world.probe()
    lines = node.log(logged)
    assert not [line for line in lines if PRIVATE in str(line)], "private words in the log"
    assert not [line for line in lines if line.get("level") == "error"], [line for line in lines if line.get("level") == "error"]
    if is_logged:
        _insist_on_trace(world, trial, lines, known)


def _insist_on_trace(world: World, trial: Trial, lines: list[dict[str, Any]], known: int) -> None:
    """Each refusal, at the door or in a job, left one line with its code; what was taken has its reason on its receipt."""
    refused = [line for line in lines if line.get("logger") == "courtyard.security" and "code=" in line["message"]]
    turned_away = [answer for answer in trial.answers if answer.status >= 400]
    carol = world.carol.id
    kept = world.node.state.rows("SELECT kind, state, reason FROM receipts WHERE id > ? AND actor_uri <> ?", known, carol)
    assert all(state in ("ignored", "refused") and reason for _, state, reason in kept), kept
    in_jobs = [row for row in kept if row[1] == "refused"]
    assert len(refused) == len(turned_away) + len(in_jobs), (len(turned_away), in_jobs, refused)


def _named(fetches: Iterable[tuple[Actor | Peer, str]]) -> Iterator[tuple[str, str]]:
    for whose, path in fetches:
        yield (whose.name if isinstance(whose, Peer) else whose.peer.name), path
