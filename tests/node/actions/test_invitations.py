"""Invitations open the door once, for a week, to whom they were meant for."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from node.actions import invitations
from node.errors import ActionError, Expired, Invalid, NotAllowed, Taken
from node.models import Invitation, Member

GOOD = "correct horse battery"


@pytest.fixture
def accept(session, settings, clock):
    def take(token, name="ada", email="ada@mail.test", password=GOOD):
        return invitations.accept(session, token, name, "Ada", password, "de", email, settings, clock())

    return take


@pytest.fixture
def admin(make):
    return make.member("boss", role="admin")


def test_an_invitation_becomes_a_member_with_its_role_once(session, accept, admin, now):
    invitation, token = invitations.invite(session, by=admin, role="moderator", note="our Ada", now=now)
    assert invitations.find(session, token, now) is invitation
    member = accept(token)
    assert (member.role, member.language, member.actor.name) == ("moderator", "de", "Ada")
    assert (invitation.used_at, invitation.used_by_id) == (now, member.id)
    assert invitations.find(session, token, now) is None
    with pytest.raises(Expired):
        accept(token, "eve", "eve@mail.test")


def test_only_a_digest_is_kept(session, admin, now):
    invitation, token = invitations.invite(session, by=admin, now=now)
    assert len(token) >= 43
    assert token not in invitation.token_hash
    assert len(invitation.token_hash) == 64


def test_a_link_ends_after_a_week(session, accept, admin, clock):
    _, token = invitations.invite(session, by=admin, now=clock())
    clock.move(timedelta(days=7) - timedelta(seconds=1))
    assert invitations.find(session, token, clock()) is not None
    clock.move(2)
    assert invitations.find(session, token, clock()) is None
    with pytest.raises(Expired):
        accept(token)


def test_a_revoked_link_is_dead(session, accept, admin, now):
    invitation, token = invitations.invite(session, by=admin, now=now)
    invitations.revoke(session, invitation, by=admin, now=now)
    with pytest.raises(Expired):
        accept(token)


@pytest.mark.parametrize("token", ["", "nonsense", "x" * 500])
def test_an_unknown_token_opens_nothing(session, accept, now, token):
    assert invitations.find(session, token, now) is None
    with pytest.raises(Expired):
        accept(token)


def test_an_invitation_for_an_address_gives_that_address(session, accept, admin, now):
    _, token = invitations.invite(session, by=admin, email="Ada@Mail.test", now=now)
    assert accept(token, email="evil@mail.test").email == "ada@mail.test"


def test_a_mistake_in_the_form_leaves_the_link_good(session, accept, admin, now):
    _, token = invitations.invite(session, by=admin, now=now)
    for values in ({"name": "admin"}, {"password": "short"}, {"email": "none"}):
        with pytest.raises(ActionError):
            accept(token, **values)
    assert accept(token).actor.username == "ada"


def test_members_invite_nobody_and_moderators_members_only(session, make, now):
    moderator = make.member("mo", role="moderator")
    with pytest.raises(NotAllowed):
        invitations.invite(session, by=make.member("ada"), now=now)
    with pytest.raises(NotAllowed) as refusal:
        invitations.invite(session, by=moderator, role="admin", now=now)
    assert refusal.value.field == "role"
    invitations.invite(session, by=moderator, now=now)
    boss_made, _ = invitations.invite(session, by=None, role="admin", now=now)
    with pytest.raises(NotAllowed):
        invitations.revoke(session, boss_made, by=moderator, now=now)


def test_what_is_asked_for_is_checked(session, admin, now):
    with pytest.raises(Invalid):
        invitations.invite(session, by=admin, role="king", now=now)
    with pytest.raises(Invalid):
        invitations.invite(session, by=admin, email="nobody", now=now)
    with pytest.raises(Taken):
        invitations.invite(session, by=admin, email=admin.email, now=now)
    with pytest.raises(Invalid):
        invitations.invite(session, by=admin, note="x" * 501, now=now)


def test_the_first_admin_gets_a_fresh_link_until_there_is_one(session, accept, settings, now):
    first = invitations.first_admin_link(session, settings, now)
    second = invitations.first_admin_link(session, settings, now)
    assert second.startswith("https://home.test/invitations/")
    with pytest.raises(Expired):
        accept(first.rpartition("/")[2])
    assert accept(second.rpartition("/")[2]).role == "admin"
    assert invitations.first_admin_link(session, settings, now) is None
    assert session.scalars(select(Member.role)).all() == ["admin"]
    assert session.scalars(select(Invitation.note)).all() == ["first admin", "first admin"]
