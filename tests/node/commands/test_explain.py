"""`courtyard explain`: which way it is asked about, and about whom."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.node.commands.test_commands import add

Run = Callable[..., int]


@pytest.mark.parametrize(
    ("asked", "ways"),
    [
        (("--actor", "anna"), {"outbound"}),
        (("--actor", "anna", "--direction", "both"), {"outbound", "inbound"}),
        (("--actor", "bob@a.example"), {"inbound"}),
        (("--actor", "https://a.example/users/bob"), {"inbound"}),
        (("--actor", "bob", "--direction", "in"), {"inbound"}),
        ((), {"outbound", "inbound"}),
        (("--type", "Follow"), {"outbound", "inbound"}),
    ],
)
def test_only_the_way_that_was_asked_about_is_answered(
    courtyard: Run, capsys, monkeypatch: pytest.MonkeyPatch, asked: tuple[str, ...], ways: set[str]
) -> None:
    add(courtyard, monkeypatch, "anna")
    capsys.readouterr()
    assert courtyard("explain", "--peer", "a.example", *asked, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert {"outbound", "inbound"} & set(said) == ways


def test_a_type_that_is_none_is_refused_with_those_there_are(courtyard: Run, capsys) -> None:
    assert courtyard("explain", "--peer", "a.example", "--type", "Frob") == 2
    said = capsys.readouterr().err
    assert "Frob" in said
    assert "Follow" in said


def test_somebody_elsewhere_does_not_send_from_here(courtyard: Run, capsys) -> None:
    assert courtyard("explain", "--peer", "a.example", "--actor", "bob@a.example", "--direction", "out") == 2
    assert "only members here send" in capsys.readouterr().err
