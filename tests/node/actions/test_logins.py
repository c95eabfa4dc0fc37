"""Sessions: a secret in a cookie, thirty days from the last use, ended when it should be."""

from datetime import timedelta

import pytest

from node.actions import logins
from node.models import LoginSession


@pytest.fixture
def ada(make):
    return make.member("ada")


def test_a_secret_opens_its_session_and_another_none(session, ada, now):
    secret = logins.open(session, ada, "192.0.2.1", "Browser\0 1.0", now)
    login, member = logins.member_of(session, secret, now)
    assert (member, member.actor.username) == (ada, "ada")
    assert (login.address, login.user_agent) == ("192.0.2.1", "Browser 1.0")
    assert secret != login.token_hash
    for wrong in ("", secret[:-1], secret + "x", "x" * 300, login.token_hash):
        assert logins.member_of(session, wrong, now) is None


def test_every_sign_in_is_a_new_secret(session, ada, now):
    assert logins.open(session, ada, "", "", now) != logins.open(session, ada, "", "", now)


def test_a_session_slides_with_its_use_and_ends_without(session, ada, clock):
    secret = logins.open(session, ada, "", "", clock())
    clock.move(timedelta(days=29))
    login, _ = logins.member_of(session, secret, clock())
    assert logins.is_due(login, clock())
    logins.note_use(session, login.id, clock())
    assert not logins.is_due(login, clock())
    clock.move(timedelta(days=29))
    assert logins.member_of(session, secret, clock()) is not None
    clock.move(timedelta(days=1, seconds=1))
    assert logins.member_of(session, secret, clock()) is None
    assert logins.sweep(session, clock()) == 1


def test_signing_out_kills_this_cookie_and_no_other(session, ada, now):
    here, there = logins.open(session, ada, "", "", now), logins.open(session, ada, "", "", now)
    logins.close(session, here)
    assert logins.member_of(session, here, now) is None
    assert logins.member_of(session, there, now) is not None


def test_signing_out_everywhere_else_keeps_this_one(session, ada, make, now):
    here, there = logins.open(session, ada, "", "", now), logins.open(session, ada, "", "", now)
    other = logins.open(session, make.member("bo"), "", "", now)
    login, _ = logins.member_of(session, here, now)
    logins.close_all(session, ada.id, keep=login.id)
    assert [logins.member_of(session, secret, now) is not None for secret in (here, there, other)] == [True, False, True]
    logins.close_one(session, ada.id + 1, login.id)
    assert logins.member_of(session, here, now) is not None
    logins.close_one(session, ada.id, login.id)
    assert logins.member_of(session, here, now) is None


def test_a_member_has_a_bounded_number_of_sessions(session, ada, clock):
    first = logins.open(session, ada, "", "", clock())
    for _ in range(logins.MOST):
        clock.move(1)
        last = logins.open(session, ada, "", "", clock())
    assert session.query(LoginSession).count() == logins.MOST
    assert logins.member_of(session, first, clock()) is None
    assert logins.member_of(session, last, clock()) is not None


def test_a_removed_or_suspended_member_is_not_let_in_by_an_old_cookie(session, ada, now):
    secret = logins.open(session, ada, "", "", now)
    ada.suspended_at = now
    assert logins.member_of(session, secret, now) is None
