"""Tags, attachments, polls and pictures, bounded and tolerant (abuse case P14)."""

from datetime import UTC, datetime
from typing import Any

import pytest

from federation import parts
from federation.document import Document
from federation.parts import Attachment, Emoji, Mention, Poll

FILE = "https://files.a.test/1.png"


def test_tags_are_read_by_kind_and_come_back() -> None:
    written = parts.write_tags(
        [Mention("https://b.test/bob", "@bob@b.test")],
        [("Grüße", "https://a.test/tags/grüße")],
        [Emoji("duck", FILE, "image/png")],
    )
    tags = parts.read_tags(Document({"tag": written}))
    assert tags.mentions == (Mention("https://b.test/bob", "@bob@b.test"),)
    assert tags.hashtags == ("Grüße",)
    assert tags.emojis == (Emoji("duck", FILE, "image/png"),)


def test_one_tag_need_not_be_a_list_and_no_tag_is_there_twice() -> None:
    assert parts.read_tags(Document({"tag": {"type": "Hashtag", "name": "#a"}})).hashtags == ("a",)
    many = [{"type": "Hashtag", "name": name} for name in ("#Tag", "tag", "TAG", "#", "# a b", None, "x" * 5000)]
    assert parts.read_tags(Document({"tag": many})).hashtags == ("Tag", "x" * 100)


def test_unknown_and_broken_tags_are_left_out() -> None:
    broken = [
        None, 5, "x", [], {}, {"type": "Mention"}, {"type": "Mention", "href": "javascript:x"}, {"type": "Emoji", "name": ":x:"},
        {"type": "Emoji", "name": "<b>", "icon": {"url": FILE}}, {"type": "Link", "href": FILE, "mediaType": "text/html"},
    ]  # fmt: skip
    assert parts.read_tags(Document({"tag": broken})) == parts.NO_TAGS


def test_a_link_tag_may_be_a_quote() -> None:
    link = {"type": "Link", "href": "https://b.test/1", "rel": "https://misskey-hub.net/ns#_misskey_quote",
            "mediaType": 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"'}  # fmt: skip
    assert parts.read_tags(Document({"tag": [link]})).quote_uri == "https://b.test/1"


def test_numbers_of_parts_are_capped() -> None:
    tags = [{"type": "Mention", "href": f"https://b.test/{number}"} for number in range(10_000)]
    files = [{"type": "Document", "url": FILE}] * 10_000
    options = [{"name": str(number)} for number in range(10_000)]
    document = Document({"tag": tags, "attachment": files, "oneOf": options})
    poll = parts.read_poll(document)
    assert poll is not None
    counted = (len(parts.read_tags(document).mentions), len(parts.read_attachments(document)), len(poll.options))
    assert counted == (100, 50, 16)


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (
            {"type": "Document", "mediaType": "image/PNG; x=y", "url": FILE, "name": "alt", "width": 640, "height": "480",
             "blurhash": "UBL_:rOpGG-oBUNG,qRj2so|=eE1w^n4S5NH"},
            Attachment(FILE, "image/png", "alt", "UBL_:rOpGG-oBUNG,qRj2so|=eE1w^n4S5NH", 640, 480, "image"),
        ),
        ({"type": "Image", "url": FILE, "width": -1, "height": 10**9, "blurhash": "<b>"}, Attachment(FILE, kind="image")),
        (
            {"type": "Document", "url": [{"type": "Link", "href": FILE, "mediaType": "video/mp4"}]},
            Attachment(FILE, "video/mp4", kind="video"),
        ),
        ({"type": "Link", "href": "https://b.test/page"}, Attachment("https://b.test/page", kind="link")),
        ({"type": "Document", "url": FILE, "mediaType": "application/pdf"}, Attachment(FILE, "application/pdf", kind="file")),
        ({"type": "Document", "url": FILE, "mediaType": "<script>"}, Attachment(FILE)),
    ],
)  # fmt: skip
def test_attachments_are_read(part: dict[str, Any], expected: Attachment) -> None:
    assert parts.read_attachments(Document({"attachment": part})) == (expected,)


@pytest.mark.parametrize(
    "part", [None, "x", {}, {"type": "Document"}, {"type": "Document", "url": "data:x"}, {"type": "PropertyValue", "url": FILE}]
)
def test_what_is_no_attachment_is_left_out(part: object) -> None:
    assert parts.read_attachments(Document({"type": "Note", "attachment": [part], "url": FILE})) == ()


def test_a_video_is_its_own_attachment() -> None:
    links = [
        {"type": "Link", "mediaType": "text/html", "href": "https://tube.test/w/1"},
        {"type": "Link", "mediaType": "video/mp4", "href": "https://tube.test/1.mp4", "height": 720},
    ]
    assert parts.read_attachments(Document({"type": "Video", "url": links})) == (
        Attachment("https://tube.test/1.mp4", "video/mp4", height=720, kind="video"),
    )
    image = {"type": "Image", "url": FILE, "mediaType": "image/png", "name": "alt"}
    assert parts.read_attachments(Document(image)) == (Attachment(FILE, "image/png", "alt", kind="image"),)
    assert parts.read_attachments(Document({"type": "Image", "url": "https://a.test/page"})) == ()


def test_an_attachment_we_write_can_be_read() -> None:
    attachment = Attachment(FILE, "image/png", "alt", "UBL_:rOpGG-oBUNG", 640, 480, "image")
    assert parts.read_attachments(Document({"attachment": [parts.write_attachment(attachment)]})) == (attachment,)


@pytest.mark.parametrize("multiple", [True, False])
def test_a_poll_we_write_can_be_read(multiple: bool) -> None:
    closes = datetime(2026, 11, 20, tzinfo=UTC)
    poll = Poll((("yes", 3), ("no", 0)), multiple, closes, closed=True, voters=3)
    assert parts.read_poll(Document(parts.write_poll(poll))) == poll
    assert parts.read_poll(Document(parts.write_poll(Poll((("yes", 0),))))) == Poll((("yes", 0),))


def test_votes_that_make_no_sense_are_none_at_all() -> None:
    options = [{"name": "a", "replies": {"totalItems": -5}}, {"name": "b", "replies": "x"}, {"name": ""}, {}, None, {"name": "a"}]
    poll = parts.read_poll(Document({"oneOf": options, "closed": True, "votersCount": -1, "endTime": "x"}))
    assert poll == Poll((("a", 0), ("b", 0)), closed=True)
    assert parts.read_poll(Document({"oneOf": []})) is None


@pytest.mark.parametrize(
    "icon", [FILE, {"type": "Image", "url": FILE}, [{"url": {"href": FILE}}], {"type": "Link", "href": FILE}, {"url": [FILE]}]
)
def test_a_picture_may_be_said_in_many_ways(icon: object) -> None:
    assert parts.read_image(Document({"icon": icon}), "icon") == FILE
