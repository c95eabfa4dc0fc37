"""Content rules: found once, scoped, and the strictest of all reasons wins."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.policy import (
    Audience,
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
from node.policy.content import compiled, is_found
from node.policy.decisions import STRICTNESS
from node.policy.facts import READ

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOSTS = ("a.test", "sub.a.test", "b.test")


def rule(number: int, looks_for: LooksFor, value: str = "", **values: object) -> ContentRule:
    given_values = {"verdict": Verdict.HOLD, **values}
    return ContentRule(number, f"rule {number}", looks_for, value, **given_values)  # type: ignore[arg-type]


def found(one: ContentRule, content: Content, actor: str = "ada", space: str = "") -> bool:
    return bool(ContentRules((one,)).find(content, actor, space))


@pytest.mark.parametrize(
    ("looks_for", "value", "content", "expected"),
    [
        (LooksFor.WORD, "Merger", Content("the MERGER, soon"), True),
        (LooksFor.WORD, "merge", Content("the merger"), False),
        (LooksFor.WORD, "project  Falcon", Content("About Project\nFalcon."), True),
        (LooksFor.PATTERN, r"\bDE\d{4}\b", Content("iban de1234"), True),
        (LooksFor.TAG, "#Secret", Content("x", tags=frozenset({"secret"})), True),
        (LooksFor.MENTION, "rival.test", Content("x", mentions=frozenset({"bob@sub.rival.test"})), True),
        (LooksFor.MENTION, "@bob@rival.test", Content("x", mentions=frozenset({"eve@rival.test"})), False),
        (LooksFor.ATTACHMENT, "", Content("x", files=1), True),
        (LooksFor.ATTACHMENT, "", Content("x"), False),
        (LooksFor.ANYTHING, "", Content("x"), True),
    ],
)
def test_what_a_rule_finds(looks_for: LooksFor, value: str, content: Content, expected: bool) -> None:
    assert found(rule(1, looks_for, value), content) is expected


def test_a_rule_is_about_its_scope_alone() -> None:
    for scope, subject in ((Scope.ACTOR, "ada"), (Scope.SPACE, "press")):
        for looks_for in (LooksFor.WORD, LooksFor.ANYTHING):
            one = rule(1, looks_for, "x", scope=scope, subject=subject)
            assert found(one, Content("x"), "ada", "press")
            assert not found(one, Content("x"), "bo", "")


def test_a_pattern_that_takes_too_long_counts_as_found() -> None:
    begun = time.monotonic()
    assert is_found(compiled(r"(a+)+(b|c)*(a+)+$"), "a" * 5_000 + "!", 0.05)
    assert time.monotonic() - begun < 2
    with pytest.raises(ValueError, match="missing"):
        compiled("(")


scoped = st.sampled_from(
    [(Scope.NODE, ""), (Scope.ACTOR, "ada"), (Scope.ACTOR, "bo"), (Scope.SPACE, "press"), *((Scope.PEER, host) for host in HOSTS)]
)
one_rule = st.tuples(
    st.sampled_from([LooksFor.WORD, LooksFor.TAG, LooksFor.ANYTHING, LooksFor.PATTERN]),
    st.sampled_from(["one", "two"]), scoped, st.sampled_from([Verdict.HOLD, Verdict.WITHHOLD]),
)  # fmt: skip


@given(st.lists(one_rule, max_size=8), st.sampled_from(["one", "two", "three"]), st.sampled_from(list(PeerState)),
       st.sampled_from(list(Audience)), st.sampled_from(HOSTS), st.sampled_from(["Create", READ, "Delete"]))  # fmt: skip
def test_the_strictest_of_all_reasons_wins_and_their_order_does_not_matter(drawn, word, state, audience, host, kind) -> None:
    made = [rule(number, *one[:2], scope=one[2][0], subject=one[2][1], verdict=one[3]) for number, one in enumerate(drawn)]
    peers = {"a.test": PeerRule("a.test", state)}
    said = set()
    for order in (made, made[::-1]):
        content = ContentRules(tuple(order))
        findings = content.find(Content(word, tags=frozenset({word})), "ada", "press")
        rules = Rules(Mode.SELECTIVE, peers, content=content)
        facts = Facts(Direction.OUT, host, kind, NOW, audience=audience, actor="ada", space="press", found=findings)
        decision = decide(facts, rules)
        plain = decide(Facts(Direction.OUT, host, kind, NOW, audience=audience, actor="ada"), Rules(Mode.SELECTIVE, peers))
        expected = set(plain.reasons)
        for one in made:
            about = one.subject in ("", "ada", "press") or host == one.subject or host.endswith("." + one.subject)
            if kind != "Delete" and about and (one.looks_for is LooksFor.ANYTHING or one.value == word):
                expected.add(next(r for r in decision.reasons if r.subject == one.name))
        assert set(decision.reasons) == expected
        assert decision.verdict == max((r.verdict for r in expected), key=STRICTNESS.__getitem__)
        said.add((decision.verdict, frozenset(decision.reasons)))
    assert len(said) == 1
