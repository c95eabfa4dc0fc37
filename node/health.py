"""The operators' door: /healthz (the process), /readyz (database, Redis, workers), /metrics (Prometheus).

Anybody may ask the first two: they name no version, no number, no reason. Metrics are for this machine, or for whoever
has COURTYARD_METRICS_TOKEN.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterator, Mapping

from flask import Blueprint, Response, abort, jsonify, request
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from node.database import db
from node.operations import store
from node.queries import deliveries, jobs, members
from node.runtime import current_node
from node.version import VERSION

blueprint = Blueprint("health", __name__)

PATIENCE = 1.0
"""Seconds a part may take to say that it is there."""
PROXY_HEADERS = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")


@blueprint.get("/healthz")
def healthz() -> Response:
    """Say that this process answers."""
    return Response("ok\n", mimetype="text/plain", headers={"Cache-Control": "no-store"})


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """Say which parts are there; 503 when one is missing."""
    found = store.look(current_node().settings.redis_url, PATIENCE)
    parts = {"database": _has_database(), "redis": not found.problem, "workers": found.workers > 0}
    answer = jsonify({name: "ok" if is_there else "missing" for name, is_there in parts.items()})
    answer.headers["Cache-Control"] = "no-store"
    return answer, 200 if all(parts.values()) else 503


@blueprint.get("/metrics")
def metrics() -> Response:
    """Give numbers in Prometheus's text format. 404 to those who may not see them."""
    if not _may_see_metrics():
        abort(404)
    from prometheus_client import CONTENT_TYPE_LATEST

    return Response("".join(_lines()), content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})


def _has_database() -> bool:
    try:
        db.session.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return False
    return True


def _may_see_metrics() -> bool:
    """Say whether the token is right, or this machine itself asks, and not a proxy on it for somebody else."""
    token = current_node().settings.metrics_token
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if token and scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode()):
        return True
    if any(name in request.headers for name in PROXY_HEADERS):
        return False
    try:
        asks = ipaddress.ip_address(request.remote_addr or "").is_loopback
        name = request.host.rpartition(":")[0] if request.host.rpartition(":")[2].isdigit() else request.host
        return asks and (name == "localhost" or ipaddress.ip_address(name.strip("[]")).is_loopback)
    except ValueError:
        return False


def _lines() -> Iterator[str]:
    """Yield the numbers as they are now, each with its help and type."""
    from prometheus_client import REGISTRY, generate_latest

    node = current_node()
    session, now = db.session(), node.now()
    work, sent = jobs.overview(session, now), deliveries.overview(session, now)
    found = store.look(node.settings.redis_url, PATIENCE)
    yield from _gauge("courtyard_info", "Version of the node.", {f'version="{VERSION}"': 1})
    yield from _gauge("courtyard_members", "Members of the node.", {"": members.count(session)})
    yield from _gauge("courtyard_receipts", "Inbound activities by state.", _labelled("state", work.receipts))
    yield from _gauge("courtyard_errands", "Things to fetch by kind.", _labelled("kind", work.errands))
    yield from _gauge("courtyard_deliveries", "Deliveries by state.", _labelled("state", sent.states))
    oldest = (now - sent.oldest_waiting_at).total_seconds() if sent.oldest_waiting_at else 0
    yield from _gauge("courtyard_oldest_delivery_seconds", "Age of the oldest waiting delivery.", {"": oldest})
    yield from _gauge("courtyard_lanes_due", "Lanes with something due.", {"": work.lanes_due})
    yield from _gauge("courtyard_hosts_in_trouble", "Servers that do not take what we send.", {"": len(sent.troubled)})
    yield from _gauge("courtyard_workers", "Workers alive, on all machines.", {"": found.workers})
    yield from _gauge("courtyard_jobs_waiting", "Jobs waiting for a worker.", {"": found.jobs})
    yield from _gauge("courtyard_redis_up", "Whether Redis or Valkey answers.", {"": 0 if found.problem else 1})
    yield generate_latest(REGISTRY).decode()


def _labelled(name: str, values: Mapping[str, int]) -> dict[str, float]:
    return {f'{name}="{value}"': number for value, number in sorted(values.items())}


def _gauge(name: str, meaning: str, values: Mapping[str, float]) -> Iterator[str]:
    yield f"# HELP {name} {meaning}\n# TYPE {name} gauge\n"
    for labels, number in values.items():
        yield f"{name}{{{labels}}} {number}\n" if labels else f"{name} {number}\n"
