"""Whose is it? Hosts and origins of URLs, brought into one spelling so that they can be compared.

A *host* is `example.org`, or `example.org:8443` when the port is not the scheme's default. Two spellings of one
host (case, trailing dot, full-width letters, ideographic dots, IDNA, default port) give the same text. Nothing here
opens a socket: whether an address may be contacted is decided in `addresses`.
"""

import ipaddress
import re
import unicodedata
from functools import lru_cache
from typing import TypeGuard

import idna

from federation.errors import Malformed

MAX_URL = 2048  # bytes
_MAX_HOST = 255
_DEFAULT_PORTS = {"https": 443, "http": 80}
# No user information, no backslash, no white space or control character: nothing two parsers could read differently.
_URL = re.compile(r"(https?)://([^\s\x00-\x1f\x7f\\/?#@<>\"]+)(?:[/?#][^\s\x00-\x1f\x7f\\<>\"]*)?", re.IGNORECASE)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_FORBIDDEN = re.compile(r"[\s\x00-\x20\x7f/\\?#@%<>\"'^`{|}$&+,;=!*()~]")


def is_web_uri(value: object) -> TypeGuard[str]:
    """Return True for an absolute http(s) URL of at most 2048 bytes in UTF-8, without user information or white space.

    Bytes, not characters: ids become keys of database indexes, and those have a size (PostgreSQL: 2704 bytes).
    """
    if not isinstance(value, str) or len(value) > MAX_URL or _URL.fullmatch(value) is None:
        return False
    return value.isascii() or len(value.encode(errors="surrogatepass")) <= MAX_URL


def origin(url: str) -> str:
    """Return `scheme://host[:port]` of an http(s) URL, normalised as `normalise_host` does (RFC 6454).

    Raises Malformed for anything that is not such a URL.
    """
    scheme, authority = _split(url)
    return f"{scheme}://{normalise_host(authority, scheme=scheme)}"


def host_of(url: str) -> str:
    """Return `host`, or `host:port` when the port is not the scheme's default. Raises Malformed."""
    scheme, authority = _split(url)
    return normalise_host(authority, scheme=scheme)


def same_origin(one: str, other: str) -> bool:
    """Return True when both URLs have the same origin (FEP-fe34); False when either is not an http(s) URL."""
    try:
        return origin(one) == origin(other)
    except Malformed:
        return False


def same_document(one: str, other: str) -> bool:
    """Return True when both URLs name one document: equal but for fragment, spelling of the host, and an empty path."""
    try:
        return _document_url(one) == _document_url(other)
    except Malformed:
        return False


def host_matches(host: str, rule_host: str) -> bool:
    """Return True when `host` is `rule_host` or one of its subdomains. Raises Malformed when either is no host."""
    host, rule_host = normalise_host(host), normalise_host(rule_host)
    return host == rule_host or host.endswith("." + rule_host)


def is_address(host: str) -> bool:
    """Return True when a normalised host is an IP address, with or without port, and not a name."""
    return host.startswith("[") or _NUMBER.fullmatch(host.partition(":")[0].rpartition(".")[2]) is not None


def normalise_host(text: str, *, scheme: str = "https") -> str:
    """Return the one spelling of `host` or `host:port`: NFKC, IDNA (UTS 46), lower case, no trailing dot.

    The default port of `scheme` is dropped, any other kept. IPv4 addresses are taken in dotted form only, IPv6 in
    brackets. Raises Malformed for user information, a path, white space, control characters, empty labels, numbers
    that some resolvers would read as an address (`127.1`, `0x7f.1`), and names that IDNA does not allow.
    """
    if not isinstance(text, str) or not 0 < len(text) <= _MAX_HOST:
        raise Malformed("not a host name", code="bad_host")
    return _normalise(text, scheme)


def _split(url: str) -> tuple[str, str]:
    match = _URL.fullmatch(url) if isinstance(url, str) and len(url) <= MAX_URL else None
    if match is None:
        raise Malformed("not an http(s) URL", code="bad_url")
    return match[1].lower(), match[2]


def _document_url(url: str) -> str:
    scheme, authority = _split(url)
    path = url[len(scheme) + 3 + len(authority) :].partition("#")[0]
    return f"{scheme}://{normalise_host(authority, scheme=scheme)}{'' if path.startswith('/') else '/'}{path}"


@lru_cache(maxsize=8192)
def _normalise(text: str, scheme: str) -> str:
    # NFKC first: it turns full-width letters, colons, slashes and digits into the ASCII that is then checked.
    text = unicodedata.normalize("NFKC", text).replace("\u3002", ".").lower()
    if _FORBIDDEN.search(text):
        raise Malformed("a host name holds no such character", code="bad_host")
    name, port = _split_port(text)
    port_text = "" if port is None or port == _DEFAULT_PORTS.get(scheme) else f":{port}"
    if name.startswith("["):
        return f"[{_ipv6(name)}]{port_text}"
    return _name(name) + port_text


def _split_port(text: str) -> tuple[str, int | None]:
    if text.startswith("["):
        name, bracket, rest = text.partition("]")
        name += bracket
        if rest and not rest.startswith(":"):
            raise Malformed("not a host name", code="bad_host")
        port = rest[1:]
    else:
        name, _, port = text.partition(":")
    if not port:
        return name, None
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65536):
        raise Malformed("not a port number", code="bad_host")
    return name, int(port)


def _ipv6(name: str) -> str:
    try:
        return ipaddress.IPv6Address(name[1:-1] if name.endswith("]") else "").compressed
    except ValueError as error:
        raise Malformed("not an IPv6 address", code="bad_host") from error


def _name(name: str) -> str:
    if not name.isascii():
        name = _to_ascii(name)
    name = name.removesuffix(".")
    labels = name.split(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise Malformed("not a host name", code="bad_host")
    if _NUMBER.fullmatch(labels[-1]):
        # WHATWG URL 3.5: a name that ends in a number is an IPv4 address. We take its one plain spelling.
        try:
            return str(ipaddress.IPv4Address(name))
        except ValueError as error:
            raise Malformed("not an IPv4 address in dotted form", code="bad_host") from error
    return name


def _to_ascii(name: str) -> str:
    try:
        return idna.encode(name, uts46=True).decode("ascii").lower()
    except (UnicodeError, ValueError) as error:  # idna.IDNAError is a UnicodeError
        raise Malformed("IDNA does not allow this name", code="bad_host") from error
