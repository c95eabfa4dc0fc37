"""Whom a rate limit counts: an IPv4 address, or the /64 an IPv6 address is in (abuse case W10). Pure."""

from __future__ import annotations

import ipaddress


def counted_as(address: str | None) -> str:
    """Return what stands for this address in a count, the same for every spelling of it.

    Whoever has one IPv6 address has a /64 of them, and an IPv4 address written as IPv6 is still that one.
    """
    try:
        found = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return address or "unknown"
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((found, 64), strict=False))
