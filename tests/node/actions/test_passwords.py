"""Passwords: bounded work, the same for everybody."""

import threading

import pytest

from node.actions import passwords
from node.errors import TooMany


def test_an_unknown_login_costs_a_whole_hash():
    assert not passwords.needs_rehash(passwords._NOBODY)
    assert passwords.matches(None, "anything") is False


def test_an_endless_password_never_matches():
    stored = passwords.hash_password("x" * passwords.LONGEST)
    assert passwords.matches(stored, "x" * passwords.LONGEST)
    assert not passwords.matches(stored, "x" * (passwords.LONGEST + 1))


def test_a_broken_hash_matches_nothing():
    assert passwords.matches("not a hash", "anything") is False


def test_only_a_few_run_at_once_and_the_rest_are_told_to_wait(monkeypatch):
    monkeypatch.setattr(passwords, "PATIENCE", 0.01)
    taken = [passwords._places.acquire(blocking=False) for _ in range(passwords.MOST_AT_ONCE)]
    try:
        assert all(taken)
        refusals = []

        def attempt():
            try:
                passwords.matches(None, "anything")
            except TooMany as refusal:
                refusals.append(refusal.retry_after)

        thread = threading.Thread(target=attempt)
        thread.start()
        thread.join()
        assert refusals == [10]
    finally:
        for _ in taken:
            passwords._places.release()


@pytest.mark.parametrize("password", ["a plain sentence", "Tr0ub4dor&3x", "пароль нашей кошки", "7391842056"])
def test_good_ones_pass(password):
    passwords.check(password, names=("ada", "ada@mail.test"))
