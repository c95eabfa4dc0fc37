"""Posts of peers, in the dialects they speak, and ours (abuse cases A01, A02, A12, P14)."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from federation import objects
from federation.activities import read_activity
from federation.actors import read_actor
from federation.addressing import Addressing
from federation.document import Document, parse
from federation.errors import FederationError, Malformed, NotAuthorized
from federation.parts import Attachment, Emoji, Mention, Poll
from federation.vocabulary import ACTIVITY_TYPES, ACTOR_TYPES, PUBLIC

ADA = "https://a.test/users/ada"
POST = "https://a.test/users/ada/1"
NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
VECTORS: dict[str, str] = json.loads((Path(__file__).parents[1] / "vectors" / "as2-documents.json").read_text(encoding="utf-8"))[
    "documents"
]
# The first repeats a key, the second has a line break inside a string: neither is JSON that two readers read alike.
NOT_STRICT_JSON = {"vocabulary-ex181-jsonld.json": "duplicate_key", "vocabulary-ex196-jsonld.json": "bad_json"}


def read(**raw: Any) -> objects.RemoteObject:
    return objects.read_object(parse(json.dumps({"id": POST, "type": "Note", "attributedTo": ADA, **raw}).encode()))


def test_a_note_as_mastodon_sends_it_is_read() -> None:
    note = read(
        summary="warning", inReplyTo="https://b.test/1", published="2026-11-20T10:00:00Z", updated="2026-11-20T10:00:00.000Z",
        url="https://a.test/@ada/1", to=[ADA + "/followers"], cc=["https://b.test/bob"], sensitive=True,
        conversation="tag:a.test,2026:objectId=1:objectType=Conversation", context="https://a.test/contexts/1",
        content="<p>Hallo</p>", contentMap={"de": "<p>Hallo</p>"},
        attachment=[{"type": "Document", "mediaType": "image/png", "url": "https://a.test/1.png", "name": "alt"}],
        tag=[{"type": "Mention", "href": "https://b.test/bob", "name": "@bob"}, {"type": "Hashtag", "name": "#x"}],
        replies={"id": POST + "/replies", "type": "Collection"}, likes={"id": POST + "/likes", "type": "Collection"},
        shares=POST + "/shares", interactionPolicy={"canQuote": {"automaticApproval": [PUBLIC]}},
    )  # fmt: skip
    assert (note.id, note.type, note.author, note.content) == (POST, "Note", ADA, "<p>Hallo</p>")
    assert (note.summary, note.sensitive, note.language, note.content_type) == ("warning", True, "de", "text/html")
    assert (note.published, note.updated, note.deleted) == (NOW, NOW, None)
    assert (note.in_reply_to, note.url) == ("https://b.test/1", "https://a.test/@ada/1")
    assert (note.context, note.conversation) == (
        "https://a.test/contexts/1", "tag:a.test,2026:objectId=1:objectType=Conversation"
    )  # fmt: skip
    assert note.addressing == Addressing(to=(ADA + "/followers",), cc=("https://b.test/bob",))
    assert (note.mentions, note.hashtags) == ((Mention("https://b.test/bob", "@bob"),), ("x",))
    assert note.attachments == (Attachment("https://a.test/1.png", "image/png", "alt", kind="image"),)
    assert (note.replies, note.likes, note.shares) == (POST + "/replies", POST + "/likes", POST + "/shares")
    assert note.interaction_policy is not None
    assert note.poll is None


def test_a_page_of_lemmy_is_read() -> None:
    page = read(
        type="Page", name="Title", content="<p>Text</p>", mediaType="text/html",
        source={"content": "Text", "mediaType": "text/markdown"},
        attributedTo=ADA, to=["https://a.test/c/x", PUBLIC], audience="https://a.test/c/x", sensitive=False,
        attachment=[{"type": "Link", "href": "https://news.test/1"}], language={"identifier": "de", "name": "Deutsch"},
    )  # fmt: skip
    assert (page.type, page.title, page.source_markdown, page.language) == ("Page", "Title", "Text", "de")
    assert page.addressing.audience == ("https://a.test/c/x",)
    assert page.attachments == (Attachment("https://news.test/1", kind="link"),)


@pytest.mark.parametrize("name", ["quote", "quoteUrl", "quoteUri", "_misskey_quote"])
def test_quotes_of_every_dialect_are_read(name: str) -> None:
    assert read(**{name: "https://b.test/1", "_misskey_content": "x"}).quote_uri == "https://b.test/1"


def test_an_article_of_wordpress_keeps_its_long_html() -> None:
    article = read(
        type="Article", name="Title", content="<p>" + "x" * 60_000 + "</p>", summary="<p>excerpt</p>", contentMap={"en": "x"}
    )
    assert (article.type, article.title, len(article.content or "")) == ("Article", "Title", 60_007)
    assert len(read(content="x" * 100_000).content or "") == 65_536


def test_an_event_has_times_and_a_place() -> None:
    event = read(
        type="Event", name="Meeting", startTime="2026-11-20T10:00:00Z", endTime="2026-11-20T12:00:00+02:00",
        location={"type": "Place", "name": "Hall", "address": {"addressLocality": "Köln", "streetAddress": "Weg 1"}},
    )  # fmt: skip
    assert (event.start_time, event.end_time, event.location) == (NOW, NOW, "Hall, Weg 1, Köln")
    assert read(location={"type": "Place", "name": "Hall", "address": "Weg 1"}).location == "Hall, Weg 1"
    assert read(location="Hall").location == "Hall"
    assert read(location={"type": "VirtualLocation", "url": "https://meet.test/1"}).location == "https://meet.test/1"
    assert read(location=[[]]).location is None


def test_a_question_has_a_poll() -> None:
    question = read(
        type="Question", anyOf=[{"type": "Note", "name": "a", "replies": {"totalItems": 2}}], endTime="2026-11-20T10:00:00Z"
    )
    assert question.poll == Poll((("a", 2),), multiple=True, closes_at=NOW)
    assert read(type="Question").poll is None


def test_a_video_of_peertube_has_its_authors_as_objects_and_its_page_as_url() -> None:
    links = [
        {"type": "Link", "mediaType": "video/mp4", "href": "https://a.test/1.mp4"},
        {"type": "Link", "mediaType": "text/html", "href": "https://a.test/w/1"},
    ]
    video = read(
        type="Video", attributedTo=[{"type": "Person", "id": ADA}, {"type": "Group", "id": "https://a.test/c"}], url=links
    )
    assert (video.attributed_to, video.url) == ((ADA, "https://a.test/c"), "https://a.test/w/1")
    assert [attachment.kind for attachment in video.attachments] == ["video"]


def test_a_boolean_may_be_a_string() -> None:
    assert read(sensitive="0").sensitive is False
    assert read(sensitive="true").sensitive is True


def test_a_post_type_goes_before_other_types() -> None:
    assert read(type=["https://example.org/Thing", "Event"]).type == "Event"
    assert read(type="Unheard").type == "Unheard"


def test_addressing_falls_back_to_the_activity_only_when_there_is_none() -> None:
    fallback = Addressing(to=(PUBLIC,))
    bare = Document({"id": POST, "type": "Note"})
    private = Document({"id": POST, "type": "Note", "to": ADA})
    assert objects.read_object(bare, fallback=fallback).addressing.is_public
    assert not objects.read_object(private, fallback=fallback).addressing.is_public


@pytest.mark.parametrize("raw", [{"id": None}, {"id": "urn:x"}, {"type": None}, {"type": []}])
def test_without_id_or_type_it_is_malformed(raw: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        read(**raw)


def test_a_fetched_object_is_what_was_asked_for() -> None:
    document = Document({"id": POST, "type": "Note"})
    assert objects.read_object(document, fetched_from="https://A.test/users/ada/1").id == POST
    with pytest.raises(NotAuthorized):
        objects.read_object(document, fetched_from="https://evil.test/1")


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ({"attributedTo": "https://victim.test/alice"}, "attributed_to_another"),
        ({"attributedTo": ["https://a.test/users/eve", ADA]}, "attributed_to_another"),
        ({"attributedTo": None}, "attributed_to_another"),
        ({"id": "https://victim.test/1"}, "object_of_another_origin"),
    ],
)
def test_only_the_author_may_say_it(raw: dict[str, Any], code: str) -> None:
    objects.require_author(read(), ADA)
    with pytest.raises(NotAuthorized) as refused:
        objects.require_author(read(**raw), ADA)
    assert refused.value.code == code


def test_a_note_we_write_can_be_read() -> None:
    mention, emoji = Mention("https://b.test/bob", "@bob@b.test"), Emoji("duck", "https://a.test/d.png", "image/png")
    attachment = Attachment("https://a.test/1.png", "image/png", "alt", None, 640, 480, "image")
    written = objects.note_document(
        id=POST, attributed_to=ADA, content="<p>Hallo</p>", to=[PUBLIC], cc=[ADA + "/followers"], published=NOW, updated=NOW,
        url=POST, summary="warning", sensitive=True, language="de", source_markdown="Hallo", in_reply_to="https://b.test/1",
        context="https://a.test/contexts/1", conversation="https://a.test/contexts/1", mentions=[mention],
        hashtags=[("x", "https://a.test/tags/x")], emojis=[emoji], attachments=[attachment], replies=POST + "/replies",
        likes=POST + "/likes", shares=POST + "/shares", audience="https://a.test/c",
    )  # fmt: skip
    note = objects.read_object(parse(json.dumps(written).encode()), fetched_from=POST)
    assert (note.content, note.language, note.source_markdown, note.summary) == ("<p>Hallo</p>", "de", "Hallo", "warning")
    assert (note.published, note.updated, note.sensitive, note.in_reply_to) == (NOW, NOW, True, "https://b.test/1")
    assert (note.mentions, note.hashtags, note.emojis) == ((mention,), ("x",), (emoji,))
    assert note.attachments == (attachment,)
    assert note.addressing == Addressing((PUBLIC,), (ADA + "/followers",), ("https://a.test/c",))
    assert (note.replies, note.likes, note.shares) == (POST + "/replies", POST + "/likes", POST + "/shares")
    objects.require_author(note, ADA)
    assert written["contentMap"] == {"de": "<p>Hallo</p>"}


def test_a_bare_note_says_only_what_there_is() -> None:
    written = objects.note_document(id=POST, attributed_to=ADA, content="", to=[])
    assert None not in written.values()
    assert {"summary", "inReplyTo", "updated", "source", "contentMap", "name"}.isdisjoint(written)
    assert (written["content"], written["to"], written["cc"], written["tag"], written["attachment"]) == ("", [], [], [], [])


def test_questions_articles_votes_and_tombstones_can_be_read() -> None:
    poll = Poll((("a", 1), ("b", 0)), True, NOW, voters=1)
    question = objects.question_document(id=POST, attributed_to=ADA, content="?", to=[PUBLIC], poll=poll, published=NOW)
    assert objects.read_object(Document(question)).poll == poll
    article = objects.article_document(id=POST, attributed_to=ADA, content="x", to=[PUBLIC], title="Title", summary="short")
    assert (article["type"], article["name"], article["summary"]) == ("Article", "Title", "short")
    vote = objects.vote_document(id=POST, attributed_to=ADA, question="https://b.test/q", option="a", to="https://b.test/bob")
    read_vote = objects.read_object(Document(vote))
    assert (read_vote.title, read_vote.content, read_vote.in_reply_to) == ("a", None, "https://b.test/q")
    stone = objects.read_object(Document(objects.tombstone(POST, NOW, "Note")))
    assert (stone.type, stone.deleted) == ("Tombstone", NOW)


@pytest.mark.parametrize("vector", VECTORS)
def test_each_document_of_the_standard_is_read(vector: str) -> None:
    body = VECTORS[vector].encode()
    if vector in NOT_STRICT_JSON:
        with pytest.raises(Malformed) as refused:
            parse(body)
        assert refused.value.code == NOT_STRICT_JSON[vector]
        return
    document = parse(body)
    raw = json.loads(body)
    assert document.raw == raw
    if document.is_a(*ACTIVITY_TYPES) and document.uri("actor"):
        activity = read_activity(document)
        assert activity.type in document.types
        actor = raw["actor"][0] if isinstance(raw["actor"], list) else raw["actor"]
        assert activity.actor == (actor["id"] if isinstance(actor, dict) else actor)
    elif document.is_a(*ACTOR_TYPES):
        with pytest.raises(Malformed, match="no inbox"):  # they are examples of profiles: none can be written to
            read_actor(Document({"id": ADA, **raw}), document.id or ADA)
    elif document.types:
        post = objects.read_object(Document({**raw, "id": document.id or POST}))
        assert post.type in document.types
        name = raw.get("name") or next(iter(raw.get("nameMap", {}).values()), None)
        assert post.title == (name if isinstance(name, str) else None)  # a map under `name` is not ActivityStreams 2.0
        assert bool(post.content) == ("content" in raw or "contentMap" in raw)
        assert (post.published is None) == ("published" not in raw)


def test_no_document_of_the_standard_surprises_a_reader() -> None:
    for name, text in VECTORS.items():
        if name in NOT_STRICT_JSON:
            continue
        document = parse(text.encode())
        for reader in (read_activity, objects.read_object, lambda one: read_actor(one, one.id or ADA)):
            try:
                reader(document)
            except FederationError as error:
                assert error.code
