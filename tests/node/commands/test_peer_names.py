"""`courtyard peer` about what is no server: nothing is decided by a typing mistake, and an import asks first."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., int]


def decided(courtyard: Run, capsys) -> list[str]:
    capsys.readouterr()
    assert courtyard("peer", "list", "--json") == 0
    return [line["host"] for line in json.loads(capsys.readouterr().out)]


def test_one_word_is_not_a_server(courtyard: Run, capsys, tmp_path: Path) -> None:
    assert courtyard("peer", "allow", "foo") == 1
    assert "not the name of a server" in capsys.readouterr().err
    file = tmp_path / "list.txt"
    file.write_text("nonsense\nbad.example\n")
    assert courtyard("peer", "import", str(file), "--yes") == 0
    assert "left out (not the name of a server): nonsense" in capsys.readouterr().err
    rows = [{"host": "nonsense", "state": "blocked"}]
    file.write_text(json.dumps({"format": "courtyard-peers", "version": 1, "peers": rows}))
    assert courtyard("peer", "import", str(file), "--yes") == 0
    assert decided(courtyard, capsys) == ["bad.example"]


def test_loopback_and_addresses_are_servers(courtyard: Run, capsys) -> None:
    for host in ("localhost:8001", "[::1]:8001", "127.0.0.1:8001"):
        assert courtyard("peer", "allow", host) == 0
    assert len(decided(courtyard, capsys)) == 3


def test_an_intranet_calls_its_servers_as_it_likes(courtyard: Run, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURTYARD_ALLOW_PRIVATE_ADDRESSES", "on")
    assert courtyard("peer", "allow", "wiki") == 0
    assert decided(courtyard, capsys) == ["wiki"]


def test_an_import_names_what_it_would_do_and_asks(
    courtyard: Run, capsys, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "list.txt"
    file.write_text("bad.example\n")
    for answer in ("n\n", ""):
        monkeypatch.setattr("sys.stdin", io.StringIO(answer))
        assert courtyard("peer", "import", str(file)) == 1
        assert "bad.example" in capsys.readouterr().err
        assert decided(courtyard, capsys) == []
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert courtyard("peer", "import", str(file)) == 0
    assert decided(courtyard, capsys) == ["bad.example"]
    assert courtyard("peer", "import", str(file)) == 0, "nothing to change, nothing to ask"
