"""The command line: what it prints, what it refuses, and its exit status."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from node import cli

Run = Callable[..., int]
Output = pytest.CaptureFixture[str]
PASSWORD = "correct-horse-battery-staple-9"


def add(courtyard: Run, monkeypatch: pytest.MonkeyPatch, name: str, *more: str) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD + "\n"))
    return courtyard("member", "add", name, "--email", f"{name}@home.test", "--password-stdin", *more)


def answer(capsys: Output) -> object:
    return json.loads(capsys.readouterr().out)


def test_every_command_explains_itself_and_loads(capsys: Output) -> None:
    for name in cli.COMMANDS:
        assert cli.execute([name, "--help"]) == 0
        assert "Usage: courtyard " + name in capsys.readouterr().out


def test_wrong_use_is_2_and_says_so_on_stderr(capsys: Output) -> None:
    assert cli.execute(["no-such-command"]) == 2
    assert cli.execute(["member", "add"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "No such command" in captured.err


def test_a_setting_that_makes_no_sense_is_1_and_one_line(capsys: Output, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COURTYARD_DATA", str(tmp_path))
    monkeypatch.setenv("COURTYARD_WORKERS", "many")
    assert cli.execute(["settings"]) == 1
    captured = capsys.readouterr()
    assert captured.err.splitlines() == ["courtyard: COURTYARD_WORKERS='many' makes no sense: allowed is a number from 1 to 64"]


def test_settings_are_shown_with_their_source_and_without_secrets(courtyard: Run, capsys: Output) -> None:
    assert courtyard("settings", "--json") == 0
    lines = {line["name"]: line for line in answer(capsys)}
    assert lines["COURTYARD_DOMAIN"] == {
        "name": "COURTYARD_DOMAIN",
        "value": "home.test",
        "source": "environment",
        "meaning": lines["COURTYARD_DOMAIN"]["meaning"],
    }
    assert lines["COURTYARD_SECRET_KEY"]["value"] in ("", "********")


def test_a_member_is_added_listed_given_a_role_suspended_and_restored(
    courtyard: Run, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert add(courtyard, monkeypatch, "anna", "--role", "admin") == 0
    assert add(courtyard, monkeypatch, "bob") == 0
    assert courtyard("member", "role", "bob", "moderator") == 0
    assert courtyard("member", "suspend", "bob") == 0
    capsys.readouterr()
    assert courtyard("member", "list", "--json") == 0
    members = {line["name"]: line for line in answer(capsys)}
    assert members["anna"]["role"] == "admin"
    assert members["bob"]["role"] == "moderator"
    assert members["bob"]["suspended"]
    assert courtyard("member", "suspend", "bob", "--undo", "--json") == 0
    assert answer(capsys)["suspended"] is None


def test_a_member_without_a_password_gets_one_that_is_shown_once(courtyard: Run, capsys: Output) -> None:
    assert courtyard("member", "add", "cleo", "--email", "cleo@home.test", "--json") == 0
    assert len(answer(capsys)["password"]) >= 20


def test_what_an_action_refuses_is_1_and_one_line(courtyard: Run, capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    assert add(courtyard, monkeypatch, "anna", "--role", "admin") == 0
    capsys.readouterr()
    assert add(courtyard, monkeypatch, "anna") == 1
    assert courtyard("member", "suspend", "anna") == 1, "the last admin stays"
    assert courtyard("member", "role", "nobody", "admin") == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert [line.startswith("courtyard: ") for line in captured.err.splitlines()] == [True] * 3


def test_an_empty_password_is_wrong_use(courtyard: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    assert courtyard("member", "add", "anna", "--email", "a@home.test", "--password-stdin") == 2


def test_a_member_is_removed_after_a_yes(courtyard: Run, capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    add(courtyard, monkeypatch, "anna", "--role", "admin")
    add(courtyard, monkeypatch, "bob")
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert courtyard("member", "remove", "bob") == 1
    assert courtyard("member", "remove", "bob", "--yes") == 0
    capsys.readouterr()
    courtyard("member", "list", "--json")
    assert [line["name"] for line in answer(capsys)] == ["anna"]


def test_a_token_is_printed_for_scripts(courtyard: Run, capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    add(courtyard, monkeypatch, "anna")
    capsys.readouterr()
    assert courtyard("token", "anna", "--scopes", "read") == 0
    assert len(capsys.readouterr().out.strip()) > 30
    assert courtyard("token", "anna", "--scopes", "everything") == 1
    assert courtyard("token", "nobody") == 1


def test_the_mode_is_shown_and_set(courtyard: Run, capsys: Output) -> None:
    assert courtyard("mode") == 0
    assert courtyard("mode", "closed", "--json") == 0
    assert courtyard("mode") == 0
    assert courtyard("mode", "ajar") == 2
    assert capsys.readouterr().out.split() == ["selective", "{", '"mode":', '"closed"', "}", "closed"]


def test_peers_are_decided_about_and_listed(courtyard: Run, capsys: Output) -> None:
    assert courtyard("peer", "allow", "https://Peer.Example/about") == 0
    assert courtyard("peer", "partner", "friend.example", "--expires", "2040-01-31") == 0
    assert courtyard("peer", "limit", "loud.example", "--note", "much") == 0
    assert courtyard("peer", "block", "bad.example", "--reason", "spam") == 0
    capsys.readouterr()
    assert courtyard("peer", "list", "--json") == 0
    states = {line["host"]: (line["state"], line["expires"]) for line in answer(capsys)}
    assert states == {
        "bad.example": ("blocked", None),
        "friend.example": ("partner", "2040-01-31"),
        "loud.example": ("limited", None),
        "peer.example": ("allowed", None),
    }
    assert courtyard("peer", "show", "bad.example", "--json") == 0
    assert answer(capsys)["impact"]["blocked"]["followers_lost"] == 0
    assert courtyard("peer", "forget", "bad.example") == 0
    assert courtyard("peer", "forget", "bad.example") == 1
    assert courtyard("peer", "allow", "not a host") == 1
    assert courtyard("peer", "allow", "home.test") == 1, "our own"
    assert courtyard("peer", "partner", "friend.example", "--expires", "someday") == 2


def test_mastodons_domain_blocks_are_read(courtyard: Run, capsys: Output, tmp_path: Path) -> None:
    file = tmp_path / "blocks.csv"
    file.write_text("#domain,#severity,#reject_media\nbad.example,suspend,TRUE\nloud.example,silence,FALSE\nob*ured.example,suspend,TRUE\n")
    assert courtyard("peer", "import", str(file), "--dry-run", "--json") == 0
    assert answer(capsys)["changed"] == ["bad.example", "loud.example"]
    assert courtyard("peer", "list", "--json") == 0
    assert answer(capsys) == []
    assert courtyard("peer", "import", str(file), "--yes") == 0
    assert "left out (its name is hidden by asterisks): ob*ured.example" in capsys.readouterr().err
    assert courtyard("peer", "list", "--json") == 0
    assert {line["host"]: line["state"] for line in answer(capsys)} == {"bad.example": "blocked", "loud.example": "limited"}


def test_what_was_exported_is_read_again(courtyard: Run, capsys: Output, tmp_path: Path) -> None:
    file = tmp_path / "peers.json"
    courtyard("peer", "partner", "friend.example", "--note", "since 2019")
    assert courtyard("peer", "export", str(file)) == 0
    courtyard("peer", "forget", "friend.example")
    assert courtyard("peer", "import", str(file), "--yes") == 0
    capsys.readouterr()
    courtyard("peer", "list", "--json")
    assert [(line["host"], line["note"]) for line in answer(capsys)] == [("friend.example", "since 2019")]
    assert courtyard("peer", "export", "--public") == 0
    assert "since 2019" not in capsys.readouterr().out


def test_a_file_that_is_no_list_is_refused(courtyard: Run, tmp_path: Path) -> None:
    file = tmp_path / "other.json"
    file.write_text('{"hello": 1}')
    assert courtyard("peer", "import", str(file)) == 1
    file.write_bytes(b"\xff\xfe\x00")
    assert courtyard("peer", "import", str(file)) == 1
    assert courtyard("peer", "import", str(tmp_path / "missing.csv")) == 2


def test_explain_gives_the_gates_word_and_every_reason(courtyard: Run, capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    add(courtyard, monkeypatch, "anna")
    courtyard("peer", "block", "bad.example")
    capsys.readouterr()
    assert courtyard("explain", "--actor", "anna", "--audience", "members", "--peer", "sub.bad.example", "--json") == 0
    said = answer(capsys)
    assert said["outbound"]["verdict"] == "withhold"
    assert {reason["code"] for reason in said["outbound"]["reasons"]} == {"audience_stays_inside", "peer_blocked"}
    assert "inbound" not in said, "not asked"
    assert courtyard("explain", "--peer", "sub.bad.example", "--json") == 0
    assert answer(capsys)["inbound"]["verdict"] == "refuse"
    assert courtyard("explain", "--actor", "anna", "--audience", "everyone", "--peer", "a.example") == 2


def test_sample_content_is_plenty_and_counts_are_right(courtyard: Run, capsys: Output, tmp_path: Path) -> None:
    import sqlite3

    assert courtyard("seed", "--members", "12", "--posts", "300", "--peers", "6", "--json") == 0
    assert answer(capsys)["posts"] == 300
    assert courtyard("seed", "--members", "3", "--posts", "20") == 0, "twice is more"
    connection = sqlite3.connect(tmp_path / "data" / "courtyard.sqlite3")
    try:

        def number(query: str) -> int:
            return int(connection.execute(query).fetchone()[0])

        assert number("SELECT count(*) FROM members") == 15
        assert number("SELECT count(*) FROM posts") == 320
        assert number("SELECT sum(posts_count) FROM actors") == 320
        assert number("SELECT sum(likes_count) FROM posts") == number("SELECT count(*) FROM likes")
        assert number("SELECT sum(replies_count) FROM posts") == number("SELECT count(in_reply_to_id) FROM posts")
        assert number("SELECT sum(followers_count) FROM actors") == number("SELECT count(*) FROM follows")
        assert number("SELECT count(DISTINCT language) FROM posts") == 2
        assert number("SELECT count(*) FROM posts WHERE content_html LIKE '%{%'") == 0
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    finally:
        connection.close()


def test_sample_content_is_not_for_a_public_domain(courtyard: Run, capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURTYARD_DOMAIN", "social.example.com")
    assert courtyard("seed", "--members", "1") == 1
    assert "public domain" in capsys.readouterr().err


def test_the_doctor_says_what_is_wrong_and_what_to_do(courtyard: Run, capsys: Output) -> None:
    assert courtyard("doctor", "--json") == 1
    findings = {finding["check"]: finding for finding in answer(capsys)}
    assert findings["data folder"]["state"] == "ok"
    assert findings["redis"]["state"] == "fail"
    assert all(finding["advice"] for finding in findings.values() if finding["state"] != "ok")


def test_the_doctor_makes_nothing(capsys: Output, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COURTYARD_DATA", str(tmp_path / "absent"))
    assert cli.execute(["doctor"]) == 1
    assert not (tmp_path / "absent").exists()


def test_explain_knows_whom_it_is_asked_about(courtyard: Run, capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    for actor in ("nobody", "@nobody", "nobody@nowhere.example", "https://nowhere.example/users/nobody", "@", "a@b@c", ""):
        assert courtyard("explain", "--actor", actor, "--peer", "a.example") == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert f"--actor: nobody named '{actor}' is known, here or on a.example" in captured.err
    add(courtyard, monkeypatch, "anna")
    capsys.readouterr()
    for actor in ("anna", "@Anna", "anna@home.test"):
        assert courtyard("explain", "--actor", actor, "--peer", "a.example") == 0


def test_the_brake_is_pulled_shown_and_released(courtyard: Run, capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    add(courtyard, monkeypatch, "ada")
    capsys.readouterr()
    assert courtyard("brake") == 0
    assert capsys.readouterr().out == "no brake is on\n"
    assert courtyard("brake", "on", "--actor", "@ada", "--why", "a leak") == 0
    assert "on for actor ada: a leak (by the command line" in capsys.readouterr().out
    assert courtyard("brake", "on", "--peer", "Peer.Test", "--json") == 0
    assert [(one["scope"], one["subject"], one["waiting"]) for one in answer(capsys)["brakes"]] == [
        ("actor", "ada", 0), ("peer", "peer.test", 0),
    ]  # fmt: skip
    for arguments in (("--actor", "ada"), ("--peer", "PEER.test")):
        assert courtyard("brake", "off", *arguments) == 0
    capsys.readouterr()
    assert courtyard("brake", "off") == 1
    assert capsys.readouterr().err == "courtyard: This brake is not on.\n"
    assert courtyard("brake", "on", "--actor", "nobody") == 1
    assert courtyard("brake", "on", "--actor", "ada", "--peer", "peer.test") == 2
    assert courtyard("brake", "pass") == 2


def test_content_rules_are_made_listed_and_removed_and_versions_are_kept(courtyard: Run, capsys: Output) -> None:
    assert courtyard("rules", "add", "About money", "--looks-for", "word", "--value", "merger", "--withhold", "--json") == 0
    number = answer(capsys)["id"]
    assert courtyard("rules", "list", "--json") == 0
    (line,) = answer(capsys)
    assert (line["value"], line["verdict"], line["scope"]) == ("merger", "withhold", "node")
    assert courtyard("rules", "remove", number) == 0
    assert courtyard("rules", "remove", number) == 1
    capsys.readouterr()
    assert courtyard("rules", "versions", "--json") == 0
    assert [one["change"] for one in answer(capsys)] == ["rule.remove About money", "rule.add About money"]
    assert courtyard("rules", "versions", "1") == 0
    assert answer(capsys)["content"][0]["value"] == "merger"
    assert courtyard("rules", "versions", "9") == 1
    assert courtyard("rules", "add", "x", "--looks-for", "pattern", "--value", "(") == 1
