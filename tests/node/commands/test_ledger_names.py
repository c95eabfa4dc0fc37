"""`courtyard ledger` about what is not there: a typing mistake is not "it never left", a short ledger is not tampering."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.node.commands.test_ledger import Run, chain, database, tamper

__all__ = ["chain", "database"]  # fixtures


@pytest.mark.parametrize("name", ["nonsense", "77", "https://home.test/users/ada/posts/99", "never.test", " "])
def test_what_nobody_knows_is_not_said_to_have_stayed(chain: Run, capsys, name: str) -> None:
    assert chain("ledger", "show", name) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "is known here" in said.err
    assert "never left" not in said.err


def test_what_never_left_is_said_so(chain: Run, capsys) -> None:
    assert chain("member", "add", "anna", "--email", "anna@home.test", "--json") == 0
    uri = json.loads(capsys.readouterr().out)["uri"]
    assert chain("ledger", "show", uri) == 1
    assert "it never left" in capsys.readouterr().out


def test_a_server_is_not_a_post(chain: Run, capsys) -> None:
    assert chain("ledger", "show", "One.test") == 1
    assert "courtyard ledger export --host one.test" in capsys.readouterr().err


def test_a_check_that_begins_behind_the_end_says_how_many_there_are(chain: Run, capsys) -> None:
    assert chain("ledger", "verify", "--from", "99") == 1
    assert capsys.readouterr().err == "courtyard: there are only 5 lines\n"
    assert chain("ledger", "verify", "--from", "6") == 1
    assert chain("ledger", "verify", "--from", "5") == 0


def test_a_check_of_an_empty_ledger_from_its_second_line(courtyard: Run, capsys) -> None:
    assert courtyard("ledger", "verify", "--from", "2") == 1
    assert "there are only 0 lines" in capsys.readouterr().err


def test_lines_past_the_end_are_tampering_all_the_same(chain: Run, database: Path, capsys) -> None:
    tamper(database, "UPDATE ledger_marks SET number = 2 WHERE name = 'head'")
    assert chain("ledger", "verify", "--from", "4") == 1
    assert "only" not in capsys.readouterr().err


def test_an_empty_export_says_so_beside_the_lines(chain: Run, capsys) -> None:
    assert chain("ledger", "export", "--since", "2099-01-01") == 0
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "courtyard: 0 lines\n")
    assert chain("ledger", "export", "--host", "typo.test") == 1
    assert "no server named typo.test is known here" in capsys.readouterr().err
    assert chain("ledger", "export", "--host", "one.test") == 0
    assert capsys.readouterr().err == ""
