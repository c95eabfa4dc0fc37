"""The ledger: a chain without gaps of exactly what left, that shows every changed byte and takes no change."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from federation.canonical import canonical
from federation.delivery import Answer, Outcome, classify
from federation.errors import AddressRefused, FetchFailed
from node.actions import lanes, ledger, outbox
from node.actions.drafts import Draft
from node.actions.tries import Lease, Result
from node.database import db, transaction
from node.ledger import Channel, Line, State, document, hash_of, instant, version_of
from node.models import Activity, Delivery, Disclosure, Lane, LedgerMark, Post
from node.policy import Audience
from node.queries import ledger as query
from tests.support.clocks import NOON


def a_line(number: int = 1, **values: object) -> Line:
    fields = {
        "channel": Channel.DELIVERY, "kind": "Create", "object_uri": f"https://home.test/users/ada/posts/{number}", "post_id": number,
        "version": version_of({"id": str(number)}), "activity_uri": f"https://home.test/activities/{number}", "host": "peer.test",
        "verdict": "send", "reasons": "peer_is_allowed:peer.test", "rules_version": 3, "size": 700, "answer": 202, "state": State.TAKEN,
    }  # fmt: skip
    return Line(**(fields | values))


def rows(session: Session) -> list[Disclosure]:
    session.expire_all()
    return list(session.scalars(select(Disclosure).order_by(Disclosure.number)))


def deliver_all(session: Session, make, answers=None) -> None:
    """Claim and record until nothing is due; each host answers 202 or what `answers` says (a status or an error)."""
    while claims := lanes.claim(session, 50, make.rules(), make.clock.move(1)):
        results = []
        for one in claims:
            said = (answers or {}).get(one.host.host, 202)
            if isinstance(said, int):
                answer = Answer(said)
                results.append(Result(one, answer, classify(answer, other_scheme_tried=True), f"HTTP {said}"))
            else:
                results.append(Result(one, None, classify(said), str(said), error=said))
        lanes.record(session, results, make.clock())


def lift_triggers(session: Session) -> None:
    """Do what whoever owns the database can do."""
    if session.get_bind().dialect.name == "sqlite":
        for verb in ("update", "delete"):
            session.execute(text(f"DROP TRIGGER IF EXISTS disclosures_no_{verb}"))
    else:
        session.execute(text("SET LOCAL session_replication_role = replica"))


def test_every_delivery_that_arrived_is_a_line_and_nothing_else_is(session, people, make, ways, clock) -> None:
    for host in ("one.test", "two.test"):
        make.peer(host)
        make.follow(make.remote("fan", host), people.ada)
    make.follow(people.mal, people.ada)
    posts = [
        outbox.publish(session, people.ada, Draft(f"Number {audience}", audience), **ways())
        for audience in (Audience.PUBLIC, Audience.FOLLOWERS, Audience.MEMBERS, Audience.PARTNERS)
    ]
    deliver_all(session, make)
    delivered = session.execute(
        select(Activity.uri, Activity.post_id, Lane.host)
        .join(Delivery, Delivery.activity_id == Activity.id)
        .join(Lane, Lane.id == Delivery.lane_id)
        .where(Delivery.state == "delivered")
    ).all()
    kept = rows(session)
    assert sorted((row.activity_uri, row.post_id, row.host) for row in kept) == sorted(map(tuple, delivered))
    assert {row.post_id for row in kept} == {posts[0].id, posts[1].id}  # inside, and without an agreement: never left
    assert {row.host for row in kept} == {"one.test", "two.test"}
    assert [row.number for row in kept] == [1, 2, 3, 4]
    assert {(row.state, row.answer, row.verdict, row.reasons) for row in kept if row.host == "one.test"} == {
        ("taken", 202, "send", "peer_is_allowed:one.test")
    }
    assert query.verify(session) == query.Checked(4, 4, kept[-1].hash)


def test_the_version_is_that_of_the_post_as_anybody_can_compute_it(session, people, make, ways) -> None:
    make.follow(people.eve, people.ada)
    outbox.publish(session, people.ada, Draft("Words", Audience.PUBLIC), **ways())
    deliver_all(session, make)
    (row,) = rows(session)
    activity = session.scalars(select(Activity)).one()
    note = json.loads(activity.document)["object"]
    assert row.version == version_of(note) == version_of({"@context": "https://www.w3.org/ns/activitystreams", **note})
    assert (row.size, row.object_uri, row.kind) == (len(activity.document), note["id"], "Create")


def test_the_version_outlives_the_words(session, people, make, ways) -> None:
    make.follow(people.eve, people.ada)
    post = outbox.publish(session, people.ada, Draft("Words", Audience.PUBLIC), **ways())
    (one,) = lanes.claim(session, 1, make.rules(), make.clock.move(1))
    version = session.scalars(select(Activity.version)).one()
    outbox.delete(session, post, by=people.ada, **ways())
    lanes.record(session, [Result(one, Answer(202), Outcome.DELIVERED, "")], make.clock())
    (row,) = rows(session)
    assert row.version == version
    assert b"Words" not in session.scalars(select(Activity.document).where(Activity.kind == "Create")).one()


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (202, ("taken", 202)),
        (403, ("refused", 403)),
        (422, ("refused", 422)),
        (503, ("refused", 503)),
        (FetchFailed("no answer in time", reason="timeout", temporary=True, may_have_arrived=True), ("unknown", 0)),
        (FetchFailed("refused", reason="connect", temporary=True), None),
        (AddressRefused("private", host="good.test"), None),
    ],
)
def test_a_try_is_a_line_when_the_peer_may_have_read_it(session, people, make, ways, said, kept) -> None:
    make.follow(people.eve, people.ada)
    outbox.publish(session, people.ada, Draft("Words", Audience.PUBLIC), **ways())
    deliver_all(session, make, {"good.test": said})
    assert [(row.state, row.answer) for row in rows(session)] == ([kept] if kept else [])


def test_what_the_gate_withholds_at_the_last_moment_leaves_no_line(session, people, make, ways) -> None:
    make.follow(people.eve, people.ada)
    outbox.publish(session, people.ada, Draft("Words", Audience.PUBLIC), **ways())
    session.execute(text("UPDATE peers SET state = 'blocked' WHERE host = 'good.test'"))
    session.expire_all()
    deliver_all(session, make)
    assert rows(session) == []
    assert session.scalars(select(Delivery.state)).all() == ["withheld"]


def test_a_direct_message_names_the_person(session, people, make, ways) -> None:
    outbox.publish(session, people.ada, Draft("@eve@good.test hello", Audience.DIRECT), **ways())
    deliver_all(session, make)
    assert [(row.host, row.actor_uri) for row in rows(session)] == [("good.test", people.eve.uri)]


def test_the_rules_in_force_are_named(session, people, make, ways) -> None:
    make.follow(people.eve, people.ada)
    outbox.publish(session, people.ada, Draft("Words", Audience.PUBLIC), **ways())
    (one,) = lanes.claim(session, 1, replace(make.rules(), version=17), make.clock.move(1))
    lanes.record(session, [Result(one, Answer(202), Outcome.DELIVERED, "")], make.clock())
    assert [(row.rules_version, row.reasons) for row in rows(session)] == [(17, "peer_is_allowed:good.test")]


@pytest.fixture
def killed(session, people, make, ways):
    """Return what a worker leaves that is killed with three requests: one taken, one begun, one only leased."""
    for host in ("a.test", "b.test", "c.test"):
        make.peer(host)
        make.follow(make.remote("fan", host), people.ada)
    outbox.publish(session, people.ada, Draft("Words", Audience.PUBLIC), **ways())
    claims = {one.host.host: one for one in lanes.claim(session, 9, make.rules(), make.clock.move(1))}
    leases = {
        one.delivery_id: Lease(one.lane_id, one.lease_no, one.delivery_id, one.rules_version, one.reasons)
        for one in claims.values()
    }
    ids = {host: one.delivery_id for host, one in claims.items()}
    return SimpleNamespace(claims=claims, leases=leases, taken={ids["a.test"]: 202}, begun={ids["a.test"], ids["b.test"]})


def test_what_a_killed_worker_sent_is_written_once(session, make, killed) -> None:
    for _ in range(2):
        lanes.recover(session, killed.leases, killed.taken, make.clock(), killed.begun)
    assert [(row.host, row.state, row.answer) for row in rows(session)] == [("a.test", "taken", 202), ("b.test", "unknown", 0)]
    assert {row.reasons for row in rows(session)} == {"peer_is_allowed:a.test", "peer_is_allowed:b.test"}
    deliver_all(session, make)  # b is sent again, c for the first time; a has it
    assert sorted(row.host for row in rows(session)) == ["a.test", "b.test", "b.test", "c.test"]
    assert query.verify(session).lines == 4


def test_what_a_killed_worker_had_recorded_is_not_written_again(session, make, killed) -> None:
    results = [Result(killed.claims["a.test"], Answer(202), Outcome.DELIVERED, "")]
    results.append(Result(killed.claims["b.test"], Answer(503), Outcome.RETRY, "HTTP 503"))
    lanes.record(session, results, make.clock())
    lanes.recover(session, killed.leases, killed.taken, make.clock(), killed.begun)
    assert [(row.host, row.answer) for row in rows(session)] == [("a.test", 202), ("b.test", 503)]


def test_a_transaction_that_fails_takes_its_numbers_back(session, make) -> None:
    ledger.append(session, [a_line(1)], make.clock())
    session.commit()
    ledger.append(session, [a_line(2), a_line(3)], make.clock())
    session.rollback()
    assert ledger.append(session, [a_line(4)], make.clock()) == 2
    assert query.verify(session).lines == 2


def test_two_writers_at_once_make_one_chain_without_gaps(app, session, make) -> None:
    def write(writer: int) -> None:
        with app.app_context():
            for turn in range(25):
                lines = [a_line(number, host=f"w{writer}.test") for number in range(1 + (turn + writer) % 3)]
                try:
                    with transaction(is_durable=False) as mine:
                        ledger.append(mine, lines, NOON)
                        if turn % 5 == 4:
                            raise RuntimeError("this one fails after its lines were numbered")
                except RuntimeError:
                    pass
            db.session.remove()

    session.commit()
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(write, range(3)))
    kept = rows(session)
    assert [row.number for row in kept] == list(range(1, len(kept) + 1))
    assert {row.host for row in kept} == {"w0.test", "w1.test", "w2.test"}
    assert query.verify(session) == query.Checked(len(kept), len(kept), kept[-1].hash)


def test_the_database_refuses_to_change_or_remove_a_line(session, make) -> None:
    ledger.append(session, [a_line(1), a_line(2)], make.clock())
    session.commit()
    for statement in (update(Disclosure).values(host="other.test"), delete(Disclosure).where(Disclosure.number == 1)):
        with pytest.raises(DBAPIError, match="only grow"):
            session.execute(statement, execution_options={"synchronize_session": False})
        session.rollback()
    assert len(rows(session)) == 2


LINES = 6
COLUMNS = sorted(column.name for column in Disclosure.__table__.columns)


@pytest.fixture
def chain(session, make):
    for number in range(1, LINES + 1):
        lines = [a_line(number, actor_uri="https://peer.test/users/bob", post_id=number if number % 2 else None)]
        ledger.append(session, lines, make.clock.move(1))
    lift_triggers(session)
    return session


@hypothesis_settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=st.integers(1, LINES), column=st.sampled_from(COLUMNS), data=st.data())
def test_one_changed_byte_in_any_column_of_any_line_is_found(chain, number, column, data) -> None:
    before = chain.execute(select(Disclosure.__table__).where(Disclosure.number == number)).one()._mapping[column]
    match before:
        case bytes():
            at = data.draw(st.integers(0, len(before) - 1))
            after = before[:at] + bytes([before[at] ^ data.draw(st.integers(1, 255))]) + before[at + 1 :]
        case str():
            at = data.draw(st.integers(0, len(before)))
            after = before[:at] + data.draw(st.sampled_from("abcxyz/.:0é ")) + before[at:]
        case int():
            after = before + data.draw(st.sampled_from([-1, 1, 1000])) if column != "number" else 1000 + before
        case None:
            after = 7
        case _:
            after = before + timedelta(microseconds=data.draw(st.sampled_from([-1, 1, 1_000_000])))
    point = chain.begin_nested()
    try:
        chain.execute(update(Disclosure.__table__).where(Disclosure.__table__.c.number == number).values({column: after}))
        checked = query.verify(chain)
        assert checked.fault is not None, (column, before, after)
        assert checked.fault.number == number
    finally:
        point.rollback()
    assert query.verify(chain).fault is None


def test_a_line_that_was_removed_is_found(chain) -> None:
    for number in (3, LINES, 1):
        point = chain.begin_nested()
        chain.execute(delete(Disclosure.__table__).where(Disclosure.__table__.c.number == number))
        assert query.verify(chain).fault.number == number
        point.rollback()


def test_a_line_rewritten_with_its_own_hash_is_found_by_the_next_or_by_the_head(chain) -> None:
    for number in (2, LINES):
        point = chain.begin_nested()
        row = chain.execute(select(Disclosure.__table__).where(Disclosure.number == number)).one()
        chain.execute(update(Disclosure.__table__).where(Disclosure.__table__.c.number == number).values(forge(row)))
        assert query.verify(chain).fault.number == number
        point.rollback()


def forge(row) -> dict[str, object]:
    """Return another host for this line, and the hash that it should then have."""
    number, moment, *values, previous, _ = row._replace(host="innocent.test") if hasattr(row, "_replace") else row
    return {"host": "innocent.test", "hash": hash_of(number, instant(moment), *values, previous)}


WORDS = st.text(st.characters(codec="utf-8"), max_size=12)


@given(
    st.builds(
        Line, channel=WORDS, kind=WORDS, object_uri=WORDS, post_id=st.none() | st.integers(0, 2**63 - 1),
        version=st.binary(min_size=32, max_size=32), activity_uri=WORDS, host=WORDS, verdict=WORDS, reasons=WORDS,
        rules_version=st.integers(0, 2**31), size=st.integers(0, 2**31), answer=st.integers(0, 599), state=WORDS, actor_uri=WORDS,
    ),
    st.integers(1, 2**53),
)  # fmt: skip
def test_the_hash_is_that_of_the_canonical_form(one: Line, number: int) -> None:
    time, previous = "2026-03-02T12:00:00.000000Z", bytes(range(32))
    values = document(number, time, one, previous)
    columns = [getattr(one, name) for name in COLUMNS_HASHED]
    assert hash_of(number, time, *columns, previous) == sha256(canonical(values)).digest()


COLUMNS_HASHED = [
    column.name for column in Disclosure.__table__.columns if column.name not in ("number", "disclosed_at", "previous_hash", "hash")
]


def test_from_a_number_on_only_the_rest_is_checked(chain) -> None:
    chain.execute(update(Disclosure.__table__).where(Disclosure.__table__.c.number == 2).values(size=1))
    assert query.verify(chain).fault.number == 2
    assert query.verify(chain, first=4) == query.Checked(3, LINES, chain.get(LedgerMark, "head").hash)


def test_reads_without_a_name_are_counted_by_post_channel_and_day(session, make) -> None:
    ada = make.member("ada").actor
    post: Post = make.post(ada)
    day = make.clock().date()
    ledger.count_reads(session, {(post.id, "page", day): 2, (post.id, "feed", day): 1})
    ledger.count_reads(session, {(post.id, "page", day): 3, (post.id, "page", day + timedelta(days=1)): 1})
    assert query.reads(session, post.id) == {"page": 6, "feed": 1}
    assert session.scalar(select(func.count(Disclosure.number))) == 0
