"""Spaces: made by those who may, joined and left."""

import pytest

from node.actions import spaces
from node.errors import Invalid, NotAllowed, Taken
from node.queries import spaces as query


@pytest.fixture
def owner(make):
    return make.member("mo", role="moderator")


@pytest.fixture
def office(session, owner, now):
    return spaces.create(session, owner, "Office", "The  office", "Where we meet", now)


def test_a_space_is_internal_and_has_its_maker_inside(session, office, owner):
    assert (office.name, office.title, office.is_internal) == ("office", "The office", True)
    assert query.by_name(session, "OFFICE") is office
    assert [(row.actor.username, row.role) for row in query.members(session, office.id)] == [("mo", "owner")]
    assert list(query.of(session, owner.actor_id)) == [office]
    assert query.every(session) == [(office, 1)]


def test_members_come_and_go_and_the_last_owner_stays(session, make, office, owner, now):
    ada = make.member("ada")
    spaces.join(session, office, ada.actor, now)
    spaces.join(session, office, ada.actor, now)
    assert query.is_inside(session, office.id, ada.actor_id)
    with pytest.raises(NotAllowed):
        spaces.leave(session, office, owner.actor)
    with pytest.raises(NotAllowed):
        spaces.set_owner(session, office, ada.actor, by=ada, now=now)
    spaces.set_owner(session, office, ada.actor, by=owner, now=now)
    spaces.leave(session, office, owner.actor)
    spaces.leave(session, office, owner.actor)
    assert not query.is_inside(session, office.id, owner.actor_id)
    with pytest.raises(NotAllowed):
        spaces.set_owner(session, office, owner.actor, by=ada, now=now)


def test_nobody_from_outside_joins(session, make, office, now):
    with pytest.raises(NotAllowed):
        spaces.join(session, office, make.remote(), now)


def test_members_do_not_make_spaces(session, make, now):
    with pytest.raises(NotAllowed):
        spaces.create(session, make.member("ada"), "x", "X", "", now)


@pytest.mark.parametrize(
    ("name", "title", "purpose", "field"),
    [
        ("", "T", "", "name"),
        ("a b", "T", "", "name"),
        ("-a", "T", "", "name"),
        ("x" * 65, "T", "", "name"),
        ("admin", "T", "", "name"),
        ("a", " ", "", "title"),
        ("a", "x" * 101, "", "title"),
        ("a", "T", "x" * 1001, "purpose"),
    ],
)
def test_values_are_checked_beside_their_field(session, owner, now, name, title, purpose, field):
    with pytest.raises(Invalid) as refusal:
        spaces.create(session, owner, name, title, purpose, now)
    assert refusal.value.field == field


def test_a_name_is_given_once(session, office, owner, now):
    with pytest.raises(Taken):
        spaces.create(session, owner, "OFFICE", "Again", "", now)
