"""`courtyard ledger`: whole or not, who has it, and an export that an outsider can check with the lines in docs/ledger.md."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from node.actions import ledger
from node.database import prepare_engine
from tests.node.actions.test_ledger import a_line
from tests.support.clocks import Clock

Run = Callable[..., int]
DOCUMENT = Path(__file__).parents[3] / "docs" / "ledger.md"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "data" / "courtyard.sqlite3"


@pytest.fixture
def chain(courtyard: Run, database: Path) -> Run:
    """Five lines: three posts at one.test, a minute apart, and two of them at two.test."""
    engine = create_engine(f"sqlite:///{database}", connect_args={"isolation_level": None})
    prepare_engine(engine)
    clock = Clock()
    with Session(engine) as session:
        for number, host in ((1, "one.test"), (1, "two.test"), (2, "one.test"), (2, "two.test"), (3, "one.test")):
            ledger.append(session, [a_line(number, host=host, reasons=f"peer_is_allowed:{host}")], clock.move(60))
        session.commit()
    engine.dispose()
    return courtyard


def tamper(database: Path, statement: str) -> None:
    with sqlite3.connect(database) as connection:
        for verb in ("update", "delete"):
            connection.execute(f"DROP TRIGGER IF EXISTS disclosures_no_{verb}")
        connection.execute(statement)


def check(text: str) -> subprocess.CompletedProcess[str]:
    """Run the verifier of the documentation over an export."""
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    return subprocess.run([sys.executable, "-c", code], input=text, text=True, capture_output=True, check=False)


def test_a_whole_chain_is_0_and_names_its_end(chain: Run, capsys) -> None:
    assert chain("ledger", "verify", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["whole"], found["lines"], found["last"], found["fault"]) == (True, 5, 5, None)
    assert re.fullmatch("[0-9a-f]{64}", found["hash"])
    assert chain("ledger", "verify", "--from", "4") == 0
    assert "whole: 2 lines" in capsys.readouterr().out


def test_an_empty_ledger_is_whole(courtyard: Run, capsys) -> None:
    assert courtyard("ledger", "verify") == 0
    assert "whole: 0 lines" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("statement", "number", "what"),
    [
        ("UPDATE disclosures SET host = 'three.test' WHERE number = 3", 3, "changed"),
        ("UPDATE disclosures SET size = size + 1 WHERE number = 5", 5, "changed"),
        ("DELETE FROM disclosures WHERE number = 2", 2, "missing"),
        ("DELETE FROM disclosures WHERE number = 5", 5, "missing"),
        ("UPDATE disclosures SET disclosed_at = 'yesterday' WHERE number = 4", 4, "broken"),
        ("UPDATE disclosures SET host = CAST(x'ff' AS TEXT) WHERE number = 4", 4, "broken"),
        ("UPDATE disclosures SET host = x'00' WHERE number = 4", 4, "broken"),
    ],
)
def test_a_changed_line_is_1_and_named(chain: Run, database: Path, capsys, statement: str, number: int, what: str) -> None:
    tamper(database, statement)
    assert chain("ledger", "verify", "--json") == 1
    captured = capsys.readouterr()
    fault = json.loads(captured.out)["fault"]
    assert (fault["number"], fault["what"]) == (number, what)
    assert f"line {number} " in captured.err


def test_who_has_a_post_is_shown(chain: Run, capsys) -> None:
    uri = "https://home.test/users/ada/posts/2"
    assert chain("ledger", "show", uri, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [(one["host"], one["state"], one["reasons"]) for one in found["holders"]] == [
        ("one.test", "taken", "peer_is_allowed:one.test"),
        ("two.test", "taken", "peer_is_allowed:two.test"),
    ]
    assert chain("ledger", "show", "https://home.test/users/ada/posts/9") == 1
    assert "is known here" in capsys.readouterr().err


def test_an_export_is_checked_by_the_documented_lines(chain: Run, capsys) -> None:
    assert chain("ledger", "export") == 0
    text = capsys.readouterr().out
    assert len(text.splitlines()) == 5
    assert check(text).stdout.startswith("whole up to line 5 ")
    changed = check(text.replace("two.test", "ten.test", 1))
    assert changed.returncode == 1
    assert "line 2 was changed" in changed.stderr


def test_an_export_is_cut_by_server_and_time(chain: Run, capsys) -> None:
    assert chain("ledger", "export", "--host", "two.test") == 0
    text = capsys.readouterr().out
    assert [json.loads(line)["number"] for line in text.splitlines()] == [2, 4]
    assert check(text).returncode == 0
    assert chain("ledger", "export", "--since", "2026-03-02T12:02", "--until", "2026-03-02T12:04") == 0
    assert [json.loads(line)["number"] for line in capsys.readouterr().out.splitlines()] == [2, 3]
    assert chain("ledger", "export", "--since", "soon") == 2
