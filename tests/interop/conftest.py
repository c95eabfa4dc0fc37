"""Fixtures of the interoperability tests: one installation of the Fedify peer, and peers started from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.interop.peer import FedifyPeer, PeerUnavailable, install_peer


@pytest.fixture(scope="session")
def peer_node() -> Path:
    """The Node binary that runs the peer; the tests are skipped, with the reason, where it cannot be had."""
    try:
        return install_peer()
    except PeerUnavailable as error:
        pytest.skip(f"no Fedify peer on this machine: {error}")


@pytest.fixture(scope="module")
def start_peer(peer_node: Path) -> Iterator[Callable[..., FedifyPeer]]:
    """Start a peer with the options of FedifyPeer.start; all are stopped after the module."""
    peers: list[FedifyPeer] = []

    def start(**options: object) -> FedifyPeer:
        peer = FedifyPeer.start(peer_node, **options)  # type: ignore[arg-type]
        peers.append(peer)
        return peer

    yield start
    for peer in peers:
        peer.stop()
