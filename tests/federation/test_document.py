"""Untrusted JSON is read with fixed names, or refused; never anything else (abuse cases P01-P18)."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federation.document import MAX_BODY, MAX_DEPTH, Document, parse, timestamp
from federation.errors import FederationError, Malformed, TooLarge

URL = "https://a.test/1"


def nested(depth: int, opening: str, closing: str) -> bytes:
    return ('{"a":' + opening * depth + "1" + closing * depth + "}").encode()


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"b":', "}"), ('[{"b":', "}]")])
@pytest.mark.parametrize("depth", [MAX_DEPTH, 900, 5_000, 100_000])
def test_deep_nesting_is_malformed(opening: str, closing: str, depth: int) -> None:
    with pytest.raises(Malformed) as refused:
        parse(nested(depth, opening, closing))
    assert refused.value.code == "too_deep"


def test_unclosed_nesting_is_malformed() -> None:
    with pytest.raises(Malformed):
        parse(b'{"a":' + b"[" * 100_000)


def test_the_greatest_depth_is_taken_and_wide_documents_too() -> None:
    assert parse(nested(MAX_DEPTH - 1, "[", "]")).raw["a"]
    assert parse(b'{"a":[' + b",".join([b"[{}]"] * 5_000) + b"]}").raw["a"]
    assert parse(json.dumps({"a": "[" * 500 + "{" * 500}).encode()).text("a")


def test_too_many_bytes_are_too_large() -> None:
    body = b'{"a":"' + b"x" * (MAX_BODY - 8) + b'"}'
    assert len(body) == MAX_BODY
    assert parse(body)
    with pytest.raises(TooLarge):
        parse(body + b" ")


@pytest.mark.parametrize("text", ['"x"', "null", "1", "true", '[{"type": "Create"}]', "[]"])
def test_the_top_level_is_an_object(text: str) -> None:
    with pytest.raises(Malformed) as refused:
        parse(text.encode())
    assert refused.value.code == "not_an_object"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "latin-1"])
def test_only_utf_8_without_a_mark_is_taken(encoding: str) -> None:
    with pytest.raises(Malformed):
        parse('{"name": "Grüße"}'.encode(encoding))


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"{", b"{]", b"{'a': 1}", b'{"a": 1,}', b'{"a": 1} {}', b'{"a": "\n"}', b'{"a": "\xed\xa0\x80"}',
        b'{"a": "\x00"}', b'{"a": NaN}', b'{"a": -Infinity}', b'{"a": 1e999}', b'{"a": ' + b"9" * 5_000 + b"}",
        b'{"a": 1, "a": 2}', b'{"a": {"b": 1, "b": 1}}', b'{"typ\\u0000e": "Create"}', b'{"a": "\\x"}',
    ],
)  # fmt: skip
def test_what_is_no_strict_json_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse(body)


def test_nul_and_lone_surrogates_are_stripped_and_emoji_kept() -> None:
    document = parse(rb'{"a": "x\u0000y\ud800z", "b": ["\udfff\ud83d\ude00"], "c": {"d": "\\u0000"}}')
    assert document.raw == {"a": "xyz", "b": ["😀"], "c": {"d": "\\u0000"}}
    assert parse(document.to_json()).raw == document.raw


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        document = parse(body)
    except FederationError:
        return
    assert parse(document.to_json()).raw == document.raw


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=20),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=8), children, max_size=4),
    max_leaves=25,
)


@given(JSON)
@settings(max_examples=300, deadline=None)
def test_any_json_is_read_or_refused(value: Any) -> None:
    try:
        document = parse(json.dumps(value).encode())
    except FederationError:
        return
    for name in document.raw:
        read_in_every_way(document, name)
    assert parse(document.to_json()).raw == document.raw


def read_in_every_way(document: Document, name: str) -> None:
    for way in ("text", "integer", "flag", "time", "uri", "uris", "document", "documents", "link"):
        getattr(document, way)(name)
    assert document.language is None or isinstance(document.language, str)
    assert document.id is None or isinstance(document.id, str)
    assert all(isinstance(one, str) for one in document.types)


@pytest.mark.parametrize(
    "value", [None, 1, "", "x", [URL], {}, "javascript:x", "https://u@a.test/", "https://a.test/ x", URL + "x" * 2048]
)
def test_an_id_is_a_web_url_or_nothing(value: object) -> None:
    assert Document({"id": value}).id is None
    assert Document({"id": URL + "?a=b#c"}).id == URL + "?a=b#c"


def test_types_may_be_one_or_many() -> None:
    assert Document({"type": "Note"}).types == ("Note",)
    document = Document({"type": [1, "", "Note", None, "Event", "x" * 101]})
    assert document.types == ("Note", "Event")
    assert document.type == "Note"
    assert document.is_a("Event", "Article")
    assert not Document({"type": {}}).is_a("Note")
    assert Document({}).type is None
    assert len(Document({"type": ["x"] * 1000}).types) == 10


def test_only_the_fixed_names_mean_something() -> None:
    document = parse(
        json.dumps(
            {
                "@context": {"name": "https://evil.test/ns#content", "kind": "@type", "content": "as:name"},
                "@id": "https://victim.test/1", "@type": "Delete", "kind": "Delete",
                "@graph": [{"id": "https://victim.test/1"}], "@included": [{}], "@reverse": {"actor": {}},
                "id": URL, "type": "Note", "content": "text",
            }
        ).encode()
    )  # fmt: skip
    assert (document.id, document.types, document.text("content"), document.text("name")) == (URL, ("Note",), "text", None)


def test_text_is_a_string_the_first_of_a_list_or_of_a_language_map() -> None:
    assert Document({"name": "a"}).text("name") == "a"
    assert Document({"name": [1, "b", "c"]}).text("name") == "b"
    assert Document({"nameMap": {"de": None, "en": "c"}}).text("name") == "c"
    assert Document({"name": "x" * 5000}).text("name") == "x" * 2048
    assert Document({"name": "x" * 50}).text("name", 10) == "x" * 10
    for nothing in (None, 1, True, [], {}, [[]]):
        assert Document({"name": nothing}).text("name") is None


@pytest.mark.parametrize(
    ("value", "number"),
    [(3, 3), ("3", 3), ("-3", -3), (3.0, 3), ([4], 4), (True, None), (None, None), ("x", None), (3.5, None), ("３", None),
     (2**63, None), ("9" * 30, None), (1e300, None), ([], None), ({}, None), ("--1", None), ("", None)],
)  # fmt: skip
def test_integers_come_as_numbers_or_strings(value: object, number: int | None) -> None:
    assert Document({"n": value}).integer("n") == number


@pytest.mark.parametrize("value", [True, 1, "1", "true", "TRUE", ["true"]])
def test_flags_may_be_strings(value: object) -> None:
    assert Document({"sensitive": value}).flag("sensitive") is True


@pytest.mark.parametrize("value", [False, 0, "0", "false", "", None, [], {}, "maybe", 2, 0.5])
def test_what_is_not_true_is_not(value: object) -> None:
    assert Document({"sensitive": value}).flag("sensitive") is False


def test_a_missing_flag_is_its_default() -> None:
    assert Document({}).flag("x", default=True) is True
    assert Document({"x": "0"}).flag("x", default=True) is False


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-20T10:00:00Z", datetime(2026, 11, 20, 10, tzinfo=UTC)),
        ("2026-11-20T10:00:00", datetime(2026, 11, 20, 10, tzinfo=UTC)),
        ("2026-11-20T10:00:00.123456789Z", datetime(2026, 11, 20, 10, 0, 0, 123456, tzinfo=UTC)),
        ("2026-11-20t10:00:00.5+02:00", datetime(2026, 11, 20, 8, 0, 0, 500000, tzinfo=UTC)),
        ("2026-11-20T10:00:00.000-0800", datetime(2026, 11, 20, 18, tzinfo=UTC)),
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=UTC)),
    ],
)
def test_times_come_with_and_without_fraction_and_zone(text: str, moment: datetime) -> None:
    assert Document({"published": text}).time("published") == moment


@pytest.mark.parametrize(
    "value",
    ["", "x", "yesterday", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-23:00", 5, None, {},
     "10000-01-01T00:00:00Z", "2026-11-20T10:00:00" + "0" * 100, "２０２６-11-20T10:00:00Z"],
)  # fmt: skip
def test_what_is_no_time_is_none(value: object) -> None:
    assert Document({"published": value}).time("published") is None


def test_timestamps_are_utc_and_come_back() -> None:
    moment = datetime(2026, 11, 20, 10, 0, 0, 123000, tzinfo=UTC)
    assert timestamp(moment) == "2026-11-20T10:00:00.123Z"
    assert timestamp(moment.replace(microsecond=0)) == "2026-11-20T10:00:00Z"
    assert Document({"published": timestamp(moment)}).time("published") == moment
    with pytest.raises(ValueError, match="zone"):
        timestamp(datetime(2026, 11, 20))


def test_uris_may_be_one_or_many_embedded_or_id() -> None:
    many = Document({"x": [URL, {"id": URL}, {"type": "Link", "href": URL + "2"}, {"id": None}, 5, "urn:x", None, [URL]]})
    assert many.uris("x") == (URL, URL + "2")
    assert many.uri("x") == URL
    assert many.uris("x", limit=1) == (URL,)
    assert Document({"x": {"id": URL}}).uri("x") == URL
    assert Document({"x": {"id": 5, "href": URL}}).uri("x") is None
    assert Document({}).uris("x") == ()


def test_documents_are_the_embedded_objects() -> None:
    document = Document({"x": [URL, {"a": 1}, None, {"a": 2}]})
    assert [one.raw for one in document.documents("x")] == [{"a": 1}, {"a": 2}]
    assert document.document("x") == Document({"a": 1})
    assert len(document.documents("x", limit=1)) == 1
    assert Document({"x": URL}).document("x") is None


def test_a_link_prefers_the_page_for_people() -> None:
    html = {"type": "Link", "mediaType": "text/html", "href": URL + "html"}
    video = {"type": "Link", "mediaType": "video/mp4", "href": URL + "mp4"}
    assert Document({"url": [video, html]}).link("url") == URL + "html"
    assert Document({"url": [video]}).link("url") == URL + "mp4"
    assert Document({"url": URL}).link("url") == URL
    assert Document({"url": ["javascript:x", {"href": "data:x"}]}).link("url") is None


@pytest.mark.parametrize(
    ("raw", "language"),
    [
        ({"content": "b", "contentMap": {"de": "a", "en": "b"}}, "en"),
        ({"content": "c", "contentMap": {"de-AT": "a"}}, "de-AT"),
        ({"language": "fr"}, "fr"),
        ({"language": {"identifier": "de", "name": "Deutsch"}}, "de"),
        ({"contentMap": {"und": "a"}}, None),
        ({"contentMap": {"<script>": "a"}}, None),
        ({"contentMap": {}}, None),
        ({"contentMap": [], "language": 5}, None),
    ],
)
def test_the_language_is_that_of_the_content(raw: dict[str, Any], language: str | None) -> None:
    assert Document(raw).language == language
