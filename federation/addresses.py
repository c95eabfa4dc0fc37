"""Which network addresses we may dial, and where names point when an operator says so. Pure: nothing here opens a socket.

The list follows GoToSocial's and the IANA special-purpose registries (RFC 6890): what is not plainly public is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import NamedTuple

from federation.errors import AddressRefused


class Endpoint(NamedTuple):
    """One address a name resolved to: `ip` in its textual form, `port` as it will be dialled."""

    ip: str
    port: int


Resolve = Callable[[str, int], list[Endpoint]]
"""Answers (host, port) with every address to try, best first; an empty list means the name is unknown."""

WEB_PORTS = frozenset({80, 443})

_REFUSED_V4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    )
)  # fmt: skip
_GLOBAL_V6 = IPv6Network("2000::/3")
_REFUSED_V6 = tuple(IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"))
# What COURTYARD_ALLOW_PRIVATE_ADDRESSES opens. Link-local stays shut: cloud metadata services live there.
_PRIVATE_V4 = tuple(
    IPv4Network(text) for text in ("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
)
_PRIVATE_V6 = (IPv6Network("::1/128"), IPv6Network("fc00::/7"))
_METADATA = frozenset({IPv6Address("fd00:ec2::254"), IPv6Address("fd20:ce::254")})


def allowed(ip: str) -> bool:
    """Say whether `ip` is a public unicast address. Anything that is no plain address at all is not."""
    address = _read(ip)
    return address is not None and _is_public(address)


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """What the guard lets through besides public addresses on the web ports.

    `allow_private` opens loopback and private ranges on every port (demos, tests, intranets). `allow_listed` opens single
    (ip, port) pairs, as Mastodon's ALLOWED_PRIVATE_ADDRESSES does; `parse_addresses` reads it from text.
    """

    allow_private: bool = False
    allow_listed: frozenset[Endpoint] = frozenset()

    def check(self, ip: str, port: int, *, host: str = "") -> None:
        """Return quietly when `ip`:`port` may be dialled. Raises AddressRefused, naming `host` when given."""
        if not self.permits(ip, port):
            raise AddressRefused(
                f"{host or ip} points to {ip}:{port}, which this node does not contact", host=host or ip, address=ip
            )

    def permits(self, ip: str, port: int) -> bool:
        """Say whether `ip`:`port` may be dialled."""
        address = _read(ip)
        if address is None:
            return False
        if self.allow_listed and Endpoint(str(address), port) in self.allow_listed:
            return True
        if self.allow_private:
            return _is_public(address) or _is_private(address)
        return port in WEB_PORTS and _is_public(address)


def parse_addresses(text: str) -> frozenset[Endpoint]:
    """Read `127.0.0.2:4433, [::1]:8443` into endpoints for `AddressPolicy.allow_listed`. Raises ValueError on anything else."""
    return frozenset(_endpoint(item.strip(), default_port=None) for item in text.split(",") if item.strip())


def hosts_resolver(text: str, otherwise: Resolve) -> Resolve:
    """Make a resolver from the lines of a hosts file; names it does not mention are left to `otherwise`.

    A line is `host[:port] ip[:port]`; `#` starts a comment; a host on several lines has several addresses. Without a port
    on the left the line holds for every port of that host; without one on the right the asked port is kept. The guard
    still checks what comes out. Raises ValueError naming the line that cannot be read.
    """
    table: dict[tuple[str, int | None], list[Endpoint]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        try:
            name, target = words
            key = _name_and_port(name)
            endpoint = _endpoint(target, default_port=0)
        except ValueError as error:
            raise ValueError(f"line {number}: expected `host[:port] ip[:port]`, not {line.strip()!r}") from error
        table.setdefault(key, []).append(endpoint)

    def resolve(host: str, port: int) -> list[Endpoint]:
        name = host.lower().rstrip(".")
        found = table.get((name, port)) or table.get((name, None))
        if found is None:
            return otherwise(host, port)
        return [Endpoint(ip, fixed or port) for ip, fixed in found]

    return resolve


def resolve_nothing(host: str, port: int) -> list[Endpoint]:
    """Know no name: the `otherwise` of a hosts file that should stand alone."""
    return []


def _read(ip: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(ip)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return None  # fe80::1%lo and friends: a zone never belongs to a public address
        return address.ipv4_mapped or address
    return address


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv4Address):
        return not _within(address, _REFUSED_V4)
    return address in _GLOBAL_V6 and not _within(address, _REFUSED_V6)


def _is_private(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv4Address):
        return _within(address, _PRIVATE_V4)
    return _within(address, _PRIVATE_V6) and address not in _METADATA


def _within(address: IPv4Address | IPv6Address, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    return any(address in network for network in networks)


def _endpoint(text: str, default_port: int | None) -> Endpoint:
    """Read `1.2.3.4:80`, `[::1]:80` and, when `default_port` is given, a bare address."""
    if text.startswith("["):
        ip, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(f"{text!r} is no ip:port")
        port = rest[1:]
    elif text.count(":") > 1:
        ip, port = text, ""
    else:
        ip, _, port = text.partition(":")
    address = _read(ip)
    if address is None or (not port and default_port is None):
        raise ValueError(f"{text!r} is no ip:port")
    return Endpoint(str(address), _port(port) if port else (default_port or 0))


def _name_and_port(text: str) -> tuple[str, int | None]:
    name, _, port = text.lower().partition(":")
    if not name.strip("."):
        raise ValueError(f"{text!r} is no host")
    return name.rstrip("."), _port(port) if port else None


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not 0 < int(text) < 65_536:
        raise ValueError(f"{text!r} is no port")
    return int(text)
