"""Deliveries through the guarded client: what is sent, what is read, and which connections are used again."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from federation.addresses import AddressPolicy
from federation.client import Client
from federation.client.idle import IdleConnections
from federation.client.sockets import DeadlineSocket
from federation.client.target import read_target
from federation.errors import FetchFailed
from tests.support.peers import Misbehaviour, Peer, Peers, Reply, Request, hang, raw, redirect

ACTIVITY = {"Content-Type": "application/activity+json"}
CHUNKED = b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n1;x=y\r\n!\r\n0\r\n\r\n"


@pytest.fixture(scope="module")
def peers() -> Iterator[Peers]:
    with Peers() as peers:
        yield peers


@pytest.fixture(scope="module")
def good(peers: Peers) -> Peer:
    return peers.add("good.test")


@pytest.fixture(scope="module")
def plain(peers: Peers) -> Peer:
    return peers.add("plain.test", scheme="http")


@pytest.fixture(scope="module")
def shared_client(peers: Peers, good: Peer, plain: Peer) -> Client:
    return peers.client(total_timeout=1.5, connect_timeout=0.6, allow_http=True)


@pytest.fixture
def client(shared_client: Client, good: Peer, plain: Peer) -> Client:
    shared_client.close()
    for peer in (good, plain):
        peer.forget()
        peer.route("POST", "/inbox", 202)
    return shared_client


def reason(call: Callable[[], object]) -> str:
    with pytest.raises(FetchFailed) as caught:
        call()
    return caught.value.reason


def saying(data: bytes) -> Misbehaviour:
    """Send these bytes and keep the connection open."""

    def act(connection: socket.socket, stopped: threading.Event) -> None:
        connection.sendall(data)
        stopped.wait(5)

    return Misbehaviour(act)


def test_sends_what_it_is_given_and_reads_the_answer(client: Client, good: Peer) -> None:
    headers = {"Retry-After": "120", "Accept-Signature": "sig1=()", "Content-Type": "text/plain"}
    good.route("POST", "/inbox", Reply(429, headers, b"slow " * 1000))
    said = client.post("https://good.test/inbox?a=%c3%a4", b'{"x": 1}', {**ACTIVITY, "Host": "good.test", "Signature": "s"})
    assert (said.status, said.retry_after, said.accept_signature, len(said.body_excerpt)) == (429, 120, "sig1=()", 2048)
    [request] = good.received()
    assert (request.target, request.json(), request.header("Signature")) == ("/inbox?a=%c3%a4", {"x": 1}, "s")
    names = [name.lower() for name, _ in request.headers]
    assert len(names) == len(set(names))
    assert request.header("User-Agent") == "Courtyard-test/1.0"


def test_a_redirect_is_an_answer_and_not_followed(client: Client, plain: Peer, good: Peer) -> None:
    good.route("POST", "/away", redirect("http://plain.test/inbox"))
    assert client.post("https://good.test/away", b"{}", ACTIVITY).status == 302
    assert plain.received() == []


@pytest.mark.parametrize("headers", [{"X": "a\r\nY: b"}, {"X\r\nY": "a"}, {"X": "\u20ac"}, {"": "a"}, {"X": "a\0"}])
def test_a_header_that_would_break_the_framing_is_not_sent(client: Client, good: Peer, headers: dict[str, str]) -> None:
    assert reason(lambda: client.post("https://good.test/inbox", b"", headers)) == "bad_url"
    assert good.connections == 0


def test_the_framing_is_ours_alone(client: Client, good: Peer) -> None:
    wrong = {"Content-Length": "1", "transfer-encoding": "chunked", "Connection": "close"}
    for _ in range(2):
        client.post("https://good.test/inbox", b"abc", wrong)
    assert [request.body for request in good.received()] == [b"abc", b"abc"]
    assert good.connections == 1


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("answer", [202, 204, Reply(200, {}, b"thanks"), Reply(404, {}, b"x" * 60_000)])
def test_a_healthy_connection_is_used_again(client: Client, good: Peer, plain: Peer, scheme: str, answer: int | Reply) -> None:
    peer = good if scheme == "https" else plain
    peer.route("POST", "/inbox", answer)
    for _ in range(5):
        client.post(f"{peer.origin}/inbox", b"{}", ACTIVITY)
    assert (peer.connections, len(peer.received())) == (1, 5)


def test_a_chunked_answer_is_read_to_its_end(client: Client, plain: Peer) -> None:
    plain.route("POST", "/inbox", saying(CHUNKED))
    answer = client.post("http://plain.test/inbox", b"{}", ACTIVITY)
    assert (answer.status, answer.body_excerpt) == (202, b"ok!")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 202 A\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",  # more than was announced
        b"HTTP/1.1 202 A\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 202 A\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 202 A\r\nContent-Length : 0\r\n\r\n",
        b"HTTP/1.1 202 A\r\nContent-Length: +0\r\n\r\n",
        b"HTTP/1.1 202 A\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 202 A\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
        b"HTTP/1.1 202 A\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.0 202 A\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 202 A\r\nKeep-Alive: timeout=1\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 A\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 3000,
    ],
)
def test_a_connection_whose_answer_leaves_a_doubt_is_not_used_again(client: Client, plain: Peer, answer: bytes) -> None:
    plain.route("POST", "/inbox", saying(answer))
    assert client.post("http://plain.test/inbox", b"{}", ACTIVITY).status == 202
    assert client.post("http://plain.test/inbox", b"{}", ACTIVITY).status == 202
    assert plain.connections == 2


def test_a_body_that_stalls_does_not_take_back_the_status(peers: Peers, plain: Peer, client: Client) -> None:
    plain.route("POST", "/inbox", saying(b"HTTP/1.1 202 A\r\nContent-Length: 10\r\n\r\nabc"))
    answer = client.post("http://plain.test/inbox", b"{}", ACTIVITY)
    assert (answer.status, answer.body_excerpt) == (202, b"abc")


@pytest.mark.parametrize(
    "answer",
    [
        raw(b"\0\xff\r\n\r\n"),
        raw(b"SSH-2.0-x\r\n\r\n"),
        raw(b"HTTP/1.1 202 A\r\nX: " + b"a" * 70_000),
        raw(b"HTTP/1.1 100 C\r\n\r\n" * 9),
    ],
)
def test_an_answer_that_is_not_http_is_a_failure(client: Client, plain: Peer, answer: Misbehaviour) -> None:
    plain.route("POST", "/inbox", answer)
    assert reason(lambda: client.post("http://plain.test/inbox", b"{}", ACTIVITY)) in ("bad_answer", "reset")


def test_a_slow_answer_is_cut_at_the_deadline(client: Client, plain: Peer) -> None:
    plain.route("POST", "/inbox", hang())
    start = time.monotonic()
    assert reason(lambda: client.post("http://plain.test/inbox", b"{}", ACTIVITY)) == "timeout"
    assert time.monotonic() - start < 2.2


def test_a_peer_that_reads_nothing_is_cut_at_the_deadline(peers: Peers, client: Client) -> None:
    deaf = peers.add("deaf.test", scheme="http")
    deaf.on_connect = hang()
    deaf_client = peers.client(total_timeout=1.0, allow_http=True)
    start = time.monotonic()
    assert reason(lambda: deaf_client.post("http://deaf.test/inbox", b"x" * 20_000_000, ACTIVITY)) == "timeout"
    assert time.monotonic() - start < 1.7


def test_a_connection_the_peer_closed_meanwhile_is_replaced_unseen(client: Client, good: Peer) -> None:
    client.post("https://good.test/inbox", b"1", ACTIVITY)
    good.drop_connections()
    time.sleep(0.05)
    client.post("https://good.test/inbox", b"2", ACTIVITY)
    assert [request.body for request in good.received()] == [b"1", b"2"]
    assert good.connections == 2


def test_a_request_the_peer_may_have_acted_on_is_not_sent_twice(client: Client, plain: Peer) -> None:
    def once(request: Request) -> Reply | Misbehaviour:
        return Reply(202) if request.body == b"1" else raw(b"")  # hears the second, closes without a word

    plain.route("POST", "/inbox", once)
    client.post("http://plain.test/inbox", b"1", ACTIVITY)
    assert reason(lambda: client.post("http://plain.test/inbox", b"2", ACTIVITY)) == "unanswered"
    assert [request.body for request in plain.received()] == [b"1", b"2"]
    assert plain.connections == 1


def test_a_failure_says_whether_the_peer_may_have_read_the_request(peers: Peers, plain: Peer) -> None:
    """What a ledger must know: no connection, nothing left; after the first byte, perhaps all of it."""
    peers.refusing("shut.test")
    client = peers.client(total_timeout=1.5, connect_timeout=0.6, allow_http=True)
    found = []
    for url, answer in (("http://shut.test/inbox", None), ("http://plain.test/inbox", saying(b"")), ("http://plain.test/inbox", hang())):
        if answer is not None:
            plain.route("POST", "/inbox", answer)
        with pytest.raises(FetchFailed) as caught:
            client.post(url, b"{}", ACTIVITY)
        found.append(caught.value.may_have_arrived)
    assert found == [False, True, True]


def test_a_refusal_said_before_the_whole_body_was_read_is_heard(client: Client, plain: Peer) -> None:
    early = peers_reading_nothing(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
    plain.on_connect = early
    try:
        assert client.post("http://plain.test/inbox", b"x" * 900_000, ACTIVITY).status == 413
    finally:
        plain.on_connect = None


def peers_reading_nothing(answer: bytes) -> Misbehaviour:
    """Answer after the head of the request and shut the door."""

    def act(connection: socket.socket, stopped: threading.Event) -> None:
        connection.recv(1000)
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65_536):
            pass

    return Misbehaviour(act)


def test_few_connections_wait_and_not_for_long(client: Client) -> None:
    now = [0.0]
    idle = IdleConnections(most=3, clock=lambda: now[0])
    pairs = [socket.socketpair() for _ in range(5)]
    connections = [DeadlineSocket(fileno=mine.detach()) for mine, _ in pairs]
    targets = [read_target(f"https://idle{number}.test/", allow_http=False) for number in range(5)]
    for target, connection in zip(targets[:4], connections, strict=False):
        idle.keep(target, connection, 30.0)
    assert (len(idle), idle.take(targets[0]), connections[0].fileno()) == (3, None, -1)
    assert idle.take(targets[1]) is connections[1]
    assert idle.take(targets[1]) is None
    now[0] = 29.0
    idle.keep(targets[4], connections[4], 30.0)
    now[0] = 30.0
    assert idle.take(targets[2]) is None
    idle.close_expired()
    assert (len(idle), connections[3].fileno()) == (1, -1)
    pairs[4][1].close()  # the peer hangs up
    assert idle.take(targets[4]) is None
    connections[1].close()
    idle.close_all()
    for _, theirs in pairs:
        theirs.close()


def test_many_threads_share_one_client(peers: Peers) -> None:
    servers = [peers.add(f"many{number}.test", scheme="http") for number in range(8)]
    client = peers.client(allow_http=True)
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(10):
                peer = servers[(number + turn) % len(servers)]
                assert client.post(f"{peer.origin}/inbox", f"{number}-{turn}".encode(), ACTIVITY).status == 202
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(128)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    heard = [request.body for peer in servers for request in peer.received()]
    assert len(heard) == len(set(heard)) == 1280


def test_plain_http_and_inner_addresses_are_refused_to_deliveries_too(plain: Peer) -> None:
    client = Client(AddressPolicy(), "x")
    assert reason(lambda: client.post("http://plain.test/inbox", b"", {})) == "plain_http"
