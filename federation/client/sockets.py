"""How a connection is opened: one lookup, every answer checked, that very address dialled, everything against one deadline.

The only code of the product that opens sockets to other machines. A deadline is a `time.monotonic()` value; it is held
by setting what is left of it as the timeout of each single operation, so it costs no thread and no timer.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING, Any

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from federation.addresses import AddressPolicy, Endpoint, Resolve
from federation.client.target import Target
from federation.errors import FetchFailed

if TYPE_CHECKING:
    from typing_extensions import Buffer

MAX_ADDRESSES = 3
_KEEP_WAITING = 0.001  # a timeout of 0 would mean "non-blocking"


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("the time for the whole request is over")
    return max(left, _KEEP_WAITING)


class DeadlineSocket(socket.socket):
    """A socket whose every read and write ends at `deadline`, however slowly the bytes drip."""

    deadline: float = 0.0

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        self.settimeout(_left(self.deadline))
        return super().recv(bufsize, flags)

    def recv_into(self, buffer: Buffer, nbytes: int = 0, flags: int = 0) -> int:
        self.settimeout(_left(self.deadline))
        return super().recv_into(buffer, nbytes, flags)

    def sendall(self, data: Buffer, flags: int = 0) -> None:
        self.settimeout(_left(self.deadline))
        super().sendall(data, flags)


class DeadlineTLSSocket(ssl.SSLSocket):
    """The same over TLS. The handshake is bounded by the timeout of the socket it wraps."""

    deadline: float = 0.0

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        if self.deadline:  # ssl itself reads once before the handshake, when the peer is already gone
            self.settimeout(_left(self.deadline))
        return super().recv(buflen, flags)

    def recv_into(self, buffer: Buffer, nbytes: int | None = None, flags: int = 0) -> int:
        self.settimeout(_left(self.deadline))
        return super().recv_into(buffer, nbytes, flags)

    def send(self, data: Buffer, flags: int = 0) -> int:
        self.settimeout(_left(self.deadline))  # sendall() comes here for every piece
        return super().send(data, flags)


Connection = DeadlineSocket | DeadlineTLSSocket


def tls_context(ca_bundle: str | None = None) -> ssl.SSLContext:
    """Build the context of all our connections: TLS 1.2 or newer, names verified.

    Trusts the system's authorities, those requests ships, and those in the PEM file `ca_bundle`.
    """
    context = ssl.create_default_context()
    context.load_verify_locations(cafile=DEFAULT_CA_BUNDLE_PATH)
    if ca_bundle is not None:
        context.load_verify_locations(cafile=ca_bundle)
    context.set_alpn_protocols(["http/1.1"])
    context.sslsocket_class = DeadlineTLSSocket
    return context


class SystemResolver:
    """`socket.getaddrinfo` with an end: the system's own has no timeout, so each lookup runs beside its caller.

    At most `most` lookups at a time. Raises OSError (TimeoutError when it took longer than `timeout` seconds).
    """

    def __init__(self, *, timeout: float = 5.0, most: int = 64) -> None:
        self._timeout = timeout
        self._slots = threading.BoundedSemaphore(most)

    def __call__(self, host: str, port: int) -> list[Endpoint]:
        try:
            return _endpoints(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST))
        except socket.gaierror:
            pass  # a name, not an address
        if not self._slots.acquire(timeout=self._timeout):
            raise TimeoutError("too many names are being looked up")
        found: list[list[Endpoint] | OSError] = []
        done = threading.Event()

        def look_up() -> None:
            try:
                found.append(_endpoints(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
            except (OSError, UnicodeError) as error:
                found.append(error if isinstance(error, OSError) else OSError("not a name"))
            finally:
                self._slots.release()
                done.set()

        threading.Thread(target=look_up, name="lookup", daemon=True).start()
        if not done.wait(self._timeout):
            raise TimeoutError("the name server did not answer")
        if isinstance(found[0], OSError):
            raise found[0]
        return found[0]


def _endpoints(infos: list[Any]) -> list[Endpoint]:
    return [Endpoint(str(info[4][0]), int(info[4][1])) for info in infos]


class Dialer:
    """Opens guarded connections. Immutable, so any number of threads share one."""

    def __init__(self, policy: AddressPolicy, *, resolve: Resolve, context: ssl.SSLContext, connect_timeout: float) -> None:
        self._policy = policy
        self._resolve = resolve
        self._context = context
        self._connect_timeout = connect_timeout

    def open(self, target: Target, deadline: float) -> Connection:
        """Return a connection to `target`, TLS verified against its host.

        One lookup; all its answers must pass the guard, so a mixed answer is refused (DNS rebinding). Raises
        AddressRefused, and FetchFailed (temporary) with reason `dns`, `connect`, `timeout` or `tls`.
        """
        try:
            endpoints = self._resolve(target.host, target.port)
        except OSError as error:
            raise _failed(target, "dns", "its name could not be looked up") from error
        if not endpoints:
            raise _failed(target, "dns", "its name is unknown")
        for endpoint in endpoints:
            self._policy.check(endpoint.ip, endpoint.port, host=target.host)
        connection = self._connect(target, endpoints[:MAX_ADDRESSES], deadline)
        return self._secure(target, connection) if target.scheme == "https" else connection

    def _connect(self, target: Target, endpoints: list[Endpoint], deadline: float) -> DeadlineSocket:
        """Dial the endpoints in order. All tries share the connect timeout, so an address that drops packets leaves time."""
        end = min(deadline, time.monotonic() + self._connect_timeout)
        failure: OSError = OSError("nothing to dial")
        for position, endpoint in enumerate(endpoints):
            connection = None
            try:
                share = _left(end) / (len(endpoints) - position)
                connection = DeadlineSocket(socket.AF_INET6 if ":" in endpoint.ip else socket.AF_INET, socket.SOCK_STREAM)
                connection.deadline = deadline
                connection.settimeout(share)
                connection.connect((endpoint.ip, endpoint.port))
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return connection
            except OSError as error:
                failure = error
                if connection is not None:
                    connection.close()
        if isinstance(failure, TimeoutError):
            raise _failed(target, "timeout", "it did not take the connection in time") from failure
        raise _failed(target, "connect", "it does not take connections") from failure

    def _secure(self, target: Target, connection: DeadlineSocket) -> DeadlineTLSSocket:
        deadline = connection.deadline
        try:
            connection.settimeout(_left(deadline))
            secured = self._context.wrap_socket(connection, server_hostname=target.host)
        except TimeoutError as error:
            connection.close()
            raise _failed(target, "timeout", "its TLS handshake took too long") from error
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            connection.close()
            raise _failed(target, "tls", "no trusted TLS connection could be made") from error
        assert isinstance(secured, DeadlineTLSSocket)
        secured.deadline = deadline
        return secured


def _failed(target: Target, reason: str, text: str) -> FetchFailed:
    return FetchFailed(f"{target.authority}: {text}", code=reason, url=target.url, reason=reason, temporary=True)
