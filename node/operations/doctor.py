"""Is the node well? Each check looks at one thing and says, when it is not, what to do. Reads only.

The network checks (name, clock, own address) go out with plain sockets: they ask about this machine, not about peers.
"""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from node.config import Settings
from node.operations import schema, store

LEAST_DISK = 1_000_000_000
LITTLE_DISK = 5_000_000_000
MOST_SKEW = 30.0
"""Seconds our clock may differ: signatures are refused from minutes on."""
PATIENCE = 5.0
TIME_SERVER = "pool.ntp.org"
SECONDS_1900_TO_1970 = 2_208_988_800


class State(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """What one check found. `advice` says what to do; '' when all is well."""

    check: str
    state: State
    text: str
    advice: str = ""


def examine(settings: Settings) -> Iterator[Finding]:
    """Yield the findings one by one, as they come (some take seconds)."""
    for name, check in CHECKS:
        try:
            yield check(settings)
        except Exception as error:
            yield Finding(name, State.FAIL, f"{type(error).__name__}: {error}", "this check itself broke: please report it")


def worst(findings: list[Finding]) -> State:
    """Return the worst state."""
    order = [State.OK, State.WARN, State.FAIL]
    return max((finding.state for finding in findings), key=order.index, default=State.OK)


def data_folder(settings: Settings) -> Finding:
    """Look at the data folder's owner, rights and secret."""
    folder = settings.data_dir
    if not folder.is_dir():
        return Finding("data folder", State.FAIL, f"{folder} is not there", "start the node once, or set COURTYARD_DATA")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        advice = f"chown it to the user the node runs as (uid {os.getuid()})"
        return Finding("data folder", State.FAIL, f"{folder} cannot be written", advice)
    for path, mask in ((folder, 0o077), (folder / "secret_key", 0o077)):
        if path.exists() and path.stat().st_mode & mask:
            return Finding("data folder", State.WARN, f"{path} can be read by others", f"chmod go-rwx {path}")
    return Finding("data folder", State.OK, f"{folder} is ours alone")


def disk_space(settings: Settings) -> Finding:
    """Look at the room left where the data is."""
    folder = settings.data_dir if settings.data_dir.exists() else settings.data_dir.parent
    free = shutil.disk_usage(folder).free
    text = f"{free / 1e9:.1f} GB free at {folder}"
    if free < LEAST_DISK:
        return Finding("disk space", State.FAIL, text, "make room: a full disk stops every write")
    if free < LITTLE_DISK:
        return Finding("disk space", State.WARN, text, "make room soon")
    return Finding("disk space", State.OK, text)


def dns_name(settings: Settings) -> Finding:
    """Look the domain up."""
    name = (urlsplit(settings.origin).hostname or "").strip("[]")
    if not settings.is_public:
        return Finding("name", State.OK, f"{settings.domain} is for this machine or network: no public name is needed")
    try:
        addresses = sorted({str(entry[4][0]) for entry in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)})
    except OSError as error:
        return Finding("name", State.FAIL, f"{name} is not found in DNS ({error.strerror})", "add an A or AAAA record for it")
    return Finding("name", State.OK, f"{name} is at {', '.join(addresses)}")


def clock(settings: Settings) -> Finding:
    """Compare our clock with a time server's."""
    if not settings.is_public:
        ours = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
        return Finding("clock", State.OK, f"{ours} by our clock; not compared on a private name")
    try:
        theirs = _network_time()
    except (OSError, ValueError):
        return Finding("clock", State.WARN, "no time server answers", "see that the clock is set by NTP (timedatectl)")
    skew = abs(time.time() - theirs)
    if skew > MOST_SKEW:
        advice = "set it by NTP: signatures with a wrong time are refused"
        return Finding("clock", State.FAIL, f"our clock is {skew:.0f} s off", advice)
    return Finding("clock", State.OK, f"within {max(skew, 1):.0f} s of the world's")


def _network_time() -> float:
    """Return seconds since 1970 by a time server (SNTP, RFC 4330). Raises OSError and ValueError."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.settimeout(PATIENCE)
        connection.sendto(b"\x1b" + bytes(47), (TIME_SERVER, 123))
        answer = connection.recv(48)
    seconds = int.from_bytes(answer[40:44], "big") - SECONDS_1900_TO_1970
    if len(answer) < 48 or seconds < 0:
        raise ValueError("not a time")
    return float(seconds)


def database(settings: Settings) -> Finding:
    """Reach the database and see that its tables are this version's."""
    from sqlalchemy import create_engine
    from sqlalchemy import text as statement
    from sqlalchemy.exc import SQLAlchemyError

    kind = "SQLite" if settings.database_url.startswith("sqlite") else "PostgreSQL"
    if _is_missing(settings):
        return Finding("database", State.FAIL, "there is no SQLite file yet", "run `courtyard migrate`, or start the node")
    head = schema.newest()
    engine = create_engine(settings.database_url)
    try:
        with engine.connect() as connection:
            version = connection.execute(statement("SELECT version_num FROM alembic_version")).scalar()
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", error)).splitlines()[0]
        return Finding("database", State.FAIL, f"{kind}: {reason}", "run `courtyard migrate`; is COURTYARD_DATABASE_URL right?")
    finally:
        engine.dispose()
    if version != head:
        text = f"{kind} is at revision {version}, this version needs {head}"
        return Finding("database", State.FAIL, text, "run `courtyard migrate`")
    return Finding("database", State.OK, f"{kind} at revision {version}")


def _is_missing(settings: Settings) -> bool:
    """Say whether looking would make a SQLite file that is not there."""
    prefix = "sqlite:///"
    return settings.database_url.startswith(prefix) and not os.path.exists(settings.database_url.removeprefix(prefix))


def redis_server(settings: Settings) -> Finding:
    """Reach Redis or Valkey and see that it keeps what it is told."""
    what = "embedded Valkey" if settings.embedded_redis else "Redis"
    found = store.look(settings.redis_url, PATIENCE)
    if found.problem:
        advice = "is `courtyard run` running?" if settings.embedded_redis else "is the server up, and COURTYARD_REDIS_URL right?"
        return Finding("redis", State.FAIL, f"{what} does not answer ({found.problem})", advice)
    if found.eviction not in ("", "noeviction"):
        text = f"{what} {found.version} evicts keys ({found.eviction})"
        return Finding("redis", State.WARN, text, "set maxmemory-policy to noeviction")
    return Finding("redis", State.OK, f"{what} {found.version} answers")


def workers(settings: Settings) -> Finding:
    """Count the workers that are alive, and the jobs that wait for them."""
    found = store.look(settings.redis_url, PATIENCE)
    if found.problem:
        return Finding("workers", State.FAIL, "cannot be seen without Redis", "see redis")
    text = f"{found.workers} alive ({settings.workers} are to run here), {found.jobs} jobs waiting"
    if found.workers == 0:
        return Finding("workers", State.FAIL, text, "start the node or `courtyard worker`: nothing is delivered")
    if found.workers < settings.workers:
        return Finding("workers", State.WARN, text, "see the log for why one is missing")
    return Finding("workers", State.OK, text)


def keys(settings: Settings) -> Finding:
    """See that every actor of ours can sign, and that ids were made with this domain."""
    from sqlalchemy import create_engine, func, select
    from sqlalchemy.exc import SQLAlchemyError

    from node.models import Actor, ActorKey

    if _is_missing(settings):
        return Finding("keys", State.FAIL, "cannot be read", "see database")
    engine = create_engine(settings.database_url)
    can_sign = select(ActorKey.id).where(ActorKey.actor_id == Actor.id, ActorKey.private_pem.is_not(None)).exists()
    ours = select(func.count(Actor.id)).where(Actor.host == "", Actor.deleted_at.is_(None))
    foreign = select(Actor.uri).where(Actor.host == "", ~Actor.uri.startswith(settings.origin + "/", autoescape=True)).limit(1)
    try:
        with engine.connect() as connection:
            number = connection.execute(ours).scalar() or 0
            mute = connection.execute(ours.where(~can_sign)).scalar() or 0
            elsewhere = connection.execute(foreign).scalar()
    except SQLAlchemyError:
        return Finding("keys", State.FAIL, "cannot be read", "see database")
    finally:
        engine.dispose()
    if elsewhere:
        advice = "set COURTYARD_DOMAIN and COURTYARD_SCHEME back: ids never change"
        return Finding("keys", State.FAIL, f"{elsewhere} was made under another domain", advice)
    if mute:
        advice = "restore the database from a backup: they cannot sign"
        return Finding("keys", State.FAIL, f"{mute} of {number} actors have no private key", advice)
    return Finding("keys", State.OK, f"{number} actors can sign")


def reachability(settings: Settings) -> Finding:
    """Ask our own address, as another server would, for NodeInfo."""
    parts = urlsplit(settings.origin)
    host, port = parts.hostname or "", parts.port
    context = ssl.create_default_context(cafile=str(settings.ca_bundle) if settings.ca_bundle else None)
    try:
        if parts.scheme == "https":
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(host, port, timeout=PATIENCE, context=context)
        else:
            connection = http.client.HTTPConnection(host, port, timeout=PATIENCE)
        with closing(connection):
            connection.request("GET", "/.well-known/nodeinfo", headers={"User-Agent": "Courtyard doctor"})
            answer = connection.getresponse()
            body = answer.read(20_000)
    except ssl.SSLError as error:
        advice = "the certificate must be valid for this name"
        return Finding("reachability", State.FAIL, f"{settings.origin}: {error.reason}", advice)
    except (OSError, http.client.HTTPException) as error:
        advice = "is the node running, and does the proxy pass on to COURTYARD_BIND?"
        return Finding("reachability", State.FAIL, f"{settings.origin} does not answer ({error})", advice)
    if answer.status != 200 or b"/nodeinfo/2.1" not in body:
        text = f"{settings.origin} answers {answer.status}, and not as Courtyard"
        return Finding("reachability", State.FAIL, text, "does the proxy pass every path on?")
    if settings.origin.encode() not in body:
        advice = "COURTYARD_DOMAIN must be the name people use"
        return Finding("reachability", State.FAIL, "the node there calls itself something else", advice)
    return Finding("reachability", State.OK, f"{settings.origin} answers")


CHECKS: tuple[tuple[str, Callable[[Settings], Finding]], ...] = (
    ("data folder", data_folder),
    ("disk space", disk_space),
    ("name", dns_name),
    ("clock", clock),
    ("database", database),
    ("keys", keys),
    ("redis", redis_server),
    ("workers", workers),
    ("reachability", reachability),
)
