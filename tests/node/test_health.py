"""The operators' door: who may ask what, and what is said when a part is missing."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from node import create_app
from node.config import Settings


@pytest.fixture
def client(settings: Settings) -> FlaskClient:
    app: Flask = create_app(settings)
    return app.test_client()


def test_a_process_that_answers_is_healthy(client: FlaskClient) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok\n")


def test_a_node_without_redis_is_not_ready_and_says_no_more_than_that(client: FlaskClient) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json == {"database": "ok", "redis": "missing", "workers": "missing"}


def test_this_machine_sees_metrics(client: FlaskClient) -> None:
    answer = client.get("/metrics", base_url="http://127.0.0.1:8000")
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain")
    lines = answer.text.splitlines()
    assert "courtyard_redis_up 0" in lines
    assert "courtyard_members 0" in lines
    assert any(line.startswith("process_cpu_seconds_total") for line in lines)


@pytest.mark.parametrize(
    ("address", "base", "headers"),
    [
        ("203.0.113.7", "http://127.0.0.1:8000", {}),
        ("127.0.0.1", "https://home.test", {}),
        ("127.0.0.1", "http://127.0.0.1:8000", {"X-Forwarded-For": "203.0.113.7"}),
        ("127.0.0.1", "http://127.0.0.1:8000", {"Authorization": "Bearer "}),
    ],
    ids=["from elsewhere", "by our public name", "through a proxy", "an empty token is none"],
)
def test_strangers_see_no_metrics(client: FlaskClient, address: str, base: str, headers: dict[str, str]) -> None:
    if "Authorization" in headers:
        address = "203.0.113.7"
    answer = client.get("/metrics", base_url=base, headers=headers, environ_base={"REMOTE_ADDR": address})
    assert answer.status_code == 404


def test_the_token_opens_metrics_from_anywhere(settings: Settings) -> None:
    import dataclasses

    client = create_app(dataclasses.replace(settings, metrics_token="a-token-for-prometheus")).test_client()
    elsewhere = {"REMOTE_ADDR": "203.0.113.7"}
    right, wrong = ({"Authorization": f"Bearer {word}"} for word in ("a-token-for-prometheus", "a-token"))
    assert client.get("/metrics", headers=right, environ_base=elsewhere).status_code == 200
    assert client.get("/metrics", headers=wrong, environ_base=elsewhere).status_code == 404
