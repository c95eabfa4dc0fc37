"""The web server and its bridge, over real sockets: what reaches the application, and what hostile clients get."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.node.operations.supervised import ROOT, Running

pytestmark = pytest.mark.slow

HOST = b"Host: a.test\r\nConnection: close\r\n"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One node for all tests here: they only talk to it."""
    running = Running(tmp_path_factory.mktemp("web") / "data")
    try:
        running.wait_until_ready()
        yield running
    finally:
        running.stop()


def send(node: Running, raw: bytes, seconds: float = 5.0) -> tuple[int, bytes]:
    """Send bytes as they are; return status and body of the answer (status 0: the connection was closed)."""
    with socket.create_connection(("127.0.0.1", node.port), timeout=seconds) as connection:
        received = b""
        try:
            connection.sendall(raw)
            while chunk := connection.recv(65536):
                received += chunk
        except (BrokenPipeError, ConnectionResetError):
            pass
    head, _, body = received.partition(b"\r\n\r\n")
    return (int(head.split()[1]) if head else 0), body


def test_the_request_target_arrives_as_it_was_sent(node: Running) -> None:
    status, body = send(node, b"GET /a%2Fb/%C3%A4?x=%20&y HTTP/1.1\r\n" + HOST + b"\r\n")
    answer = json.loads(body)
    assert status == 200
    assert answer["target"] == "/a%2Fb/%C3%A4?x=%20&y"
    assert answer["path"].encode("latin-1").decode() == "/a/b/ä"


def test_every_header_arrives_in_order_with_its_duplicates(node: Running) -> None:
    _, body = send(node, b"GET / HTTP/1.1\r\n" + HOST + b"Signature: one\r\nX-A: 1\r\nSignature: two\r\n\r\n")
    names = [tuple(pair) for pair in json.loads(body)["headers"]]
    assert [value for name, value in names if name == "signature"] == ["one", "two"]


def test_an_underscore_cannot_pass_for_a_proxy_header(node: Running) -> None:
    _, body = send(node, b"GET / HTTP/1.1\r\n" + HOST + b"X_Forwarded_For: 10.0.0.1\r\n\r\n")
    assert json.loads(body)["forwarded"] is None


def test_a_chunked_body_without_length_arrives_whole(node: Running) -> None:
    _, body = send(node, b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
    answer = json.loads(body)
    assert (answer["length"], answer["announced"]) == (5, None)


def test_a_length_beside_chunked_is_not_believed(node: Running) -> None:
    raw = b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    status, body = send(node, raw)
    assert status == 400 or (json.loads(body)["length"], json.loads(body)["announced"]) == (5, None)


@pytest.mark.parametrize(
    "raw",
    [
        b"\x00\x01\x02 hello\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"X-N: a\x00b\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\nContent-Length: 5\r\n\r\nhello",
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n",
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"Host: a.test\r\n\r\n",
        b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
    ],
    ids=["garbage", "NUL in a header", "two lengths", "negative length", "no chunk", "negative chunk", "no second chunk", "two hosts", "no host"],
)
def test_a_malformed_request_is_400(node: Running, raw: bytes) -> None:
    assert send(node, raw)[0] == 400


def test_s21_too_many_or_too_large_headers_are_431_and_the_node_lives(node: Running) -> None:
    many = b"".join(b"X-%d: a\r\n" % number for number in range(200))
    assert send(node, b"GET / HTTP/1.1\r\n" + HOST + many + b"\r\n")[0] == 431
    assert send(node, b"GET / HTTP/1.1\r\n" + HOST + b"Signature: " + b"a" * 20_000 + b"\r\n\r\n")[0] == 431
    assert send(node, b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n")[0] in (414, 431)
    assert send(node, b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")[0] == 200


def test_p02_a_body_that_is_too_large_is_not_read_beyond_its_cap(node: Running) -> None:
    announced = b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 10000000\r\n\r\n"
    status, body = send(node, announced)
    assert status == 200, "the application sees the length and refuses"
    assert json.loads(body)["length"] == 0
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    status, body = send(node, b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 40 + b"0\r\n\r\n")
    assert status in (0, 200)
    if status == 200:
        assert json.loads(body)["length"] == 1_048_577


def test_a_client_that_leaves_in_the_middle_of_a_body_troubles_nobody(node: Running) -> None:
    for head in (b"Content-Length: 2000\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel"):
        with socket.create_connection(("127.0.0.1", node.port)) as leaving:
            leaving.sendall(b"POST / HTTP/1.1\r\nHost: a.test\r\n" + head)
    time.sleep(0.3)
    assert node.ask("/still-here")["path"] == "/still-here"
    assert "Traceback" not in node.log.read_text()


def test_d10_slow_clients_hold_no_thread(node: Running) -> None:
    with ExitStack() as stack:
        for number in range(200):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", node.port)))
            half = b"POST / HTTP/1.1\r\nHost: a.test\r\n"
            slow.sendall(half if number % 2 else half + b"Content-Length: 2000\r\n\r\nabc")
        time.sleep(0.3)
        began = time.monotonic()
        assert node.ask("/still-here")["path"] == "/still-here"
        assert time.monotonic() - began < 2


def test_a_mistake_in_the_application_is_500_and_in_the_log(node: Running) -> None:
    assert send(node, b"GET /fail HTTP/1.1\r\n" + HOST + b"\r\n")[0] == 500
    text = node.log.read_text()
    assert "request failed" in text
    assert "on purpose" in text


def test_a_head_request_has_no_body(node: Running) -> None:
    status, body = send(node, b"HEAD / HTTP/1.1\r\n" + HOST + b"\r\n")
    assert (status, body) == (200, b"")


def test_the_data_folder_is_ours_alone(node: Running) -> None:
    socket_file = Path(node.folder / "valkey" / "valkey.sock")
    mode = socket_file.stat().st_mode if socket_file.exists() else 0o600
    assert mode & 0o077 == 0
    assert node.folder.stat().st_mode & 0o077 == 0


LISTENER_STAYS_OURS = """
import gc, os, signal, sys, threading
from node.config import load
from node.operations import web
from node.operations.sockets import listen

listener = listen(("127.0.0.1", 0))
stop = lambda _: threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()
web.GOODBYE_SECONDS = 0.1
with listener:
    web.run(load(os.environ), listener, lambda _: lambda environ, start: [], stop)
    os.fstat(listener.fileno())
    later = [os.open(os.devnull, os.O_RDONLY) for _ in range(50)]  # a descriptor closed twice would be one of these
    gc.collect()
    for descriptor in (listener.fileno(), *later):
        os.fstat(descriptor)
print("closed")
"""


def test_the_listener_is_still_ours_when_the_server_has_stopped(tmp_path: Path) -> None:
    """Granian closes the descriptor it is given; ours, closed a second time, ended the process with EBADF."""
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "COURTYARD_DATA": str(tmp_path), "COURTYARD_DOMAIN": "localhost:1"}
    done = subprocess.run([sys.executable, "-c", LISTENER_STAYS_OURS], env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, ["closed"]), done.stderr


LATE_ONES_WAIT = """
import os, signal, socket, threading
from node.config import load
from node.operations import web
from node.operations.sockets import listen

listener = listen(("127.0.0.1", 0))
late = []

def stop(_):
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()
    threading.Timer(1.0, lambda: late.append(socket.create_connection(listener.getsockname()))).start()

web.GOODBYE_SECONDS, web.LAST_CALLS_SECONDS = 0.1, 1.5
web.run(load(os.environ), listener, lambda _: lambda environ, start: [], stop)
listener.settimeout(5)
connection, address = listener.accept()
print("waited", address == late[0].getsockname())
"""


def test_who_comes_while_the_server_stops_waits_for_the_next_one(tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "COURTYARD_DATA": str(tmp_path), "COURTYARD_DOMAIN": "localhost:1"}
    done = subprocess.run([sys.executable, "-c", LATE_ONES_WAIT], env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, ["waited True"]), done.stderr
