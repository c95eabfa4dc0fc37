"""The guarded client fetching from fake peers over real sockets: abuse cases F01-F13, F19, A11, A12, S25.

Deliveries are in test_client_posting.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from federation.addresses import AddressPolicy, Endpoint, hosts_resolver
from federation.client import Client, SystemResolver
from federation.errors import AddressRefused, FetchFailed
from federation.signatures import Scheme, VerifyKey, parse_signature, verify
from tests.support.peers import (
    Actor,
    Misbehaviour,
    Peer,
    Peers,
    Reply,
    Request,
    drip,
    endless,
    gzip_bomb,
    hang,
    raw,
    redirect,
    reset,
)

ACTIVITY = {"Content-Type": "application/activity+json"}
LOCAL_SPELLINGS = ("127.0.0.1", "localhost", "[::1]", "0.0.0.0", "[::]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]")
NUMERIC_SPELLINGS = ("127.1", "0x7f.1", "2130706433", "0177.0.0.1", "0", "①②⑦.0.0.1")


@pytest.fixture(scope="module")
def peers() -> Iterator[Peers]:
    with Peers() as peers:
        yield peers


@pytest.fixture(scope="module")
def good(peers: Peers) -> Peer:
    return peers.add("good.test")


@pytest.fixture(scope="module")
def evil(peers: Peers) -> Peer:
    return peers.add("evil.test")


@pytest.fixture(scope="module")
def plain(peers: Peers) -> Peer:
    return peers.add("plain.test", scheme="http")


@pytest.fixture(scope="module")
def alice(good: Peer) -> Actor:
    return good.actor("alice", ed25519=True)


@pytest.fixture(scope="module")
def shared_client(peers: Peers, good: Peer, evil: Peer, plain: Peer) -> Client:
    return peers.client(total_timeout=1.5, connect_timeout=0.6)


@pytest.fixture
def client(shared_client: Client, good: Peer, evil: Peer, plain: Peer) -> Client:
    for peer in (good, evil, plain):
        peer.forget()
    return shared_client


def reason(call: Callable[[], object]) -> str:
    with pytest.raises(FetchFailed) as caught:
        call()
    return caught.value.reason


def elapsed(call: Callable[[], object]) -> float:
    start = time.monotonic()
    with pytest.raises(FetchFailed):
        call()
    return time.monotonic() - start


# Fetching


def test_fetches_a_document_over_tls_and_says_where_from(client: Client, good: Peer, alice: Actor) -> None:
    fetched = client.get_document(f"{alice.id}#main-key")
    assert fetched.document.id == fetched.final_url == alice.id
    [request] = good.received()
    assert request.header("Host") == "good.test"
    assert request.header("Accept-Encoding") == "identity"
    assert request.header("Cookie") is None
    assert request.target == "/users/alice"


def test_asks_for_the_path_as_it_is_spelled(client: Client, good: Peer) -> None:
    good.route("GET", "/odd/*", lambda request: {"id": "https://good.test" + request.target})
    url = "https://good.test/odd/%7Ea/%c3%a4/../b;c=|d?x={1}&y=/?"
    assert client.get_document(url).document.id == url
    assert good.received()[0].target == url.removeprefix("https://good.test")


@pytest.mark.parametrize("scheme", ["cavage", "rfc9421"])
def test_signs_and_knocks_twice_remembering_the_scheme(peers: Peers, good: Peer, alice: Actor, scheme: str) -> None:
    now = peers.client()

    def picky(request: Request) -> int | dict[str, object]:
        parameters = parse_signature(request.message("https://good.test"), now=datetime.now(UTC))
        assert verify(parameters, VerifyKey(alice.key.key_id, alice.id, "rsa", alice.rsa.public_pem))
        return {"id": "https://good.test/picky"} if parameters.scheme == scheme else 401

    good.forget()
    good.route("GET", "/picky", picky)
    now.get_document("https://good.test/picky", key=alice.key)
    now.get_document("https://good.test/picky", key=alice.key)
    assert len(good.received("GET", "/picky")) == (2 if scheme == "cavage" else 3)


def test_two_requests_and_no_more_when_both_schemes_are_refused(client: Client, good: Peer, alice: Actor) -> None:
    good.route("GET", "/never", 401)
    with pytest.raises(FetchFailed) as caught:
        client.get_document("https://good.test/never", key=alice.key)
    assert (caught.value.status, caught.value.temporary) == (401, False)
    assert len(good.received("GET", "/never")) == 2
    assert {Scheme.RFC9421 if request.header("Signature-Input") else Scheme.CAVAGE for request in good.received()} == set(Scheme)


@pytest.mark.parametrize(
    "content_type",
    ["text/html", "application/json", "text/plain", "image/png", "application/ld+json", "text/html; x=application/activity+json"],
)
def test_takes_no_document_of_another_media_type(client: Client, good: Peer, content_type: str) -> None:
    good.route("GET", "/typed", (200, {"Content-Type": content_type}, b'{"id": "https://good.test/typed"}'))
    assert reason(lambda: client.get_document("https://good.test/typed")) == "media_type"


def test_takes_no_document_without_any_media_type(client: Client, good: Peer) -> None:
    good.route("GET", "/bare", raw(b'HTTP/1.1 200 OK\r\n\r\n{"id": "https://good.test/bare"}'))
    assert reason(lambda: client.get_document("https://good.test/bare")) == "media_type"


@pytest.mark.parametrize(
    ("status", "temporary"), [(404, False), (410, False), (403, False), (500, True), (503, True), (429, True)]
)
def test_another_status_than_200_is_a_failure(client: Client, good: Peer, status: int, temporary: bool) -> None:
    good.route("GET", "/status", status)
    with pytest.raises(FetchFailed) as caught:
        client.get_document("https://good.test/status")
    assert (caught.value.status, caught.value.temporary) == (status, temporary)


def test_reads_web_finger_and_node_info(client: Client, alice: Actor) -> None:
    url = "https://good.test/.well-known/webfinger?resource=acct:alice@good.test"
    assert client.get_json(url).document.raw["subject"] == "acct:alice@good.test"
    assert client.get_json("https://good.test/nodeinfo/2.1").document.raw["version"] == "2.1"


def test_reads_bytes_of_the_types_asked_for_up_to_the_limit(client: Client, good: Peer) -> None:
    good.route("GET", "/picture", (200, {"Content-Type": "image/PNG; q=1"}, b"x" * 1000))
    fetched = client.get_bytes("https://good.test/picture", 1000, {"image/*"})
    assert (fetched.media_type, len(fetched.body)) == ("image/png", 1000)
    assert reason(lambda: client.get_bytes("https://good.test/picture", 999, {"image/png"})) == "too_large"
    assert reason(lambda: client.get_bytes("https://good.test/picture", 1000, {"image/gif"})) == "media_type"


def test_keeps_no_cookies_and_reads_no_environment(client: Client, good: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.9:3128")
    good.route("GET", "/cookie", (302, {"Location": "/cookie2", "Set-Cookie": "a=b; Path=/"}, b""))
    good.route("GET", "/cookie2", {"id": "https://good.test/cookie2"})
    client.get_document("https://good.test/cookie")
    assert [request.header("Cookie") for request in good.received()] == [None, None]


# Redirects


def test_follows_three_redirects_and_signs_each_hop_anew(client: Client, good: Peer, alice: Actor) -> None:
    for hop in (1, 2, 3):
        good.route("GET", f"/hop{hop}", redirect(f"/hop{hop + 1}?x={hop}"))
    good.route("GET", "/hop4", {"id": "https://good.test/hop4"})
    assert client.get_document("https://good.test/hop1", key=alice.key).final_url == "https://good.test/hop4?x=3"
    key = VerifyKey(alice.key.key_id, alice.id, "rsa", alice.rsa.public_pem)
    for request in good.received():
        assert verify(parse_signature(request.message("https://good.test"), now=datetime.now(UTC)), key)
    good.route("GET", "/hop0", redirect("/hop1"))
    assert reason(lambda: client.get_document("https://good.test/hop0")) == "redirect"


def test_a_redirect_must_end_on_the_origin_of_the_documents_id(client: Client, good: Peer, evil: Peer) -> None:
    evil.route("GET", "/fake", {"id": "https://good.test/notes/1"})
    good.route("GET", "/open-redirect", redirect("https://evil.test/fake"))
    assert reason(lambda: client.get_document("https://good.test/open-redirect")) == "other_origin"
    assert reason(lambda: client.get_document("https://evil.test/fake")) == "other_origin"
    evil.route("GET", "/moved", redirect("https://good.test/real"))
    good.route("GET", "/real", {"id": "https://good.test/real"})
    assert client.get_document("https://evil.test/moved").final_url == "https://good.test/real"


@pytest.mark.parametrize("hop", [1, 2, 3])
@pytest.mark.parametrize(
    "place", ["https://127.0.0.9/x", "https://169.254.169.254/latest/meta-data", "https://10.0.0.1/", "//127.0.0.9"]
)
def test_a_redirect_to_an_inner_address_is_refused_at_every_hop(
    peers: Peers, client: Client, good: Peer, alice: Actor, hop: int, place: str
) -> None:
    canary = peers.canary()
    for step in range(1, hop):
        good.route("GET", f"/in{step}", redirect(f"/in{step + 1}"))
    good.route("GET", f"/in{hop}", redirect(place))
    with pytest.raises(AddressRefused):
        client.get_document("https://good.test/in1", key=alice.key)
    assert canary.hits == 0
    canary.close()


@pytest.mark.parametrize(
    "place", ["", "http://good.test/real", "ftp://good.test/", "https://a@good.test/", "https://[::1", "javascript:1"]
)
def test_a_redirect_to_nonsense_or_plain_http_is_refused(client: Client, good: Peer, place: str) -> None:
    good.route("GET", "/nonsense", redirect(place))
    assert reason(lambda: client.get_document("https://good.test/nonsense")) in ("redirect", "plain_http")


# The guard


@pytest.mark.parametrize("spelling", LOCAL_SPELLINGS + NUMERIC_SPELLINGS)
def test_no_spelling_of_an_inner_address_is_dialled(peers: Peers, spelling: str) -> None:
    client = peers.client(allow_http=True)
    canary, other = peers.canary("127.0.0.1"), peers.canary("::1")
    for scheme in ("http", "https"):
        for call in (
            client.get_document,
            client.get_json,
            lambda url: client.get_bytes(url, 10, {"*/*"}),
            lambda url: client.post(url, b"", {}),
        ):
            with pytest.raises((AddressRefused, FetchFailed)):
                call(f"{scheme}://{spelling}/")
            with pytest.raises((AddressRefused, FetchFailed)):
                call(f"{scheme}://{spelling}:{canary.port}/")
    assert canary.hits == other.hits == 0
    canary.close()
    other.close()


def test_a_name_is_refused_when_any_of_its_addresses_is(peers: Peers, good: Peer, client: Client) -> None:
    canary = peers.canary()
    peers.point("mixed.test", [good, canary])
    with pytest.raises(AddressRefused) as caught:
        client.get_document("https://mixed.test/")
    assert (caught.value.host, caught.value.address) == ("mixed.test", "127.0.0.9")
    assert good.connections == canary.hits == 0
    canary.close()


def test_one_lookup_per_connection_so_rebinding_gains_nothing(peers: Peers, good: Peer) -> None:
    rebind = peers.add("rebind.test")
    canary = peers.canary()
    rebind.route("GET", "/", {"id": "https://rebind.test/"})
    client = peers.client()
    peers.point("rebind.test", rebind, canary)
    peers.lookups.clear()
    client.get_document("https://rebind.test/")
    assert (peers.lookups["rebind.test"], rebind.connections, canary.hits) == (1, 1, 0)
    with pytest.raises(AddressRefused):
        client.get_document("https://rebind.test/")
    assert canary.hits == 0
    canary.close()


def test_other_ports_than_the_webs_are_refused_on_public_addresses() -> None:
    client = Client(AddressPolicy(), "x", resolve=lambda host, port: [Endpoint("1.1.1.1", port)])
    with pytest.raises(AddressRefused):
        client.post("https://public.test:6379/", b"", {})


@pytest.mark.parametrize(
    "url",
    [
        "http://plain.test/",
        "ftp://good.test/",
        "good.test",
        "",
        "https://",
        "https://u:p@good.test/",
        "https://good.test\\@evil.test/",
        "https://go od.test/",
        "file:///etc/passwd",
    ],
)
def test_only_https_urls_are_asked(client: Client, plain: Peer, url: str) -> None:
    for call in (client.get_document, client.get_json, lambda url: client.post(url, b"", {})):
        assert reason(lambda call=call: call(url)) in ("bad_url", "plain_http")  # type: ignore[misc]
    assert plain.connections == 0


def test_a_hosts_file_names_peers_and_leaves_the_rest_to_the_system(peers: Peers, good: Peer, alice: Actor) -> None:
    resolve = hosts_resolver(f"GOOD.test {good.address}:{good.port}  # a peer\n", SystemResolver())
    client = Client(peers.policy(), "x", resolve=resolve, ca_bundle=peers.ca_bundle)
    assert client.get_document(alice.id).document.id == alice.id
    with pytest.raises(AddressRefused):
        client.get_document("https://localhost/")


# TLS


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("expired.test", {"valid_for": timedelta(hours=-1)}),
        ("selfsigned.test", {"self_signed": True}),
        ("wrongname.test", {"certificate_for": ("good.test",)}),
    ],
)
def test_untrusted_certificates_are_refused_before_anything_is_said(peers: Peers, name: str, options: dict[str, Any]) -> None:
    peer = peers.add(name, **options)
    client = peers.client()
    assert reason(lambda: client.get_document(f"https://{name}/")) == "tls"
    assert reason(lambda: client.post(f"https://{name}/inbox", b"secret", {})) == "tls"
    assert peer.received() == []


def test_the_authority_is_trusted_only_when_given(peers: Peers, good: Peer, alice: Actor) -> None:
    client = Client(peers.policy(), "x", resolve=peers.resolve)
    assert reason(lambda: client.get_document(alice.id)) == "tls"


# Time and size


@pytest.mark.parametrize(
    "answer",
    [
        hang(),
        drip(),
        drip(b"HTTP/1.1 200 OK\r\nContent-Type: application/activity+json\r\n\r\n"),
        drip(b""),
        drip(b"HTTP/1.1 302 Found\r\n"),
    ],
)
def test_slow_headers_and_bodies_are_cut_at_the_deadline(client: Client, good: Peer, answer: Misbehaviour) -> None:
    good.route("*", "/slow", answer)
    assert 1.2 < elapsed(lambda: client.get_document("https://good.test/slow")) < 2.2


def test_redirects_share_one_deadline(client: Client, good: Peer) -> None:
    def slowly(request: Request) -> Reply:
        time.sleep(0.7)
        return redirect("/relay")

    good.route("GET", "/relay", slowly)
    assert elapsed(lambda: client.get_document("https://good.test/relay")) < 2.2


def test_a_stalled_handshake_a_silent_and_a_dead_host_end_in_time(peers: Peers, good: Peer, alice: Actor) -> None:
    stalled = peers.add("stalled.test")
    stalled.on_connect = hang()
    peers.blackhole("dead.test")
    peers.refusing("closed.test")
    broken = peers.add("broken.test")
    broken.on_connect = reset()
    client = peers.client(total_timeout=1.5, connect_timeout=0.6)
    assert elapsed(lambda: client.get_document("https://stalled.test/")) < 2.2
    assert elapsed(lambda: client.post("https://stalled.test/inbox", b"{}", {})) < 2.2
    assert elapsed(lambda: client.get_document("https://dead.test/")) < 1.2
    assert reason(lambda: client.get_document("https://closed.test/")) == "connect"
    assert reason(lambda: client.get_document("https://broken.test/")) in ("connect", "tls")
    assert reason(lambda: client.get_document("https://unknown.test/")) == "dns"
    assert client.get_document(alice.id).document.id == alice.id


def test_an_endless_body_is_cut_at_a_mebibyte(client: Client, good: Peer) -> None:
    good.route("GET", "/endless", endless())
    assert reason(lambda: client.get_document("https://good.test/endless")) == "too_large"
    assert reason(lambda: client.get_json("https://good.test/endless")) in ("too_large", "media_type")


def test_a_declared_length_over_the_limit_is_not_read(client: Client, good: Peer) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/activity+json\r\nContent-Length: 10737418240\r\n\r\n"
    good.route("GET", "/huge", raw(head))
    assert reason(lambda: client.get_document("https://good.test/huge")) == "too_large"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, identity", "x-gzip"])
def test_an_encoded_body_is_refused_unread(client: Client, good: Peer, encoding: str) -> None:
    good.route("GET", "/encoded", (200, {**ACTIVITY, "Content-Encoding": encoding}, b"x" * 1000))
    assert reason(lambda: client.get_document("https://good.test/encoded")) == "encoding"


def test_a_gzip_bomb_costs_nothing_not_even_in_a_redirect(client: Client, good: Peer) -> None:
    good.route("GET", "/bomb", gzip_bomb())
    good.route("GET", "/bomb-redirect", gzip_bomb(302, Location="/bomb"))
    good.route("POST", "/bomb", gzip_bomb())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert reason(lambda: client.get_document("https://good.test/bomb-redirect")) == "encoding"
    assert client.post("https://good.test/bomb", b"{}", ACTIVITY).status == 200
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # KiB


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'{"id": NaN}', b'{"a":' * 2000, b"null"])
def test_a_document_that_makes_no_sense_is_a_failed_fetch(client: Client, good: Peer, body: bytes) -> None:
    good.route("GET", "/broken", (200, ACTIVITY, body))
    assert reason(lambda: client.get_document("https://good.test/broken")) == "malformed"


@pytest.mark.parametrize("answer", [raw(b"\0\xff garbage\r\n\r\n"), raw(b""), raw(b"SSH-2.0-OpenSSH\r\n"), reset()])
def test_garbage_and_resets_are_failures(client: Client, good: Peer, answer: Misbehaviour) -> None:
    good.route("*", "/garbage", answer)
    with pytest.raises(FetchFailed):
        client.get_document("https://good.test/garbage")
    with pytest.raises(FetchFailed) as caught:
        client.post("https://good.test/garbage", b"{}", ACTIVITY)
    assert caught.value.temporary
