"""Fake peers: other servers, scripted, in this process, for tests through the HTTP door.

    from tests.support.peers import Peers

    with Peers() as peers:                                        # own CA, names only these tests know
        good = peers.add("good.test")                             # https; add("plain.test", scheme="http") for plain http
        alice = good.actor("alice", ed25519=True)                 # actor, WebFinger, NodeInfo and inboxes are routed
        note = good.serve(alice.note("<p>Hello</p>"))             # any document with an id, at its own path
        good.route("GET", "/slow", drip())                        # see tests.support.scripted for answers and misbehaviours
        client = peers.client()                                   # a federation Client that knows these peers, guard on
        answer = alice.post("https://node.test/inbox", alice.activity("Create", note), via=("127.0.0.1", port))
        headers, body = alice.signed("https://node.test/inbox", note)     # the same for Flask's test client
        good.wait_for("POST", "/inbox")[0].json()                 # what the node delivered; good.received() is the whole log
        canary = peers.canary()                                   # must stay untouched: assert canary.hits == 0

A node in a process of its own is told by settings: `peers.environment()`, after all peers are added. In one process, pass
`resolve=peers.resolve, ca_bundle=peers.ca_bundle, policy=peers.policy()` to its Client, which `peers.client()` does.
Names: `peers.point("evil.test", canary)` or `point("rebind.test", [good], [canary])` (first lookup, second lookup);
`peers.lookups` counts. Hosts that are down: `peers.blackhole("dead.test")`, `peers.refusing("closed.test")`,
`good.on_connect = hang()` (accepts, never speaks) or `reset()`.
"""

from __future__ import annotations

import http.client
import json
import socket
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any, Self

from federation.addresses import AddressPolicy, Endpoint
from federation.client import Client, SystemResolver
from federation.keys import PrivateKeyPair, encode_multikey, generate_ed25519, generate_rsa, load_public
from federation.signatures import SigningKey, sign
from federation.vocabulary import ACTOR_CONTEXT, AS2, JRD_MEDIA_TYPE, MEDIA_TYPE, PUBLIC
from scripts import folders
from tests.support.authority import Authority
from tests.support.scripted import (
    Misbehaviour,
    Reply,
    Request,
    ScriptedServer,
    drip,
    endless,
    gzip_bomb,
    hang,
    raw,
    redirect,
    reset,
)

__all__ = [
    "Actor", "Canary", "Misbehaviour", "Peer", "Peers", "Reply", "Request", "Response",
    "drip", "endless", "gzip_bomb", "hang", "raw", "redirect", "reset",
]  # fmt: skip

PEER_ADDRESS = "127.0.0.2"
CANARY_ADDRESS = "127.0.0.9"
_numbers = count(1)


@dataclass(frozen=True)
class Response:
    """What a node answered to `Actor.post` or `Actor.get`."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Peer(ScriptedServer):
    """Another server, by name: its requests are logged, its routes scripted. `origin` is what its ids begin with."""

    def __init__(self, name: str, scheme: str, authority: Authority, **options: Any) -> None:
        certificate_for = options.pop("certificate_for", (name,))
        valid_for = options.pop("valid_for", timedelta(days=1))
        self_signed = options.pop("self_signed", False)
        tls = None
        if scheme == "https":
            tls = authority.server_context(*certificate_for, valid_for=valid_for, self_signed=self_signed)
        super().__init__(tls=tls, **options)
        self.name = name
        self.origin = f"{scheme}://{name}"
        self.actors: dict[str, Actor] = {}
        self.route("POST", "/inbox", 202)
        self.route("GET", "/.well-known/webfinger", self._webfinger)
        schema = "http://nodeinfo.diaspora.software/ns/schema/2.1"
        links = {"links": [{"rel": schema, "href": f"{self.origin}/nodeinfo/2.1"}]}
        self.route("GET", "/.well-known/nodeinfo", _json("application/json", links))
        info = {
            "version": "2.1", "software": {"name": "scripted", "version": "1.0"}, "protocols": ["activitypub"],
            "services": {"inbound": [], "outbound": []}, "openRegistrations": False, "usage": {"users": {}}, "metadata": {},
        }  # fmt: skip
        self.route("GET", "/nodeinfo/2.1", _json("application/json", info))

    def actor(self, name: str, /, *, type: str = "Person", ed25519: bool = False, **document: Any) -> Actor:
        """Make an actor and route its document, WebFinger and inbox. `document` overrides fields of its document."""
        actor = Actor(self, name, type, _pair("rsa", f"{self.origin}/{name}"), overrides=document)
        if ed25519:
            actor.ed25519 = _pair("ed25519", f"{self.origin}/{name}")
        self.actors[name] = actor
        path = f"/users/{name}"
        self.route("GET", path, lambda request: Reply(200, {"Content-Type": MEDIA_TYPE}, json.dumps(actor.document()).encode()))
        self.route("POST", f"{path}/inbox", 202)
        for collection in ("outbox", "followers", "following"):
            empty = {"@context": AS2, "id": f"{actor.id}/{collection}", "type": "OrderedCollection", "totalItems": 0}
            self.route("GET", f"{path}/{collection}", {**empty, "orderedItems": []})
        return actor

    def serve(self, document: dict[str, Any]) -> dict[str, Any]:
        """Answer GETs at the path of the document's id with it; return it."""
        self.route("GET", "/" + document["id"].split("/", 3)[3], document)
        return document

    def _webfinger(self, request: Request) -> Reply:
        subject = request.query.get("resource", [""])[0]
        name = subject.removeprefix("acct:").partition("@")[0]
        found = self.actors.get(name) or next((actor for actor in self.actors.values() if actor.id == subject), None)
        if found is None:
            return Reply(404)
        link = {"rel": "self", "type": MEDIA_TYPE, "href": found.id}
        return _json(JRD_MEDIA_TYPE, {"subject": f"acct:{found.name}@{self.name}", "aliases": [found.id], "links": [link]})


@dataclass
class Actor:
    """Somebody on a fake peer, with keys. `overrides` are put over its document as they are."""

    peer: Peer
    name: str
    type: str
    rsa: PrivateKeyPair
    ed25519: PrivateKeyPair | None = None
    overrides: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"{self.peer.origin}/users/{self.name}"

    @property
    def handle(self) -> str:
        return f"@{self.name}@{self.peer.name}"

    @property
    def inbox(self) -> str:
        return f"{self.id}/inbox"

    @property
    def key(self) -> SigningKey:
        """The RSA key every server knows."""
        return SigningKey(f"{self.id}#main-key", "rsa", self.rsa.private_pem)

    @property
    def ed25519_key(self) -> SigningKey:
        """The second key (`actor(..., ed25519=True)`)."""
        assert self.ed25519 is not None
        return SigningKey(f"{self.id}#ed25519-key", "ed25519", self.ed25519.private_pem)

    def rotate(self) -> None:
        """Take a new RSA key: the old document's key is no longer served."""
        self.rsa = generate_rsa()

    def document(self, **changes: Any) -> dict[str, Any]:
        """Return the actor document as it is served, with `changes` put over it."""
        document: dict[str, Any] = {
            "@context": ACTOR_CONTEXT,
            "id": self.id,
            "type": self.type,
            "preferredUsername": self.name,
            "name": self.name.title(),
            "inbox": self.inbox,
            "outbox": f"{self.id}/outbox",
            "followers": f"{self.id}/followers",
            "following": f"{self.id}/following",
            "url": f"{self.peer.origin}/@{self.name}",
            "endpoints": {"sharedInbox": f"{self.peer.origin}/inbox"},
            "publicKey": {"id": self.key.key_id, "owner": self.id, "publicKeyPem": self.rsa.public_pem},
        }
        if self.ed25519 is not None:
            multikey = encode_multikey(load_public(self.ed25519.public_pem))
            document["assertionMethod"] = [
                {"id": self.ed25519_key.key_id, "type": "Multikey", "controller": self.id, "publicKeyMultibase": multikey}
            ]
        return {**document, **self.overrides, **changes}

    def note(self, content: str = "<p>Hello</p>", **fields: Any) -> dict[str, Any]:
        """Return a public Note by this actor, with a fresh id; `fields` are put over it (`to=[...]`, `inReplyTo=...`)."""
        note = {
            "@context": AS2, "id": f"{self.peer.origin}/notes/{next(_numbers)}", "type": "Note", "attributedTo": self.id,
            "content": content, "published": _now(), "to": [PUBLIC], "cc": [f"{self.id}/followers"],
        }  # fmt: skip
        return {**note, **fields}

    def activity(self, type: str, object: Any, **fields: Any) -> dict[str, Any]:
        """Return an activity of this actor, with a fresh id; addressing is that of an embedded object."""
        activity = {
            "@context": AS2, "id": f"{self.peer.origin}/activities/{next(_numbers)}", "type": type, "actor": self.id,
            "object": object, "published": _now(),
        }  # fmt: skip
        addressing = {name: object[name] for name in ("to", "cc") if name in object} if isinstance(object, dict) else {}
        return {**activity, **addressing, **fields}

    def signed(
        self,
        url: str,
        document: Any,
        *,
        method: str = "POST",
        key: SigningKey | None = None,
        scheme: str = "cavage",
        now: datetime | None = None,
        content_type: str = MEDIA_TYPE,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[dict[str, str], bytes]:
        """Return headers and body of a signed request. `document` may be bytes; `headers` are put over the signed ones."""
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        made = sign(method, url, body if method == "POST" else None, key or self.key, now=now or datetime.now(UTC), scheme=scheme)
        kind = {"Content-Type": content_type} if method == "POST" else {"Accept": MEDIA_TYPE}
        return {**kind, **made, **(headers or {})}, body if method == "POST" else b""

    def post(self, url: str, document: Any, *, via: tuple[str, int] | None = None, **options: Any) -> Response:
        """Send a signed POST (`options` as `signed`). `via`: where the node of `url` listens, in plain http."""
        headers, body = self.signed(url, document, **options)
        return send("POST", url, headers, body, via=via)

    def get(self, url: str, *, via: tuple[str, int] | None = None, **options: Any) -> Response:
        """Send a signed GET."""
        headers, _ = self.signed(url, b"", method="GET", **options)
        return send("GET", url, headers, b"", via=via)


def send(method: str, url: str, headers: Mapping[str, str], body: bytes = b"", *, via: tuple[str, int] | None = None) -> Response:
    """Send a request as it stands, in plain http, to `via` or to the host of `url`."""
    authority, _, path = url.partition("://")[2].partition("/")
    host, _, port = authority.partition(":")
    connection = http.client.HTTPConnection(*(via or (host, int(port or 80))), timeout=30)
    try:
        connection.request(method, "/" + path, body or None, {"Host": authority, **headers})
        answer = connection.getresponse()
        return Response(answer.status, dict(answer.getheaders()), answer.read())
    finally:
        connection.close()


class Canary(ScriptedServer):
    """Listens where nobody may connect. `hits` counts who did."""

    @property
    def hits(self) -> int:
        return self.connections


class Peers:
    """All fake peers of a test. A context manager: everything is closed at the end."""

    def __init__(self, folder: Path | None = None) -> None:
        self._stack = ExitStack()
        self._folder = folder or self._stack.enter_context(folders.temporary("peers"))
        self._authority = Authority(self._folder)
        self._names: dict[str, list[list[Endpoint]]] = {}
        self._listed: set[Endpoint] = set()
        self._system = SystemResolver()
        self.lookups: Counter[str] = Counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def ca_bundle(self) -> str:
        """The PEM file of the authority that issued the peers' certificates."""
        return str(self._authority.bundle)

    def add(self, name: str, *, scheme: str = "https", listed: bool = True, **options: Any) -> Peer:
        """Start a peer. `listed=False` keeps its address off the guard's list. `options` go to its server and certificate:
        address, port; certificate_for=("other.test",), valid_for=timedelta(days=-1), self_signed=True."""
        options.setdefault("address", PEER_ADDRESS)
        peer = Peer(name, scheme, self._authority, **options)
        self._stack.callback(peer.close)
        if listed:
            self._listed.add(Endpoint(peer.address, peer.port))
        self.point(name, peer)
        return peer

    def canary(self, address: str = CANARY_ADDRESS, port: int = 80) -> Canary:
        """Listen where the guard must not let anybody through; on any free port where `port` cannot be had."""
        try:
            canary = Canary(address=address, port=port)
        except OSError:
            canary = Canary(address=address)
        canary.route("*", "/*", 200)
        self._stack.callback(canary.close)
        return canary

    def blackhole(self, name: str) -> None:
        """Make `name` a host that takes connections into its queue at best and never answers a packet."""
        listener = socket.create_server((PEER_ADDRESS, 0), backlog=0)
        self._stack.callback(listener.close)
        address = listener.getsockname()
        for _ in range(4):  # a full queue drops what comes next, as a firewall would
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(address)
            self._stack.callback(filler.close)
        self._listed.add(Endpoint(*address))
        self._names[name] = [[Endpoint(*address)]]

    def refusing(self, name: str) -> None:
        """Make `name` a host where nothing listens."""
        with socket.create_server((PEER_ADDRESS, 0)) as listener:
            endpoint = Endpoint(*listener.getsockname())
        self._listed.add(endpoint)
        self._names[name] = [[endpoint]]

    def point(self, name: str, *answers: ScriptedServer | Endpoint | list[ScriptedServer | Endpoint]) -> None:
        """Let `name` resolve to a server. Several answers are given one after the other, the last one for good."""
        self._names[name] = [
            [each if isinstance(each, Endpoint) else Endpoint(each.address, each.port) for each in _as_list(answer)]
            for answer in answers
        ]

    def resolve(self, host: str, port: int) -> list[Endpoint]:
        """Answer for the peers' names; addresses and `localhost` go to the system, any other `.test` name is unknown."""
        self.lookups[host] += 1
        answers = self._names.get(host)
        if answers is None:
            return [] if host.endswith(".test") else self._system(host, port)
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def policy(self) -> AddressPolicy:
        """The real guard, with the peers' addresses listed."""
        return AddressPolicy(allow_listed=frozenset(self._listed))

    def client(self, **options: Any) -> Client:
        """A Client that reaches these peers. Add them before; `options` are the Client's (`total_timeout=1.0`)."""
        options.setdefault("policy", self.policy())
        client = Client(user_agent="Courtyard-test/1.0", resolve=self.resolve, ca_bundle=self.ca_bundle, **options)
        self._stack.callback(client.close)
        return client

    def environment(self) -> dict[str, str]:
        """Settings that tell a node in another process of these peers, as they are now (the first answer of each name)."""
        lines = [f"{name} {_text(endpoint)}" for name, answers in self._names.items() for endpoint in answers[0]]
        hosts = self._folder / "hosts"
        hosts.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return {
            "COURTYARD_CA_BUNDLE": self.ca_bundle,
            "COURTYARD_HOSTS_FILE": str(hosts),
            "COURTYARD_ALLOWED_ADDRESSES": ",".join(_text(endpoint) for endpoint in sorted(self._listed)),
        }


@lru_cache(maxsize=256)
def _pair(algorithm: str, owner: str) -> PrivateKeyPair:
    """Make the key of `owner`, once per process: RSA keys are slow to make."""
    return generate_rsa() if algorithm == "rsa" else generate_ed25519()


def _as_list(answer: ScriptedServer | Endpoint | list[ScriptedServer | Endpoint]) -> list[ScriptedServer | Endpoint]:
    return answer if isinstance(answer, list) else [answer]


def _text(endpoint: Endpoint) -> str:
    return f"[{endpoint.ip}]:{endpoint.port}" if ":" in endpoint.ip else f"{endpoint.ip}:{endpoint.port}"


def _json(content_type: str, document: dict[str, Any]) -> Reply:
    return Reply(200, {"Content-Type": content_type}, json.dumps(document).encode())


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
