"""The brake holds what leaves, tells why, and never takes anything down or lets anything through."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.policy import Audience, Brakes, Direction, Facts, Mode, PeerRule, PeerState, Rules, Verdict, decide
from node.policy.facts import READ

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PEER = PeerRule("peer.test", PeerState.PARTNER)
EVERYWHERE = Brakes(is_on_everywhere=True)


def rules(brakes: Brakes, *peers: PeerRule) -> Rules:
    return Rules(Mode.SELECTIVE, {peer.host: peer for peer in peers or (PEER,)}, brakes=brakes)


def out(**values: object) -> Facts:
    given_values = {"host": "peer.test", "kind": "Create", "audience": Audience.PUBLIC, **values}
    return Facts(Direction.OUT, now=NOW, **given_values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("brakes", "facts", "code"),
    [
        (EVERYWHERE, out(), "brake_is_on"),
        (Brakes(actors=frozenset({"ada"})), out(actor="ada"), "brake_on_actor"),
        (Brakes(spaces=frozenset({"press"})), out(space="press"), "brake_on_space"),
        (Brakes(peers=frozenset({"peer.test"})), out(), "brake_on_peer"),
        (Brakes(peers=frozenset({"test"})), out(), "brake_on_peer"),
    ],
)
def test_each_brake_holds_what_it_is_for_and_says_so(brakes: Brakes, facts: Facts, code: str) -> None:
    decision = decide(facts, rules(brakes))
    assert (decision.verdict, decision.is_braked) == (Verdict.HOLD, True)
    assert code in {reason.code for reason in decision.reasons}


@pytest.mark.parametrize(
    "brakes",
    [Brakes(actors=frozenset({"bo"})), Brakes(spaces=frozenset({"press"})), Brakes(peers=frozenset({"eer.test", "other.test"}))],
)
def test_what_a_brake_is_not_for_goes_on(brakes: Brakes) -> None:
    assert decide(out(actor="ada", space="shop"), rules(brakes)).is_yes


def test_deletes_and_follows_are_held_too() -> None:
    for kind in ("Delete", "Follow", "Accept", "Undo", "Flag"):
        assert decide(out(kind=kind, audience=None), rules(EVERYWHERE)).is_braked


def test_a_pinned_activity_passes_and_no_other() -> None:
    on = Brakes(is_on_everywhere=True, peers=frozenset({"peer.test"}), passes=frozenset({7}))
    assert decide(out(activity_id=7), rules(on)).is_yes
    assert decide(out(activity_id=8), rules(on)).is_braked
    assert decide(out(), rules(on)).is_braked


def test_what_comes_in_and_what_anybody_may_read_is_not_stopped() -> None:
    assert decide(Facts(Direction.IN, "peer.test", "Create", NOW), rules(EVERYWHERE)).is_yes
    assert decide(out(kind=READ, host=""), rules(EVERYWHERE)).is_yes
    assert decide(out(kind=READ), rules(EVERYWHERE)).is_yes
    assert decide(out(kind=READ, audience=Audience.FOLLOWERS), rules(EVERYWHERE)).is_braked


@given(st.sampled_from(list(PeerState)), st.sampled_from(list(Audience)), st.sampled_from(list(Mode)), st.booleans())
def test_a_brake_lets_nothing_through_that_was_kept_back(state: PeerState, audience: Audience, mode: Mode, is_read: bool) -> None:
    peers = {"peer.test": PeerRule("peer.test", state)}
    facts = out(audience=audience, kind=READ if is_read else "Create")
    before, after = decide(facts, Rules(mode, peers)), decide(facts, Rules(mode, peers, brakes=EVERYWHERE))
    assert set(before.reasons) <= set(after.reasons)
    if before.is_yes:
        assert after.is_yes or after.is_braked
    else:
        assert after.verdict is before.verdict
