"""Other servers' actors: kept as their own document says, keys and all."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from federation.actors import read_actor
from federation.document import Document
from federation.errors import NotAuthorized
from federation.keys import generate_rsa
from node.actions import remote
from node.actions.remote import actors
from node.models import Actor, ActorKey, Block, Errand, Mute

URI = "https://peer.test/users/bob"
PAIRS = [generate_rsa() for _ in range(2)]


def document(key=0, key_id=f"{URI}#main-key", **members):
    return {
        "id": URI, "type": "Person", "preferredUsername": "bob", "name": "Bob <script>x</script>", "inbox": f"{URI}/inbox",
        "summary": '<p onclick="x">Hi <img src=x></p>', "outbox": f"{URI}/outbox", "followers": f"{URI}/followers",
        "endpoints": {"sharedInbox": "https://peer.test/inbox"}, "manuallyApprovesFollowers": True,
        "attachment": [{"type": "PropertyValue", "name": "<b>Site</b>", "value": '<a href="javascript:x" rel=me>x</a>'}],
        "publicKey": {"id": key_id, "owner": URI, "publicKeyPem": PAIRS[key].public_pem},
    } | members  # fmt: skip


def keep(session, now, **members):
    return remote.keep_actor(session, read_actor(Document(document(**members)), URI), now)


def keys(session, actor):
    rows = session.execute(select(ActorKey.key_id, ActorKey.public_pem).where(ActorKey.actor_id == actor.id))
    return {key_id: pem.strip() for key_id, pem in rows}


def test_an_actor_is_kept_clean(session, now):
    actor = keep(session, now)

    assert (actor.host, actor.username, actor.name, actor.is_locked) == ("peer.test", "bob", "Bob x", True)
    assert actor.summary_html == "<p>Hi </p>"
    assert actor.fields == [["Site", '<a rel="nofollow noopener noreferrer ugc">x</a>']]
    assert actor.shared_inbox == "https://peer.test/inbox"
    assert keys(session, actor) == {f"{URI}#main-key": PAIRS[0].public_pem.strip()}


def test_a_new_host_is_asked_once_what_it_runs(session, now):
    keep(session, now)
    keep(session, now)

    assert [(row.kind, row.uri) for row in session.scalars(select(Errand))] == [
        ("nodeinfo", "https://peer.test/.well-known/nodeinfo")
    ]


def test_it_is_renewed_and_its_keys_are_those_it_lists(session, now):
    first = keep(session, now)
    again = keep(session, now, key=1, key_id=f"{URI}#key-2", name="Robert")

    assert again.id == first.id
    assert again.name == "Robert"
    assert keys(session, again) == {f"{URI}#key-2": PAIRS[1].public_pem.strip()}
    assert keys(session, keep(session, now, key=0, key_id=f"{URI}#key-2")) == {f"{URI}#key-2": PAIRS[0].public_pem.strip()}


def test_of_two_workers_that_meet_an_actor_at_once_the_second_takes_the_row_of_the_first(session, now):
    first = keep(session, now)
    read = read_actor(Document(document(key=1, name="Robert")), URI)
    actor = actors._begin(session, read, now)  # it looked before the first one had committed, and found nothing

    assert actor.id == first.id
    assert session.scalar(select(func.count()).select_from(Actor)) == 1


def test_a_key_id_of_another_actor_is_not_taken_away(session, now, make):
    eve = make.remote("eve", with_keys=True)
    before = keys(session, eve)
    actor = keep(session, now, key_id=f"{eve.uri}#main-key")

    assert keys(session, eve) == before
    assert keys(session, actor) == {}


def test_an_actor_of_ours_is_not_overwritten(session, now, make):
    ada = make.actor("ada")
    said = document(id=ada.uri, inbox=f"{ada.uri}/inbox", outbox=f"{ada.uri}/outbox", followers=None, endpoints={}, publicKey=[])

    with pytest.raises(NotAuthorized):
        remote.keep_actor(session, read_actor(Document(said), ada.uri), now)


def test_what_admins_decided_about_an_actor_stays(session, now):
    keep(session, now).suspended_at = now
    session.flush()

    assert keep(session, now).suspended_at == now


def test_a_deleted_actor_has_no_keys_left(session, now):
    actor = keep(session, now)
    remote.bury_actor(session, actor, now)

    assert keys(session, actor) == {}
    assert session.scalars(select(Actor.name)).all() == [""]


def test_who_leaves_and_comes_back_is_blocked_muted_and_suspended_as_before(session, now, make):  # abuse case L16
    bob, ada, bo = keep(session, now), make.member("ada").actor, make.member("bo").actor
    bob.suspended_at = now
    for table, ours in ((Block, ada), (Mute, bo)):
        make.add(table(id=make.id(), actor_id=ours.id, target_id=bob.id, created_at=now))
    make.add(Block(id=make.id(), actor_id=bob.id, target_id=bo.id, created_at=now))
    actors.bury_actor(session, bob, now)
    again = keep(session, now)

    assert (again.id, again.deleted_at, again.suspended_at) == (bob.id, None, now)
    assert session.execute(select(Block.actor_id, Block.target_id)).all() == [(ada.id, bob.id)]
    assert session.execute(select(Mute.actor_id, Mute.target_id)).all() == [(bo.id, bob.id)]
