"""Decisions about other servers: what is written, what takes effect at once, who may, and files of them."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from node.actions import peers
from node.errors import Invalid, NotAllowed, NotThere
from node.models import AuditEntry, Delivery, Lane, Peer, Receipt
from node.queries import peers as query
from node.queries import rules as rules_query

MASTODON = """#domain,#severity,#reject_media,#reject_reports,#public_comment,#obfuscate
Evil.TEST,suspend,True,True,spam,False
loud.test,silence,False,False,"noisy, mostly",False
ex*mple.test,suspend,False,False,,True
fine.test,noop,False,False,,False
not a host,suspend,False,False,,False
home.test,suspend,False,False,,False
"""


@pytest.fixture
def admin(make):
    return make.member("boss", role="admin")


@pytest.fixture
def decide(session, admin, clock):
    def set_state(host, state, **terms):
        return peers.set_state(session, host, state, by=admin, now=clock(), own_host="home.test", **terms)

    return set_state


@pytest.fixture
def bells(session):
    return lambda: session.info.get("bells", set())


SPELLINGS = [
    "Evil.TEST", "evil.test.", "evil.test:443", "https://evil.test/about", "@mal@evil.test", "ｅｖｉｌ.test", "evil。test",
    "*.evil.test",
]  # fmt: skip


@pytest.mark.parametrize("written", SPELLINGS)
def test_a_host_has_one_spelling(decide, written):
    assert decide(written, "blocked").host == "evil.test"


@pytest.mark.parametrize("written", ["", "a b", "user:pass@", "127.1", "home.test"])
def test_what_is_no_other_server_is_refused_beside_its_field(decide, written):
    with pytest.raises(Invalid) as refusal:
        decide(written, "blocked")
    assert refusal.value.field == "host"


def test_every_decision_raises_the_version_and_leaves_a_row(session, decide, admin, clock):
    decide("a.test", "allowed", note="met at a fair", expires_at=clock() + timedelta(days=1))
    decide("a.test", "blocked")
    peers.forget(session, "a.test", by=admin, now=clock())
    assert rules_query.version(session) == 3
    entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [(entry.verb, entry.subject, entry.member_id) for entry in entries] == [
        ("peer.allowed", "a.test", admin.id), ("peer.blocked", "a.test", admin.id), ("peer.forget", "a.test", admin.id),
    ]  # fmt: skip
    assert entries[1].details["before"] == "allowed"
    with pytest.raises(NotThere):
        peers.forget(session, "a.test", by=admin, now=clock())


def test_terms_not_given_stay(decide):
    decide("a.test", "partner", note="n", types_in=["Follow", "Create"], widest_audience="followers", allows_media=False)
    peer = decide("a.test", "allowed", note="m")
    assert (peer.state, peer.note, peer.types_in, peer.widest_audience, peer.allows_media) == (
        "allowed", "m", ["Create", "Follow"], "followers", False,
    )  # fmt: skip


@pytest.mark.parametrize(("field", "value"), [("types_in", ["Explode"]), ("widest_audience", "world"), ("note", "x" * 5001)])
def test_terms_are_checked_beside_their_field(session, decide, field, value):
    with pytest.raises(Invalid) as refusal:
        decide("a.test", "allowed", **{field: value})
    assert refusal.value.field == field
    assert session.get(Peer, "a.test") is None


def test_an_end_lies_ahead_and_a_state_is_one_of_five(decide, clock):
    with pytest.raises(Invalid):
        decide("a.test", "allowed", expires_at=clock() - timedelta(seconds=1))
    with pytest.raises(Invalid):
        decide("a.test", "friend")


def test_only_admins_decide(session, make, now):
    for role in ("member", "moderator"):
        with pytest.raises(NotAllowed):
            peers.set_state(session, "a.test", "allowed", by=make.member(role, role=role), now=now)
    assert peers.set_state(session, "a.test", "allowed", by=None, now=now).state == "allowed"


def test_letting_a_server_in_releases_its_lobby_and_only_its_own(session, make, decide, bells):
    mine = [make.receipt("good.test"), make.receipt("sub.good.test"), make.receipt("good.test", state="refused")]
    blocked, other = make.receipt("bad.good.test"), make.receipt("notgood.test")
    decide("bad.good.test", "blocked")
    session.info.pop("bells", None)
    decide("good.test", "allowed")
    session.expire_all()
    assert [row.state for row in (*mine, blocked, other)] == ["new", "new", "refused", "refused", "held"]
    assert bells() == {"inbound"}


def test_a_block_turns_the_lobby_away_and_withholds_what_waits(session, make, decide, bells):
    ada = make.member("ada").actor
    held = make.receipt("evil.test")
    unsent = make.delivery(ada, "https://evil.test/inbox")
    below = make.delivery(make.member("bo").actor, "https://sub.evil.test:8443/inbox")
    done = make.delivery(make.member("cy").actor, "https://evil.test/old", state="delivered")
    other = make.delivery(ada, "https://good.test/inbox")
    decide("evil.test", "blocked")
    session.expire_all()
    assert (held.state, held.reason) == ("refused", "peer_blocked")
    assert [row.state for row in (unsent, below, done, other)] == ["withheld", "withheld", "delivered", "waiting"]
    lanes = dict(session.execute(select(Lane.host, Lane.next_at).where(Lane.id.in_([unsent.lane_id, other.lane_id]))).all())
    assert lanes["evil.test"] is None
    assert lanes["good.test"] is not None
    assert bells() == set()
    assert session.scalars(select(AuditEntry)).one().details["withheld"] == 2


def test_making_a_server_wait_touches_nothing(session, make, decide):
    held = make.receipt("new.test")
    decide("new.test", "waiting")
    session.expire_all()
    assert held.state == "held"


def test_a_lobby_can_be_released_or_refused_by_itself(session, make, admin, now, bells):
    one, two = make.receipt("a.test"), make.receipt("b.test")
    assert peers.release_lobby(session, "A.test") == 1
    assert peers.refuse_lobby(session, "b.test", by=admin, now=now) == 1
    session.expire_all()
    assert (one.state, two.state, bells()) == ("new", "refused", {"inbound"})


def test_mastodons_csv_blocks_and_limits_and_says_what_it_could_not_read(session, admin, now):
    report = peers.import_csv(session, MASTODON, by=admin, now=now, own_host="home.test")
    assert report.changed == ["evil.test", "loud.test"]
    assert report.skipped == [
        ("ex*mple.test", "obfuscated"), ("fine.test", "severity"), ("not a host", "bad_host"), ("home.test", "own_host"),
    ]  # fmt: skip
    evil, loud = session.get(Peer, "evil.test"), session.get(Peer, "loud.test")
    assert (evil.state, evil.allows_media, evil.allows_reports, evil.public_reason) == ("blocked", False, False, "spam")
    assert (loud.state, loud.allows_media, loud.public_reason) == ("limited", True, "noisy, mostly")
    assert rules_query.version(session) == 1
    assert [entry.verb for entry in session.scalars(select(AuditEntry))] == ["peer.import_csv"]


def test_a_list_never_softens_a_decision(session, make, admin, now):
    make.peer("loud.test", "blocked")
    make.peer("evil.test", "partner")
    report = peers.import_csv(session, "\ufeffloud.test,silence\n\nevil.test\n", by=admin, now=now)
    assert (report.kept, report.changed) == (["loud.test"], ["evil.test"])
    assert session.get(Peer, "loud.test").state == "blocked"
    assert session.get(Peer, "evil.test").state == "blocked"


def test_a_dry_run_changes_nothing(session, admin, now):
    report = peers.import_csv(session, MASTODON, by=admin, now=now, is_dry_run=True)
    assert report.changed
    assert session.scalars(select(Peer)).all() == []
    assert rules_query.version(session) == 0


def test_what_is_exported_can_be_read_again(session, decide, admin, clock):
    decide("a.test", "partner", note="secret", types_out=["Create"], expires_at=clock() + timedelta(days=9))
    decide("b.test", "blocked", public_reason="spam")
    text = peers.export_json(session, now=clock())
    assert "secret" not in peers.export_json(session, now=clock(), is_private=False)
    assert peers.import_json(session, text, by=admin, now=clock()).kept == ["a.test", "b.test"]
    peers.forget(session, "a.test", by=admin, now=clock())
    decide("b.test", "allowed")
    assert peers.import_json(session, text, by=admin, now=clock()).changed == ["a.test", "b.test"]
    again = session.get(Peer, "a.test")
    assert (again.state, again.note, again.types_out, again.expires_at) == (
        "partner", "secret", ["Create"], clock() + timedelta(days=9),
    )  # fmt: skip


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"format":"other","version":1,"peers":[]}', "[" * 100_000])
def test_a_file_that_is_not_ours_is_refused_whole(session, admin, now, text):
    with pytest.raises(Invalid) as refusal:
        peers.import_json(session, text, by=admin, now=now)
    assert refusal.value.field == "file"


def test_bad_rows_are_reported_and_the_good_ones_taken(session, admin, now):
    rows = [
        {"host": "a.test", "state": "allowed"},
        {"host": "b.test", "state": "king"},
        7,
        {"host": 9, "state": "allowed"},
        {"host": "c.test", "state": "blocked", "expires_at": "soon"},
        {"host": "d.test", "state": "blocked", "types_in": 5},
    ]
    text = json.dumps({"format": "courtyard-peers", "version": 1, "peers": rows})
    report = peers.import_json(session, text, by=admin, now=now)
    assert report.changed == ["a.test"]
    assert [why for _, why in report.skipped] == ["bad_row", "bad_row", "bad_host", "bad_row", "bad_row"]


def test_only_admins_read_files(session, make, now):
    with pytest.raises(NotAllowed):
        peers.import_csv(session, "a.test", by=make.member("mo", role="moderator"), now=now)


def test_the_impact_is_counted_before_anything_changes(session, make):
    ada = make.member("ada").actor
    eve, sub = make.remote("eve", "evil.test"), make.remote("sam", "sub.evil.test")
    near = make.remote("ann", "notevil.test")
    for follower, target in ((eve, ada), (sub, ada), (near, ada), (ada, eve)):
        make.follow(follower, target)
    make.follow(ada, sub, "pending")
    for author in (eve, sub, near):
        make.post(author)
    make.receipt("evil.test")
    make.delivery(ada, "https://evil.test/inbox")
    blocked = query.impact(session, "evil.test", "blocked")
    assert (blocked.known_actors, blocked.followers_lost, blocked.follows_lost, blocked.posts_hidden) == (2, 2, 2, 2)
    assert (blocked.receipts_refused, blocked.receipts_released, blocked.deliveries_withheld) == (1, 0, 1)
    limited = query.impact(session, "evil.test", "limited")
    assert (limited.followers_lost, limited.posts_hidden, limited.receipts_released, limited.deliveries_withheld) == (0, 2, 1, 0)
    assert session.scalars(select(Receipt.state)).all() == ["held"]
    assert session.scalars(select(Delivery.state)).all() == ["waiting"]


def test_lists_lines_lobby_and_strangers(session, make):
    ada = make.member("ada").actor
    make.peer("good.test")
    make.peer("evil.test", "blocked")
    make.peer("wait.test", "waiting")
    make.host("good.test", software="mastodon")
    make.host("unknown.test")
    make.follow(make.remote("eve", "good.test"), ada)
    make.follow(ada, make.remote("ann", "good.test"))
    make.delivery(ada, "https://good.test/inbox")
    make.receipt("new.test", "Follow")
    make.receipt("new.test", "Create", actor_uri="https://new.test/users/zoe")
    assert [line.host for line in query.list(session)] == ["evil.test", "good.test", "wait.test"]
    assert [line.host for line in query.list(session, after_host="evil.test", limit=1)] == ["good.test"]
    assert [line.host for line in query.list(session, state="blocked")] == ["evil.test"]
    assert query.list(session, text="%") == []
    (good,) = query.list(session, text="GOOD")
    assert (good.known_actors, good.followers_here, good.following_there, good.deliveries_waiting) == (2, 1, 1, 1)
    assert good.host_row.software == "mastodon"
    assert [line.host for line in query.strangers(session)] == ["unknown.test"]
    first, second = query.lobby(session)
    assert (first.host, first.receipts, first.kinds, first.actors) == (
        "new.test", 2, {"Follow": 1, "Create": 1}, ("https://new.test/users/bob", "https://new.test/users/zoe"),
    )  # fmt: skip
    assert (second.host, second.receipts, second.first_at) == ("wait.test", 0, None)
    assert query.get(session, "nowhere.test") is None
    assert query.get(session, "new.test").waiting_receipts == 2
