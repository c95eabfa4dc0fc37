"""Passwords: argon2id, a bounded number at a time, the same work whether or not the login exists (abuse case W12).

Values in, values out: no database here. A hash takes about 0.2 s and 64 MiB, so at most MOST_AT_ONCE run together.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from node.errors import N_, Invalid, TooMany

SHORTEST = 10
LONGEST = 1024
MOST_AT_ONCE = 4
PATIENCE = 10.0
"""Seconds to wait for a free place before the caller is told to come back."""

_HASHER = PasswordHasher(time_cost=3, memory_cost=65536, parallelism=4)
_places = threading.BoundedSemaphore(MOST_AT_ONCE)
# What an unknown login is compared with: made with the parameters above, from a text nobody can enter (W12).
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$Lfhvqqh775PN4c4IrywhTA$JqzlJ7soUvvGo2e+JLUCYPbF14JDLhh734TutgnnXtA"

# The long ones among the passwords that are tried first, without digits and signs at their ends.
_COMMON_WORDS = """
password passwort kennwort geheim qwertyuiop qwertzuiop asdfghjkl asdfghjklö qwerty qwertz letmein iloveyou ichliebedich
welcome willkommen administrator admin changeme sunshine princess football superman courtyard baseball trustno hallohallo
hallo schalke fussball sommer winter sonnenschein passwortpasswort passwordpassword
"""
_COMMON = frozenset(_COMMON_WORDS.split())


def check(password: str, *, names: tuple[str, ...] = ()) -> None:
    """Raise Invalid when a new password is too short, too long, or among the first to be guessed.

    `names` are what everybody knows about the person: their name, their e-mail address.
    """
    if len(password) < SHORTEST:
        raise Invalid("password_short", N_("A password has at least %(least)s characters."), "password", least=SHORTEST)
    if len(password) > LONGEST:
        raise Invalid("password_long", N_("A password has at most %(most)s characters."), "password", most=LONGEST)
    plain = password.casefold()
    core = plain.strip("0123456789!?.,-_+*#$€@& ")
    known = {part for name in names for part in (name.casefold(), name.casefold().partition("@")[0]) if part}
    if core in _COMMON or core in known or plain in known or len(set(plain)) < 4 or _is_run(plain):
        raise Invalid("password_common", N_("This password is among the first to be guessed. Please choose another."), "password")


def hash_password(password: str) -> str:
    """Return the argon2id hash. Raises TooMany when every place stays taken."""
    with _place():
        return _HASHER.hash(password)


def matches(password_hash: str | None, password: str) -> bool:
    """Say whether the password belongs to the hash; None does the same work and says no. Raises TooMany."""
    with _place():
        try:
            _HASHER.verify(password_hash or _NOBODY, password[:LONGEST])
        except (VerificationError, InvalidHashError):
            return False
    return password_hash is not None and len(password) <= LONGEST


def needs_rehash(password_hash: str) -> bool:
    """Say whether the hash was made with other parameters than today's."""
    return _HASHER.check_needs_rehash(password_hash)


def _is_run(text: str) -> bool:
    """Say whether every character follows the one before: 1234567890, abcdefghij, 9876543210."""
    steps = {ord(after) - ord(before) for before, after in pairwise(text)}
    if text.isdecimal():
        steps = {(step + 5) % 10 - 5 for step in steps}  # after 9 comes 0
    return steps in ({1}, {-1})


@contextmanager
def _place() -> Iterator[None]:
    if not _places.acquire(timeout=PATIENCE):
        raise TooMany("busy", N_("Too many people are signing in at this moment. Please try again."), retry_after=10)
    try:
        yield
    finally:
        _places.release()
