"""Waiting before a part is started again, and the light checks around the start."""

import json
import logging
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from node.config import load
from node.operations import logs, schema, valkey
from node.operations.parts import ending, wait_before_start

ROOT = Path(__file__).parents[3]


def test_a_part_that_keeps_dying_is_started_less_and_less_often() -> None:
    waits = [wait_before_start(failures) for failures in range(12)]
    assert waits[0] == 0
    assert waits[1:] == sorted(waits[1:])
    assert waits[1] > 0
    assert waits[-1] == 5


def test_an_ending_is_said_in_words() -> None:
    assert [ending(0), ending(3), ending(-9), ending(-15)] == ["exit 0", "exit 3", "SIGKILL", "SIGTERM"]


def test_the_supervisor_loads_no_web_framework_and_no_database() -> None:
    code = "import sys, json, node.cli, node.commands.running, node.operations.supervisor; print(json.dumps(sorted(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    heavy = {"flask", "werkzeug", "sqlalchemy", "redis", "rq", "cryptography", "requests", "granian"}
    assert not set(json.loads(result.stdout)) & heavy


def revision(folder: Path, name: str, down: str | None) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(f'revision: str = "{name}"\ndown_revision: str | None = {down!r}\n')


def test_the_newest_revision_is_the_one_no_other_follows(tmp_path: Path) -> None:
    folder = tmp_path / "versions"
    revision(folder, "0001", None)
    revision(folder, "0002", "0001")
    assert schema.newest(folder) == "0002"
    revision(folder, "0002b", "0001")
    assert schema.newest(folder) is None


def test_the_database_says_which_revision_it_is_at(tmp_path: Path) -> None:
    settings = load({}, tmp_path)
    assert schema.current(settings) is None
    with sqlite3.connect(tmp_path / "courtyard.sqlite3") as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('0007')")
    connection.close()
    assert schema.current(settings) == "0007"


def test_valkey_opens_no_port_and_survives_a_stale_socket(tmp_path: Path) -> None:
    stale = tmp_path / "valkey" / "valkey.sock"
    stale.parent.mkdir(mode=0o700)
    stale.touch()
    command = valkey.command(tmp_path)
    assert not stale.exists()
    assert "port 0" in Path(command[1]).read_text().splitlines()


def test_valkey_does_not_use_a_socket_folder_others_can_write(tmp_path: Path) -> None:
    (tmp_path / "valkey").mkdir()
    (tmp_path / "valkey").chmod(0o777)
    with pytest.raises(PermissionError):
        valkey.command(tmp_path)


def record(message: str, **facts: object) -> logging.LogRecord:
    made = logging.makeLogRecord({"name": "courtyard.test", "levelname": "INFO", "msg": message, "created": 0.0, "msecs": 0.0})
    vars(made).update(facts)
    return made


def test_a_text_line_names_part_and_facts() -> None:
    line = logs.TextLines("worker-1").format(record("delivered", host="a.test", words="two words"))
    assert line == '1970-01-01T00:00:00.000Z info    worker-1   delivered  host=a.test words="two words"'


def test_a_remote_name_cannot_write_a_line_of_its_own() -> None:
    line = logs.TextLines("web").format(record("from evil\n2026-01-01 info forged", actor="x\nforged"))
    assert "\n" not in line


def test_a_json_line_is_one_object() -> None:
    entry = json.loads(logs.JsonLines("web").format(record("delivered\n", host="a.test")))
    assert (entry["message"], entry["host"], entry["part"], entry["level"]) == ("delivered\n", "a.test", "web", "info")
