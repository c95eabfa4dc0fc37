"""Settings: what is read from where, and what stops the start."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from node.config import SettingsError, describe, load, socket_path

SECRET = "k3Q9-unguessable-and-long-enough-0123456789"


def refusal(tmp_path: Path, **environ: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load(environ, tmp_path)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_new_node_runs_on_loopback_with_nothing_set(tmp_path: Path) -> None:
    settings = load({}, tmp_path)
    assert settings.origin == "http://localhost:8000"
    assert settings.bind_address == ("127.0.0.1", 8000)
    assert settings.federation == "selective"
    assert settings.database_url == f"sqlite:///{tmp_path}/courtyard.sqlite3"
    assert settings.redis_url.startswith("unix://") and settings.embedded_redis
    assert settings.rate_limits and not settings.allow_private_addresses
    assert not settings.is_public


def test_a_public_domain_means_https_and_no_port_in_the_host(tmp_path: Path) -> None:
    settings = load({"COURTYARD_DOMAIN": "Social.Example.COM:443"}, tmp_path)
    assert settings.is_public
    assert settings.origin == "https://social.example.com"
    assert settings.host == "social.example.com"


def test_an_international_domain_is_kept_in_its_ascii_form(tmp_path: Path) -> None:
    assert load({"COURTYARD_DOMAIN": "bücher.de"}, tmp_path).host == "xn--bcher-kva.de"


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# ours\nexport COURTYARD_DOMAIN='a.test:1'\nCOURTYARD_WORKERS=3\n")
    settings = load({"COURTYARD_DOMAIN": "b.test"}, tmp_path)
    assert (settings.domain, settings.workers) == ("b.test", 3)
    lines = {line.name: line for line in describe(settings)}
    assert lines["COURTYARD_DOMAIN"].source == "environment"
    assert lines["COURTYARD_WORKERS"].source == ".env"
    assert lines["COURTYARD_BIND"].source == "default"


def test_an_empty_value_counts_as_not_set(tmp_path: Path) -> None:
    assert load({"COURTYARD_DOMAIN": "  "}, tmp_path).domain == "localhost:8000"


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ({}, "http://localhost:8000"),
        ({"COURTYARD_BIND": "127.0.0.1:18471"}, "http://localhost:18471"),
        ({"COURTYARD_BIND": "[::1]:80"}, "http://localhost"),
        ({"COURTYARD_BIND": "127.0.0.1:0"}, "http://localhost:8000"),
        ({"COURTYARD_BIND": "127.0.0.1:9000", "COURTYARD_DOMAIN": "a.example.com"}, "https://a.example.com"),
        ({"COURTYARD_BIND": "127.0.0.1:9000", "COURTYARD_DOMAIN": "localhost:8000"}, "http://localhost:8000"),
    ],
)
def test_another_port_moves_the_address_too_unless_a_domain_is_set(tmp_path: Path, given: dict[str, str], origin: str) -> None:
    settings = load(given, tmp_path)
    assert settings.origin == origin
    source = {line.name: line.source for line in describe(settings)}["COURTYARD_DOMAIN"]
    if "COURTYARD_DOMAIN" not in given and "COURTYARD_BIND" in given and not given["COURTYARD_BIND"].endswith(":0"):
        assert source == "COURTYARD_BIND"


def test_an_unknown_name_is_remembered_so_that_a_typing_mistake_can_be_said(tmp_path: Path) -> None:
    assert load({"COURTYARD_DOMIAN": "a.test"}, tmp_path).unknown == ("COURTYARD_DOMIAN",)


def test_the_secret_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    first = load({}, folder).secret_key
    assert len(first) >= 32
    assert load({}, folder).secret_key == first
    assert stat.S_IMODE((folder / "secret_key").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [entry.name for entry in folder.iterdir()] == ["secret_key"]


def test_looking_at_settings_makes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    assert load({}, folder, make_secret=False).secret_key == ""
    assert not folder.exists()


def test_secrets_and_passwords_are_not_shown(tmp_path: Path) -> None:
    url = "postgresql://courtyard:sesame@db/courtyard"
    settings = load({"COURTYARD_SECRET_KEY": SECRET, "COURTYARD_DATABASE_URL": url}, tmp_path)
    text = " ".join(line.value for line in describe(settings))
    assert SECRET not in text and "sesame" not in text
    assert settings.database_url == "postgresql+psycopg://courtyard:sesame@db/courtyard"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("COURTYARD_DOMAIN", "https://a.test"),
        ("COURTYARD_DOMAIN", "a.test/path"),
        ("COURTYARD_DOMAIN", "a.test:99999"),
        ("COURTYARD_DOMAIN", "a b.test"),
        ("COURTYARD_DOMAIN", "user@a.test"),
        ("COURTYARD_DOMAIN", "1.2.3"),
        ("COURTYARD_SCHEME", "ftp"),
        ("COURTYARD_BIND", "8000"),
        ("COURTYARD_BIND", "somewhere:8000"),
        ("COURTYARD_DATABASE_URL", "mysql://a"),
        ("COURTYARD_REDIS_URL", "http://a"),
        ("COURTYARD_FEDERATION", "maybe"),
        ("COURTYARD_ALLOW_PRIVATE_ADDRESSES", "perhaps"),
        ("COURTYARD_WORKERS", "0"),
        ("COURTYARD_WORKERS", "many"),
        ("COURTYARD_WEB_THREADS", "-1"),
        ("COURTYARD_RATE_LIMITS", "2"),
        ("COURTYARD_CA_BUNDLE", "no/such/file.pem"),
        ("COURTYARD_HOSTS_FILE", "no/such/file"),
        ("COURTYARD_ALLOWED_ADDRESSES", "127.0.0.1"),
        ("COURTYARD_ALLOWED_ADDRESSES", "localhost:80"),
        ("COURTYARD_TRUSTED_PROXIES", "ten"),
        ("COURTYARD_LOG_FORMAT", "xml"),
    ],
)
def test_a_value_that_makes_no_sense_stops_with_one_line_that_names_it(tmp_path: Path, name: str, value: str) -> None:
    message = refusal(tmp_path, **{name: value})
    assert name in message and value in message and "allowed" in message


def test_a_line_in_the_file_that_is_none_is_named_by_number(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("COURTYARD_WORKERS=1\nnonsense\n")
    assert "line 2" in refusal(tmp_path)


@pytest.mark.parametrize(
    "unsafe",
    [
        {"COURTYARD_SCHEME": "http"},
        {"COURTYARD_RATE_LIMITS": "off"},
        {"COURTYARD_SECRET_KEY": "short"},
        {"COURTYARD_SECRET_KEY": "a" * 40},
        {"COURTYARD_SECRET_KEY": "changeme-changeme-changeme-changeme-1234567890"},
        {"FLASK_DEBUG": "1"},
    ],
)
def test_w21_a_public_domain_refuses_what_is_unsafe(tmp_path: Path, unsafe: dict[str, str]) -> None:
    refusal(tmp_path, COURTYARD_DOMAIN="social.example.com", **unsafe)


def test_w21_a_refused_secret_is_not_printed(tmp_path: Path) -> None:
    secret = "changeme-changeme-changeme-changeme-1234567890"
    assert secret not in refusal(tmp_path, COURTYARD_DOMAIN="social.example.com", COURTYARD_SECRET_KEY=secret)


def test_a_loopback_domain_may_do_what_tests_need(tmp_path: Path) -> None:
    environ = {"COURTYARD_RATE_LIMITS": "off", "FLASK_DEBUG": "1", "COURTYARD_ALLOWED_ADDRESSES": "127.0.0.1:81,[::1]:82"}
    settings = load(environ, tmp_path)
    assert not settings.rate_limits
    assert settings.allowed_addresses == {("127.0.0.1", 81), ("::1", 82)}


def test_a_long_data_path_gets_a_short_socket_that_stays_the_same(tmp_path: Path) -> None:
    folder = tmp_path / ("deep" * 30)
    path = socket_path(folder)
    assert len(os.fsencode(path)) <= 100
    assert path == socket_path(folder) != socket_path(tmp_path / ("deep" * 31))


def test_reading_settings_loads_no_web_framework_and_no_database(tmp_path: Path) -> None:
    code = "import sys, json, node.config; print(json.dumps(sorted(sys.modules)))"
    root = Path(__file__).parents[2]
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    loaded = set(json.loads(result.stdout))
    assert not loaded & {"flask", "sqlalchemy", "redis", "rq", "cryptography", "requests"}
