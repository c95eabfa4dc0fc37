"""P: whatever a signed body holds, it is refused, ignored or cut to size; never an error, never an effect it should not have."""

from __future__ import annotations

import hashlib
import json
import time
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest

from federation.document import MAX_BODY
from federation.vocabulary import AS2, MEDIA_TYPE, PUBLIC
from tests.abuse.crafting import cavage
from tests.abuse.trials import PRIVATE, World, nothing_changes

ADA = "https://node.test/users/ada"


def raw(world: World, body: bytes, **options: Any) -> tuple[dict[str, str], bytes]:
    return cavage(world.mallory, body, **options)


def around(world: World, inner: str) -> bytes:
    """Return a Create of mallory's with `inner`, as it stands, as its object's content."""
    note = world.mallory.note("@@")
    return json.dumps(world.mallory.activity("Create", note)).replace('"@@"', inner).encode()


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":', '{"object":'])
@pytest.mark.parametrize("levels", [65, 1_000, 100_000])
def test_p01_deep_nesting_is_malformed(world: World, opening: str, levels: int) -> None:
    closing = "".join({"[": "]", "{": "}"}[mark] for mark in reversed(opening) if mark in "[{")
    inner = opening * levels + "1" + closing * levels
    with nothing_changes(world, 400, receipts=False) as trial:
        for body in (around(world, inner), inner.encode(), (opening * levels).encode()):
            if len(body) <= MAX_BODY:
                trial.send("POST", "/inbox", *raw(world, body))


def test_p02_a_body_that_is_too_large_is_refused_without_being_read(world: World) -> None:
    body = around(world, json.dumps("x" * 10_000_000))
    with nothing_changes(world, 413, receipts=False) as trial:
        trial.send("POST", "/inbox", *raw(world, body))
        trial.send("POST", "/inbox", *raw(world, around(world, json.dumps("x" * MAX_BODY))))


def test_p02_nor_when_its_length_is_not_told_or_false(world: World) -> None:
    body = around(world, json.dumps("x" * 3_000_000))
    headers, _ = raw(world, body)
    pieces = [body[start : start + 65_536] for start in range(0, len(body), 65_536)]
    with nothing_changes(world, 413, receipts=False) as trial:
        trial.send_lines("POST", "/inbox", headers.items(), pieces)
    small, body = raw(world, around(world, '"small"'))
    with nothing_changes(world, 400, 401, receipts=False, is_logged=False) as trial:
        for length in ("-1", "1e3", "0x10", "10, 10", "١٠", "1"):
            trial.send_lines("POST", "/inbox", [*small.items(), ("Content-Length", length.encode().decode("latin-1"))], body)


def test_p02_a_body_that_never_comes_keeps_nobody_waiting(world: World) -> None:
    """It is cut after ten seconds; until then others are answered."""
    import socket

    headers, body = raw(world, around(world, '"slow"'))
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"POST /inbox HTTP/1.1\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body[:10]
    waiting = [socket.create_connection(world.node.address) for _ in range(40)]
    try:
        for connection in waiting:
            connection.sendall(head)
        assert world.probe() < 5
    finally:
        for connection in waiting:
            connection.close()


@pytest.mark.parametrize("coding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig", "latin-1", "utf-7"])
def test_p03_only_utf_8_is_read(world: World, coding: str) -> None:
    text = json.dumps(world.mallory.activity("Create", world.mallory.note("<p>grün</p>")), ensure_ascii=False)
    if coding == "utf-7":
        text = text.replace("https:", "+AGgAdAB0AHAAcw-:")
    with nothing_changes(world, 400, receipts=False) as trial:
        trial.send("POST", "/inbox", *raw(world, text.encode(coding)))


@pytest.mark.parametrize("broken", [b'"\xff"', b'"\xc0\xaf"', b'"\xed\xa0\x80"', b'"\x00"', b"NaN", b"-Infinity", b"1e999", b"'x'", b'"a": 1', b"1" * 5000])
def test_p03_nor_broken_json(world: World, broken: bytes) -> None:
    body = around(world, '"@@@"').replace(b'"@@@"', broken)
    with nothing_changes(world, 400, receipts=False) as trial:
        trial.send("POST", "/inbox", *raw(world, body))


def test_p03_nor_a_key_given_twice(world: World) -> None:
    """Two readers could see two documents."""
    body = json.dumps(world.mallory.activity("Create", world.mallory.note())).encode()
    twice = body[:-1] + f', "actor": "{world.alice.id}"}}'.encode()
    inner = body.replace(b'"attributedTo":', f'"attributedTo": "{world.alice.id}", "attributedTo":'.encode())
    with nothing_changes(world, 400, receipts=False) as trial:
        for forged in (twice, inner):
            trial.send("POST", "/inbox", *raw(world, forged))


STRING_FIELDS = ("id", "type", "content", "summary", "name", "published", "updated", "inReplyTo", "url", "attributedTo", "to", "cc", "conversation", "context", "mediaType", "language")  # fmt: skip


@pytest.mark.parametrize("field", STRING_FIELDS)
def test_p06_what_no_database_takes_is_stripped_or_refused(world: World, field: str) -> None:
    node = world.node
    for bad in ("\\u0000", "\\ud800", "\\udfff\\ud800"):
        note = world.mallory.note("<p>clean</p>")
        note[field] = "@@@"
        activity = world.mallory.activity("Create", note)
        activity["summary" if field == "content" else field] = "@@@"
        good = json.dumps(note["id"] if field == "id" else f"https://evil.test/x/{field}")[1:-1]
        for text in (f"{bad}{good}{bad}", bad):
            answer = node.send("POST", "/inbox", *raw(world, json.dumps(activity).replace("@@@", text).encode()))
            assert answer.status < 500, (field, text, answer.body)
    keyed = json.dumps(world.mallory.activity("Create", world.mallory.note())).replace('"content"', '"con\\u0000tent"')
    assert node.send("POST", "/inbox", *raw(world, keyed.encode())).status == 400
    node.state.wait_until_idle()
    assert not node.state.trouble()
    world.probe()


FIELDS = ("@context", "id", "type", "actor", "object", "to", "cc", "published", "content", "attributedTo", "inReplyTo", "tag", "attachment", "summary", "url", "oneOf")  # fmt: skip
VALUES: dict[str, Any] = {
    "null": None, "0": 0, "true": True, "empty": "", "[]": [], "{}": {}, "[[]]": [[]], "[null]": [None], "long": "x" * 100_000,
}  # fmt: skip


@pytest.mark.parametrize("value", VALUES)
def test_p08_every_field_may_hold_anything(world: World, value: str) -> None:
    node = world.node
    members = node.state.count("actors", "host = ''")
    for field in FIELDS:
        note = world.mallory.note("<p>odd</p>")
        odd = {**note, field: VALUES[value]}
        outer = {**world.mallory.activity("Create", note), field: VALUES[value]}
        for document in (outer, world.mallory.activity("Create", odd), world.mallory.activity("Update", odd)):
            answer = node.post(world.mallory, document)
            assert answer.status in (202, 400, 403), (field, value, answer.status, answer.body)
            assert answer.seconds < 2
    node.state.wait_until_idle(60)
    assert not node.state.trouble()
    assert node.state.count("actors", "host = ''") == members
    world.probe()
    assert not [line for line in node.log() if line.get("level") == "error"]


@pytest.mark.parametrize("verb", ["Follow", "Like", "Undo", "Accept", "Reject", "Add", "Remove", "Block", "Flag", "Move", "Delete", "Announce"])
def test_p08_other_verbs_too(world: World, verb: str) -> None:
    node = world.node
    for value in VALUES.values():
        plain = world.eve.activity(verb, "https://evil.test/notes/0", target="https://evil.test/x")
        inner = {"type": "Follow", "id": "https://evil.test/a/1", "object": value, "actor": value}
        for sent in ({**plain, "object": value}, {**plain, "target": value, "id": value, "to": value}, {**plain, "object": inner}):
            answer = node.post(world.eve, sent)
            assert answer.status in (202, 400, 403), (verb, value, answer.status, answer.body)
    node.state.wait_until_idle(60)
    assert not node.state.trouble()
    world.probe()
    assert not [line for line in node.log() if line.get("level") == "error"]


@pytest.mark.parametrize("body", [b'"x"', b"null", b"1", b"true", b"[]", b"{}", b"", b" ", b"[{}]", b"0.1"])
def test_p09_the_top_level_is_an_activity(world: World, body: bytes) -> None:
    with nothing_changes(world, 400, receipts=False) as trial:
        trial.send("POST", "/inbox", *raw(world, body))
        if body == b"[{}]":
            trial.send("POST", "/inbox", *raw(world, json.dumps([world.mallory.activity("Create", world.mallory.note())]).encode()))


@pytest.mark.parametrize("kind", [["Create", "__x"], "__class__", "__init__", "Unheard", "x" * 1_000_000, ["Note"], "create", "Create ", ["a"] * 5000])
def test_p10_unknown_types_are_ignored(world: World, kind: Any) -> None:
    document = world.mallory.activity("Create", world.alice.note(PRIVATE) if isinstance(kind, list) else world.mallory.note(PRIVATE))
    document["type"] = kind
    body = json.dumps(document).encode()
    with nothing_changes(world, 202, 400, 403, 413) as trial:
        trial.send("POST", "/inbox", *raw(world, body))


CONTEXTS: dict[str, Any] = {
    "terms mean something else": [AS2, {"object": "as:actor", "actor": "as:object", "content": "as:summary"}],
    "aliases": [AS2, {"x-id": "@id", "x-type": "@type"}],
    "remote": "https://victim.test/context",
    "remote and local": [AS2, "https://evil.test/context", "http://127.0.0.9/context"],
    "nothing": {},
    "number": 7,
}


@pytest.mark.parametrize("name", CONTEXTS)
def test_p11_a_context_changes_nothing_and_is_never_fetched(world: World, name: str) -> None:
    """The names are fixed: what the plain reading says happens, whatever JSON-LD would make of it."""
    note = world.mallory.note(f"<p>plain {abs(hash(name))}</p>")
    document = {**world.mallory.activity("Create", note), "@context": CONTEXTS[name]}
    for peer in world.around:
        peer.forget()
    hits = [canary.hits for canary in world.canaries]
    assert world.node.post(world.mallory, document).status == 202
    world.node.state.wait_until_idle()
    assert world.node.state.rows("SELECT content_html FROM posts WHERE uri = ?", note["id"]) == [(note["content"],)]
    assert not [request for peer in world.around for request in peer.received("GET")]
    assert [canary.hits for canary in world.canaries] == hits


def test_p11_names_under_other_names_are_not_read(world: World) -> None:
    mallory = world.mallory
    create = world.alice.activity("Create", world.alice.note(PRIVATE))
    wrapped = (
        {"@context": AS2, "@graph": [create]},
        {"@context": AS2, "@type": "Create", "as:actor": mallory.id, "as:object": mallory.note(PRIVATE)},
        {"@context": AS2, "https://www.w3.org/ns/activitystreams#actor": mallory.id, "@type": "Create"},
    )
    with nothing_changes(world, 400, receipts=False) as trial:
        for document in wrapped:
            trial.post(mallory, document)
    followed = {"@context": AS2, "type": "Accept", "id": "https://evil.test/a/2", "actor": mallory.id}
    with nothing_changes(world, 202) as trial:
        trial.post(mallory, {**followed, "@included": [create], "@reverse": {"object": create}})


@pytest.mark.parametrize("public", [PUBLIC, "as:Public", "Public"])
def test_p11_the_three_names_of_the_public_mean_it_and_no_other(world: World, public: str) -> None:
    note = world.mallory.note("<p>said to all</p>", to=[public], cc=[])
    assert world.node.post(world.mallory, world.mallory.activity("Create", note)).status == 202
    other = world.mallory.note("<p>said to nobody</p>", to=[public.upper() + "x"], cc=[])
    assert world.node.post(world.mallory, world.mallory.activity("Create", other)).status == 202
    world.node.state.wait_until_idle()
    audience = "SELECT audience FROM posts WHERE uri = ?"
    assert world.node.state.rows(audience, note["id"]) == [("public",)]
    assert world.node.state.rows(audience, other["id"]) == [("direct",)]


@pytest.mark.parametrize("length", [1, 2, 5])
def test_p13_replies_in_a_circle_are_a_thread_that_ends(world: World, length: int) -> None:
    notes = [world.carol.note(f"<p>circle {number}</p>") for number in range(length)]
    for note, parent in zip(notes, [*notes[1:], notes[0]], strict=True):
        note["inReplyTo"] = parent["id"]
        world.good.serve(note)
    for note in notes:
        assert world.node.post(world.carol, world.carol.activity("Create", note)).status == 202
    world.node.state.wait_until_idle()
    for note in notes:
        post_id = world.node.state.rows("SELECT id FROM posts WHERE uri = ?", note["id"])[0][0]
        began = time.monotonic()
        page = world.node.get(f"/posts/{post_id}", world.cookie)
        assert page.status == 200 and b"circle 0" in page.body
        assert time.monotonic() - began < 1.0


def lots(world: World) -> Iterator[tuple[str, dict[str, Any], str, int]]:
    """Yield what is sent, where it would be kept, and how much of it may be."""
    many = range(10_000)
    mention = [{"type": "Mention", "href": f"https://good.test/users/u{number}", "name": "@u"} for number in many]
    tags = [{"type": "Hashtag", "name": f"#t{number}"} for number in many]
    files = [{"type": "Image", "mediaType": "image/png", "url": f"https://evil.test/{number}.png"} for number in many]
    options = [{"type": "Note", "name": f"option {number}", "replies": {"type": "Collection", "totalItems": 1}} for number in many]
    yield "tag", {"tag": mention}, "mentions", 100
    yield "tag", {"tag": tags}, "hashtags", 100
    yield "attachment", {"attachment": files}, "attachments", 50
    yield "oneOf", {"type": "Question", "oneOf": options}, "poll_options", 16
    yield "to", {"to": [f"https://good.test/users/u{number}" for number in many]}, "mentions", 100


def test_p14_ten_thousand_of_anything_are_cut(world: World) -> None:
    node = world.node
    for name, fields, table, most in lots(world):
        note = world.mallory.note("<p>lots</p>", **fields)
        answer = node.post(world.mallory, {**world.mallory.activity("Create", note), "to": [PUBLIC]})
        assert answer.status in (202, 413), (name, answer.body)
        node.state.wait_until_idle()
        kept = node.state.count(table, "post_id IN (SELECT id FROM posts WHERE uri = ?)", note["id"])
        assert kept <= most, (name, kept)
    assert not node.state.trouble()
    assert node.state.count("errands") < 300
    world.probe()


def test_p14_long_texts_are_cut(world: World) -> None:
    node = world.node
    note = world.mallory.note("y" * 900_000)
    assert node.post(world.mallory, world.mallory.activity("Create", note)).status in (202, 413)
    second = world.mallory.note("<p>z</p>", name="n" * 100_000, summary="s" * 300_000, inReplyTo="https://evil.test/" + "r" * 100_000)
    assert node.post(world.mallory, world.mallory.activity("Create", second)).status in (202, 413)
    talker = world.evil.actor(
        "talker", name="N" * 100_000, summary="S" * 200_000, alsoKnownAs=[f"https://evil.test/a{number}" for number in range(5_000)],
        attachment=[{"type": "PropertyValue", "name": "n" * 9_000, "value": "v" * 40_000} for _ in range(8)],
    )  # fmt: skip
    assert node.post(talker, talker.activity("Create", talker.note("<p>hello</p>"))).status == 202
    node.state.wait_until_idle()
    posts = "SELECT max(length(content_html)), max(length(title)), max(length(summary)), max(length(in_reply_to_uri)) FROM posts"
    content, title, summary, parent = node.state.rows(posts)[0]
    assert content <= 64 * 1024 + 200 and title <= 2_048 and summary <= 64 * 1024 and (parent or 0) <= 2_048
    people = "SELECT length(name), length(summary_html), length(also_known_as), length(fields) FROM actors WHERE uri = ?"
    name, bio, aliases, fields = node.state.rows(people, talker.id)[0]
    assert name <= 2_048 and bio <= 20 * 1024 + 200 and aliases < 2_000 and fields < 120_000
    world.probe()


WORDS = ("'", "%", "_", "{{1234*5678}}", "\\", "' OR 1=1 --", "%27", "${1234*5678}", "<%= 1234*5678 %>", "\\\\", "%00", "..%2f..%2f")


@pytest.mark.parametrize("word", WORDS)
def test_p16_marks_of_other_languages_are_only_marks(world: World, word: str) -> None:
    from urllib.parse import quote

    node, safe = world.node, quote(word, safe="")
    paths = (
        f"/users/{safe}", f"/users/{safe}/inbox", f"/tags/{safe}", f"/people/@{safe}@{safe}", f"/search?q={safe}", f"/explore?older_than={safe}",
        f"/users/ada?with={safe}", f"/.well-known/webfinger?resource=acct:{safe}@node.test", f"/users/ada/outbox?page=true&before={safe}",
        f"/?newer_than={safe}", f"/posts/{safe}", f"/activities/{safe}", f"/spaces/{safe}", f"/invitations/{safe}",
    )  # fmt: skip
    for path in paths:
        for accept in ("text/html", MEDIA_TYPE):
            answer = node.get(path, world.cookie, Accept=accept)
            assert answer.status < 500, (path, answer.status)
            assert b"7006652" not in answer.body, path
    odd = world.mallory.note(f"<p>{PRIVATE}</p>", id=f"https://evil.test/notes/{safe}", tag=[{"type": "Hashtag", "name": "#" + word}])
    with nothing_changes(world, 202, 400, 403, 404, but=("posts", "hashtags", "actors"), is_logged=False) as trial:
        trial.post(world.mallory, world.mallory.activity("Create", odd))
        trial.post(world.mallory, world.mallory.activity("Follow", f"https://node.test/users/{safe}"))
        trial.post(world.mallory, world.mallory.activity("Like", f"https://node.test/users/ada/posts/{safe}"), f"/users/{safe}/inbox")


MEDIA_TYPES = (
    "text/plain", "multipart/form-data; boundary=x", "application/activity+json; charset=utf-7", "application/x-www-form-urlencoded",
    "application/json", "application/ld+json", "text/html", "*/*", "application/activity+json, text/html", "x", "",
)  # fmt: skip


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_p18_only_activities_are_taken(world: World, media_type: str) -> None:
    headers, body = raw(world, json.dumps(world.mallory.activity("Create", world.mallory.note(PRIVATE))).encode())
    headers["Content-Type"] = media_type
    missing = {name: value for name, value in headers.items() if name != "Content-Type"}
    with nothing_changes(world, 415, receipts=False) as trial:
        trial.send("POST", "/inbox", headers if media_type else missing, body)


def test_p18_a_compressed_body_is_not_unpacked(world: World) -> None:
    import gzip

    packed = gzip.compress(b" " * 50_000_000)
    digest = "SHA-256=" + b64encode(hashlib.sha256(packed).digest()).decode()
    headers, body = raw(world, packed, headers={"Content-Encoding": "gzip", "Digest": digest})
    with nothing_changes(world, 400, 413, 415, receipts=False) as trial:
        trial.send("POST", "/inbox", headers, body)
