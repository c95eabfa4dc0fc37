"""One decision of the gate with 1,000 rules and 10,000 peers; one search of a post by 1,000 content rules."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from node.policy import (
    Audience,
    Brakes,
    Content,
    ContentRule,
    ContentRules,
    Direction,
    Facts,
    LooksFor,
    Mode,
    PeerRule,
    PeerState,
    Rules,
    Scope,
    Verdict,
    decide,
)  # fmt: skip
from node.policy.facts import READ
from scripts.benchmarks.bench import Bench
from scripts.benchmarks.report import Figure, at_most

PEERS, RULES, DECISIONS = 10_000, 1_000, 20_000
BAR = 50.0
"""Microseconds for one decision."""
NOW = datetime(2026, 1, 1, tzinfo=UTC)
STATES = (PeerState.PARTNER, PeerState.ALLOWED, PeerState.LIMITED, PeerState.BLOCKED)
TEXT = "We met in Hamburg and talked about the roadmap, prices, people and the weather. " * 12


def rule_set() -> Rules:
    """Return 10,000 peers, 1,000 rules of every kind and scope, and brakes on some actors and servers."""
    peers = {
        f"s{number}.example": PeerRule(
            f"s{number}.example", STATES[number % 4], widest_audience=Audience.FOLLOWERS if number % 5 == 0 else None,
            expires_at=NOW + timedelta(days=number % 700),
        )
        for number in range(PEERS)
    }  # fmt: skip
    return Rules(Mode.SELECTIVE, peers, 7, _brakes(), ContentRules(tuple(_rule(number) for number in range(RULES))))


def measure(bench: Bench) -> Iterator[Figure]:
    """Yield what a decision and the search of a post cost. Needs no node."""
    bench.say("gate: deciding")
    figures = decide_often()
    note = f"({PEERS:,} peers, {RULES:,} rules)"
    yield at_most("gate", "CPU of a decision", figures["decision_us"], "µs", BAR, note=note)
    yield Figure("gate", "a post searched by all rules, once", figures["search_ms"], "ms")
    yield Figure("gate", "indexes made for a new version of the rules", figures["indexes_ms"], "ms")


def decide_often() -> dict[str, float]:
    """Return microseconds for a decision (mean), and milliseconds for a post's search and for making the indexes."""
    begun = time.perf_counter()
    rules = rule_set()
    made = time.perf_counter() - begun
    content = Content(TEXT, frozenset({"roadmap"}), frozenset({"bob@s7.example"}), 1)
    begun = time.perf_counter()
    found = rules.content.find(content, "member-1", "space-1")
    searched = time.perf_counter() - begun
    facts = [
        Facts(
            Direction.OUT, f"www.s{number * 7 % PEERS}.example" if number % 3 else f"s{number % PEERS}.example",
            READ if number % 4 == 0 else "Create", NOW, audience=list(Audience)[number % 7], actor=f"member-{number % 50}",
            space="space-1", found=found,
        )
        for number in range(DECISIONS)
    ]  # fmt: skip
    begun = time.process_time()
    for one in facts:
        decide(one, rules)
    spent = time.process_time() - begun
    return {"decision_us": spent / DECISIONS * 1e6, "search_ms": searched * 1e3, "indexes_ms": made * 1e3}


def _brakes() -> Brakes:
    names = frozenset(f"member-{number}" for number in range(10))
    return Brakes(actors=names, peers=frozenset(f"s{number}.example" for number in range(20)))


def _rule(number: int) -> ContentRule:
    kind = list(LooksFor)[number % 6]
    scope, subject = (
        (Scope.NODE, ""), (Scope.ACTOR, f"member-{number % 50}"), (Scope.SPACE, f"space-{number % 20}"),
        (Scope.PEER, f"s{number % PEERS}.example"),
    )[number // 6 % 4]  # fmt: skip
    if kind in (LooksFor.ATTACHMENT, LooksFor.ANYTHING) and scope is Scope.NODE:
        kind = LooksFor.WORD  # else each of them would speak in every decision
    value = {LooksFor.PATTERN: rf"\bcase-{number}-\d+\b", LooksFor.MENTION: f"m{number}.example"}.get(kind, f"word{number}")
    return ContentRule(number, f"rule {number}", kind, value, Verdict.HOLD if number % 2 else Verdict.WITHHOLD, scope, subject)
