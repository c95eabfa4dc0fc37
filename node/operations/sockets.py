"""The listening socket. Light: the supervisor holds it while web processes come and go."""

from __future__ import annotations

import socket

BACKLOG = 1024
"""Connections the kernel keeps for us while nobody accepts them, as during a restart."""


def listen(address: tuple[str, int]) -> socket.socket:
    """Return a socket that listens on `address`. Raises OSError when it cannot be had."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listener.bind(address)
    listener.listen(BACKLOG)
    return listener
