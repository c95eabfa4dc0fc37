"""The table of COURTYARD_* variables: name, default, meaning, and how a text becomes a value. Pure."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# Names that never lead to a stranger: RFC 6761, RFC 6762, RFC 8375, RFC 9476 and ICANN's `internal`.
RESERVED_SUFFIXES = ("localhost", "test", "example", "invalid", "local", "internal", "home.arpa", "alt")
LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")


class SettingsError(Exception):
    """A value that makes no sense: which variable, which value, and what is allowed, in one line."""

    def __init__(self, name: str, value: str, allowed: str) -> None:
        self.name, self.value, self.allowed = name, value, allowed
        super().__init__(" ".join(f"{name}={value!r} makes no sense: allowed is {allowed}".split()))


@dataclass(frozen=True)
class Variable:
    """One setting. `default` None from the factory means: depends on others, `node.config.load` fills it in."""

    name: str
    field: str
    default: Callable[[], object]
    parse: Callable[[str], object]
    allowed: str
    meaning: str
    is_secret: bool = False

    def show(self, value: object) -> str:
        """Return the value as it would be written in `.env`; secrets and passwords in URLs masked."""
        if self.is_secret:
            return "********" if value else ""
        if isinstance(value, bool):
            return "on" if value else "off"
        if isinstance(value, frozenset):
            return ",".join(f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}" for ip, port in sorted(value))
        if value is None:
            return ""
        return re.sub(r"(//[^:/@]*):[^@/]*@", r"\1:********@", str(value))


def cores() -> int:
    """Return how many processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def split_port(text: str) -> tuple[str, int | None]:
    """Split `host[:port]` (an IPv6 address stands in brackets). Raises ValueError for a port that is none."""
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        return text, None
    if ":" in host and not (host.startswith("[") and host.endswith("]")):
        raise ValueError(text)
    if not port.isascii() or not port.isdigit() or not 0 <= int(port) <= 65535:
        raise ValueError(text)
    return host, int(port)


def is_loopback(domain: str) -> bool:
    """Say whether `host[:port]` names this machine itself."""
    name, _ = split_port(domain)
    address = _address(name)
    if address is not None:
        return address.is_loopback
    return name == "localhost" or name.endswith(".localhost")


def is_public(domain: str) -> bool:
    """Say whether `host[:port]` can be a name on the public internet: not reserved, not private, more than one label."""
    name, _ = split_port(domain)
    address = _address(name)
    if address is not None:
        return address.is_global
    if "." not in name:
        return False
    return not any(name == suffix or name.endswith("." + suffix) for suffix in RESERVED_SUFFIXES)


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return None


def _domain(text: str) -> str:
    name, port = split_port(text.strip().lower().rstrip("."))
    name = name.rstrip(".")
    address = _address(name)
    if address is None:
        if not name.isascii():
            import idna

            name = idna.encode(name, uts46=True).decode()  # idna.IDNAError is a ValueError
        labels = name.split(".")
        if len(name) > 253 or not all(LABEL.fullmatch(label) for label in labels) or labels[-1].isdigit():
            raise ValueError(text)
    elif address.version == 6:
        name = f"[{address.compressed}]"
    if port == 0:
        raise ValueError(text)
    return name if port is None else f"{name}:{port}"


def _bind(text: str) -> str:
    name, port = split_port(text)
    if port is None or (_address(name) is None and name != "localhost"):
        raise ValueError(text)
    return text


def _flag(text: str) -> bool:
    values = {"on": True, "1": True, "true": True, "yes": True, "off": False, "0": False, "false": False, "no": False}
    if text.lower() not in values:
        raise ValueError(text)
    return values[text.lower()]


def _choice(*names: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in names:
            raise ValueError(text)
        return text.lower()

    return parse


def _count(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise ValueError(text)
        return int(text)

    return parse


def _url(*starts: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not text.startswith(starts) or any(mark.isspace() for mark in text):
            raise ValueError(text)
        return text

    return parse


def _database(text: str) -> str:
    if text.startswith("postgresql://"):  # What hosting companies hand out: say which driver.
        text = "postgresql+psycopg://" + text.removeprefix("postgresql://")
    return _url("sqlite:///", "postgresql+psycopg://")(text)


def _file(text: str) -> Path:
    path = Path(text).absolute()
    with path.open("rb"):
        return path


def _endpoints(text: str) -> frozenset[tuple[str, int]]:
    pairs = set()
    for part in text.replace(",", " ").split():
        name, port = split_port(part)
        address = _address(name)
        if address is None or not port:
            raise ValueError(part)
        pairs.add((str(address), port))
    return frozenset(pairs)


VARIABLES: tuple[Variable, ...] = (
    Variable("COURTYARD_DOMAIN", "domain", lambda: "localhost:8000", _domain, "host or host:port, without https:// and path",
             "public host[:port]: part of every id, fixed once the first actor exists; unset: localhost and the port of BIND"),
    Variable("COURTYARD_SCHEME", "scheme", lambda: None, _choice("https", "http"), "https or http",
             "scheme of our ids; unset: http when the domain is loopback, else https"),
    Variable("COURTYARD_BIND", "bind", lambda: "127.0.0.1:8000", _bind, "address:port, for instance 127.0.0.1:8000 or [::]:8000",
             "where the web server listens"),
    Variable("COURTYARD_DATA", "data_dir", lambda: Path("data"), Path, "a folder",
             "SQLite file, media, embedded Valkey, keys"),
    Variable("COURTYARD_DATABASE_URL", "database_url", lambda: None, _database,
             "postgresql+psycopg://user:password@host/name or sqlite:///path",
             "unset: SQLite in the data folder; PostgreSQL when grown up"),
    Variable("COURTYARD_REDIS_URL", "redis_url", lambda: None, _url("redis://", "rediss://", "unix://"),
             "redis://host:port/number, rediss://... or unix://path",
             "unset: the embedded Valkey; a Redis or Valkey server when grown up"),
    Variable("COURTYARD_FEDERATION", "federation", lambda: "selective", _choice("closed", "selective", "open"),
             "closed, selective or open", "the federation mode at first start; admins change it afterwards"),
    Variable("COURTYARD_ALLOW_PRIVATE_ADDRESSES", "allow_private_addresses", lambda: False, _flag, "on or off",
             "lets the node contact loopback and private addresses, and plain-http peers: demos, tests, intranets"),
    Variable("COURTYARD_WORKERS", "workers", lambda: max(1, min(cores(), 8)), _count(1, 64), "a number from 1 to 64",
             "worker processes (delivery, inbound effects); by cores"),
    Variable("COURTYARD_WEB_THREADS", "web_threads", lambda: max(8, min(4 * cores(), 32)), _count(1, 256),
             "a number from 1 to 256", "threads answering requests in the web process; by cores"),
    Variable("COURTYARD_RATE_LIMITS", "rate_limits", lambda: True, _flag, "on or off",
             "off for load tests on loopback; refused with a public domain"),
    Variable("COURTYARD_SECRET_KEY", "secret_key", lambda: "", str, "at least 32 random bytes",
             "sessions, tokens; made at first start and kept in the data folder", is_secret=True),
    Variable("COURTYARD_CA_BUNDLE", "ca_bundle", lambda: None, _file, "a readable PEM file",
             "certificate authorities to trust for other servers, in place of the usual ones"),
    Variable("COURTYARD_ALLOWED_ADDRESSES", "allowed_addresses", frozenset, _endpoints,
             "a list of ip:port, separated by commas", "private addresses the node may contact although others stay forbidden"),
    Variable("COURTYARD_HOSTS_FILE", "hosts_file", lambda: None, _file, "a readable file of `address name` lines",
             "names looked up here before DNS: tests, demos, split-horizon networks"),
    Variable("COURTYARD_TRUSTED_PROXIES", "trusted_proxies", lambda: 0, _count(0, 9), "a number from 0 to 9",
             "reverse proxies in front whose X-Forwarded-* headers are believed"),
    Variable("COURTYARD_LOG_FORMAT", "log_format", lambda: "text", _choice("text", "json"), "text or json",
             "log lines for people or for machines"),
    Variable("COURTYARD_METRICS_TOKEN", "metrics_token", lambda: "", str, "any text",
             "bearer token that opens /metrics to others than loopback", is_secret=True),
)  # fmt: skip
