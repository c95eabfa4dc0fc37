"""The harness says what it promises: signed requests verify, settings describe the peers, canaries count."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from federation.addresses import hosts_resolver, parse_addresses, resolve_nothing
from federation.signatures import VerifyKey, parse_signature, verify
from tests.support.peers import Peer, Peers, send


@pytest.fixture(scope="module")
def peers() -> Iterator[Peers]:
    with Peers() as peers:
        yield peers


@pytest.fixture(scope="module")
def node(peers: Peers) -> Peer:
    """What stands in for the node: plain http, under the name node.test."""
    return peers.add("node.test", scheme="http")


@pytest.mark.parametrize("scheme", ["cavage", "rfc9421"])
@pytest.mark.parametrize("algorithm", ["rsa", "ed25519"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_actor_signs_what_it_sends(peers: Peers, node: Peer, scheme: str, algorithm: str, method: str) -> None:
    alice = peers.add("good.test").actor("alice", ed25519=True)
    key, pair = (alice.key, alice.rsa) if algorithm == "rsa" else (alice.ed25519_key, alice.ed25519)
    assert pair is not None
    node.forget()
    url, via = "https://node.test/inbox?page=1", (node.address, node.port)
    if method == "POST":
        assert alice.post(url, alice.activity("Create", alice.note()), via=via, scheme=scheme, key=key).status == 202
    else:
        assert alice.get(url, via=via, scheme=scheme, key=key).status == 404
    [request] = node.received()
    assert request.header("Host") == "node.test"
    parameters = parse_signature(request.message("https://node.test"), now=datetime.now(UTC))
    assert verify(parameters, VerifyKey(key.key_id, alice.id, algorithm, pair.public_pem)).scheme == scheme


def test_an_actor_is_found_by_handle_and_by_id(peers: Peers) -> None:
    peer = peers.add("found.test")
    bob = peer.actor("bob", type="Group", name="Bob's")
    note = peer.serve(bob.note("<p>Hi</p>"))
    client = peers.client()
    jrd = client.get_json(f"https://found.test/.well-known/webfinger?resource=acct:{bob.handle[1:]}").document
    assert jrd.raw["links"][0]["href"] == bob.id
    assert client.get_document(bob.id).document.raw["name"] == "Bob's"
    assert client.get_document(note["id"]).document.raw["attributedTo"] == bob.id
    assert client.get_document(f"{bob.id}/outbox").document.is_a("OrderedCollection")


def test_settings_describe_the_peers_to_another_process(peers: Peers) -> None:
    peer = peers.add("settings.test")
    environment = peers.environment()
    with open(environment["COURTYARD_HOSTS_FILE"], encoding="utf-8") as file:
        [endpoint] = hosts_resolver(file.read(), resolve_nothing)("settings.test", 443)
    assert tuple(endpoint) == (peer.address, peer.port)
    assert endpoint in parse_addresses(environment["COURTYARD_ALLOWED_ADDRESSES"])
    assert environment["COURTYARD_CA_BUNDLE"] == peers.ca_bundle


def test_a_canary_counts_who_connects_and_is_not_listed(peers: Peers) -> None:
    canary = peers.canary()
    assert not peers.policy().permits(canary.address, canary.port)
    assert send("GET", "http://canary.test/", {}, via=(canary.address, canary.port)).status == 200
    assert canary.hits == 1


def test_waiting_for_a_request_that_never_comes_says_what_was_heard(peers: Peers, node: Peer) -> None:
    node.forget()
    send("GET", "http://node.test/seen", {}, via=(node.address, node.port))
    start = time.monotonic()
    with pytest.raises(AssertionError, match="GET /seen"):
        node.wait_for("POST", "/inbox", timeout=0.2)
    assert time.monotonic() - start < 1
