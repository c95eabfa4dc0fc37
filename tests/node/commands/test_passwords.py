"""`courtyard member password`: another password for who forgot theirs."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable

import pytest

from tests.node.commands.test_commands import PASSWORD, add

Run = Callable[..., int]


def test_a_forgotten_password_is_replaced(courtyard: Run, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    from node import create_app
    from node.actions import members
    from node.config import load
    from node.database import transaction, utc_now

    add(courtyard, monkeypatch, "anna")
    capsys.readouterr()
    assert courtyard("member", "password", "anna", "--json") == 0
    made = json.loads(capsys.readouterr().out)["password"]
    chosen = "another-battery-horse-staple-7"

    def who(password: str) -> bool:
        with create_app(load(os.environ), doors=()).app_context(), transaction() as session:
            return members.verify_password(session, "anna", password, utc_now()) is not None

    assert (who(made), who(PASSWORD)) == (True, False)
    monkeypatch.setattr("sys.stdin", io.StringIO(chosen + "\n"))
    assert courtyard("member", "password", "@anna", "--password-stdin") == 0
    assert chosen not in capsys.readouterr().out
    assert (who(chosen), who(made)) == (True, False)


def test_a_password_for_nobody_or_of_nothing_is_refused(courtyard: Run, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    assert courtyard("member", "password", "nobody") == 1
    add(courtyard, monkeypatch, "anna")
    for line, status in (("\n", 2), ("short\n", 1), ("anna@home.test\n", 1)):
        monkeypatch.setattr("sys.stdin", io.StringIO(line))
        assert courtyard("member", "password", "anna", "--password-stdin") == status
    assert "Traceback" not in capsys.readouterr().err
