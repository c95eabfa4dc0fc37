"""The gate decides by facts and rules alone, strictest first, with every reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.policy import Audience, Direction, Facts, Mode, PeerRule, PeerState, Rules, Verdict, decide, leaves
from node.policy.decisions import STRICTNESS
from node.policy.facts import READ

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def rules(*peers: PeerRule, mode: Mode = Mode.SELECTIVE) -> Rules:
    return Rules(mode, {peer.host: peer for peer in peers}, version=7)


def out(host: str = "peer.test", kind: str = "Create", audience: Audience | None = Audience.PUBLIC) -> Facts:
    return Facts(Direction.OUT, host, kind, NOW, audience=audience)


def into(host: str = "peer.test", kind: str = "Create", *, is_addressed_here: bool = True) -> Facts:
    return Facts(Direction.IN, host, kind, NOW, is_addressed_here=is_addressed_here)


def codes(facts: Facts, given_rules: Rules) -> set[str]:
    return {reason.code for reason in decide(facts, given_rules).reasons}


ALLOWED = PeerRule("peer.test", PeerState.ALLOWED)
PARTNER = PeerRule("peer.test", PeerState.PARTNER)
LIMITED = PeerRule("peer.test", PeerState.LIMITED)
BLOCKED = PeerRule("peer.test", PeerState.BLOCKED)


def test_a_stranger_gets_nothing_from_a_selective_node() -> None:
    decision = decide(out(), rules())
    assert (decision.verdict, decision.reasons[0].code) == (Verdict.WITHHOLD, "peer_not_let_in")


def test_an_allowed_peer_gets_public_posts_and_the_decision_names_its_version() -> None:
    decision = decide(out(), rules(ALLOWED))
    assert decision.is_yes
    assert decision.rules_version == 7


@pytest.mark.parametrize("audience", [Audience.MEMBERS, Audience.SPACE])
@pytest.mark.parametrize("mode", list(Mode))
def test_what_stays_inside_leaves_to_nobody(audience: Audience, mode: Mode) -> None:
    assert not decide(out(audience=audience), rules(PARTNER, mode=mode)).is_yes
    assert not decide(out(kind=READ, audience=audience), rules(PARTNER, mode=mode)).is_yes


def test_posts_for_partners_go_to_partners_alone() -> None:
    assert "no_agreement" in codes(out(audience=Audience.PARTNERS), rules(ALLOWED))
    assert decide(out(audience=Audience.PARTNERS), rules(PARTNER)).is_yes


def test_a_limited_peer_gets_public_posts_only() -> None:
    assert decide(out(audience=Audience.UNLISTED), rules(LIMITED)).is_yes
    assert "peer_limited" in codes(out(audience=Audience.FOLLOWERS), rules(LIMITED))


def test_a_closed_node_says_no_in_every_direction() -> None:
    closed = rules(PARTNER, mode=Mode.CLOSED)
    assert decide(out(), closed).verdict is Verdict.WITHHOLD
    assert decide(into(), closed).verdict is Verdict.REFUSE
    assert not decide(out(host="", kind=READ), closed).is_yes


def test_an_open_node_talks_to_everybody_but_the_blocked() -> None:
    assert decide(out("unknown.test"), rules(mode=Mode.OPEN)).is_yes
    assert decide(into("unknown.test", "Like"), rules(mode=Mode.OPEN)).is_yes
    assert not decide(into(), rules(BLOCKED, mode=Mode.OPEN)).is_yes


@pytest.mark.parametrize("host", ["peer.test", "sub.peer.test", "a.b.peer.test", "peer.test:8443", "sub.peer.test:8443"])
def test_a_block_covers_subdomains_and_ports(host: str) -> None:
    assert not decide(into(host), rules(BLOCKED)).is_yes
    assert not decide(out(host), rules(BLOCKED)).is_yes
    assert not decide(out(host, READ), rules(BLOCKED)).is_yes


def test_a_blocked_parent_wins_over_a_kinder_child() -> None:
    assert not decide(into("good.peer.test"), rules(BLOCKED, PeerRule("good.peer.test", PeerState.PARTNER))).is_yes


def test_letting_in_a_host_lets_in_its_subdomains_but_no_other_port_and_no_look_alike() -> None:
    assert decide(out("social.peer.test"), rules(ALLOWED)).is_yes
    assert not decide(out("peer.test:8443"), rules(ALLOWED)).is_yes
    assert not decide(out("notpeer.test"), rules(ALLOWED)).is_yes


def test_an_address_has_no_parent_domain() -> None:
    assert decide(out("127.0.0.1:9000"), rules(PeerRule("127.0.0.1:9000", PeerState.ALLOWED))).is_yes
    assert not decide(out("127.0.0.1:9001"), rules(PeerRule("127.0.0.1:9000", PeerState.ALLOWED))).is_yes
    assert not decide(out("127.0.0.1:9001"), rules(PeerRule("0.0.1:9001", PeerState.ALLOWED))).is_yes


def test_an_expired_agreement_counts_for_nothing() -> None:
    expired = replace(PARTNER, expires_at=NOW)
    assert codes(out(), rules(expired)) == {"agreement_expired"}
    assert codes(into(), rules(expired)) == {"agreement_expired"}
    assert decide(out(), rules(replace(PARTNER, expires_at=NOW + timedelta(seconds=1)))).is_yes


def test_a_strangers_follow_or_mention_waits_in_the_lobby_and_nothing_else_does() -> None:
    assert decide(into(kind="Follow"), rules()).verdict is Verdict.HOLD
    assert decide(into(kind="Create"), rules()).verdict is Verdict.HOLD
    assert decide(into(kind="Create", is_addressed_here=False), rules()).verdict is Verdict.REFUSE
    assert decide(into(kind="Like"), rules()).verdict is Verdict.REFUSE


def test_directions_and_types_are_kept() -> None:
    one_way = replace(ALLOWED, types_out=frozenset({"Accept"}), types_in=frozenset({"Follow"}))
    assert "type_not_sent" in codes(out(), rules(one_way))
    assert "type_not_accepted" in codes(into(), rules(one_way))
    assert decide(into(kind="Follow"), rules(one_way)).is_yes


def test_reports_can_be_turned_off() -> None:
    assert "reports_not_accepted" in codes(into(kind="Flag"), rules(replace(ALLOWED, allows_reports=False)))


def test_anybody_reads_what_is_public_except_the_blocked() -> None:
    assert decide(out("", READ), rules()).is_yes
    assert decide(out("unknown.test", READ), rules()).is_yes
    assert not decide(out("", READ, Audience.FOLLOWERS), rules()).is_yes
    assert not decide(out("unknown.test", READ, Audience.FOLLOWERS), rules()).is_yes
    assert not decide(out("", READ, Audience.PUBLIC), rules(mode=Mode.CLOSED)).is_yes


states = st.sampled_from(list(PeerState))
peers = st.builds(
    PeerRule,
    host=st.sampled_from(["peer.test", "sub.peer.test", "other.test"]),
    state=states,
    types_in=st.none() | st.frozensets(st.sampled_from(["Create", "Follow", "Like"])),
    types_out=st.none() | st.frozensets(st.sampled_from(["Create", "Follow", "Like"])),
    widest_audience=st.none() | st.sampled_from(list(Audience)),
    expires_at=st.none() | st.sampled_from([NOW - timedelta(days=1), NOW + timedelta(days=1)]),
)
any_rules = st.builds(lambda mode, some: rules(*some, mode=mode), st.sampled_from(list(Mode)), st.lists(peers, max_size=4))
any_facts = st.builds(
    Facts,
    direction=st.sampled_from(list(Direction)),
    host=st.sampled_from(["", "peer.test", "sub.peer.test", "other.test", "unknown.test"]),
    kind=st.sampled_from(["Create", "Follow", "Like", "Flag", READ]),
    now=st.just(NOW),
    audience=st.none() | st.sampled_from(list(Audience)),
    is_addressed_here=st.booleans(),
)


@given(any_facts, any_rules)
def test_the_strictest_reason_always_wins(facts: Facts, some: Rules) -> None:
    decision = decide(facts, some)
    assert decision.reasons
    assert STRICTNESS[decision.verdict] == max(STRICTNESS[reason.verdict] for reason in decision.reasons)


@given(any_facts, any_rules)
def test_what_stays_inside_never_gets_a_yes_on_its_way_out(facts: Facts, some: Rules) -> None:
    if facts.direction is Direction.OUT and facts.audience is not None and not leaves(facts.audience):
        assert not decide(facts, some).is_yes


@given(any_facts, any_rules)
def test_blocking_never_lets_more_through(facts: Facts, some: Rules) -> None:
    if not facts.host:
        return
    blocked = Rules(some.mode, {**some.peers, facts.host: PeerRule(facts.host, PeerState.BLOCKED)}, some.version)
    assert not decide(facts, blocked).is_yes
