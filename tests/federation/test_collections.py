"""Collections and pages, ours and theirs (abuse case F14)."""

import pytest

from federation.collections import (
    MAX_PAGE_ITEMS,
    ordered_collection,
    ordered_page,
    read_page,
    read_total,
    whole_collection,
)
from federation.document import Document

BASE = "https://a.test/outbox"
POST = "https://a.test/1"


def test_a_collection_may_leave_its_total_out() -> None:
    assert "totalItems" not in ordered_collection(BASE, None, None)
    assert ordered_collection(BASE, 0, BASE + "?page=1")["totalItems"] == 0


def test_a_page_we_write_can_be_read() -> None:
    note = {"@context": ["x"], "id": POST, "type": "Note"}
    page = ordered_page(BASE + "?1", BASE, [POST, note], next=BASE + "?2", prev=BASE + "?0")
    items, onward = read_page(Document(page))
    assert items == (POST, Document({"id": POST, "type": "Note"}))
    assert onward == BASE + "?2"
    assert page["@context"] == ["x"]


def test_a_small_collection_holds_its_items() -> None:
    assert read_page(Document(whole_collection(BASE, [POST]))) == ((POST,), None)
    assert read_total(Document(whole_collection(BASE, [POST]))) == 1


@pytest.mark.parametrize("name", ["items", "orderedItems"])
def test_items_may_be_one_or_many(name: str) -> None:
    assert read_page(Document({name: POST})) == ((POST,), None)
    assert read_page(Document({name: [POST, None, 5, "urn:x", {"id": POST}]}))[0] == (POST, Document({"id": POST}))


def test_the_first_page_is_followed_or_read_where_it_is() -> None:
    assert read_page(Document({"first": BASE + "?1"})) == ((), BASE + "?1")
    embedded = {"id": BASE, "first": {"id": BASE + "?1", "items": [POST], "next": BASE + "?2"}}
    assert read_page(Document(embedded)) == ((POST,), BASE + "?2")


def test_a_page_that_names_itself_as_the_next_ends() -> None:
    assert read_page(Document({"id": BASE, "items": [POST], "next": BASE})) == ((POST,), None)
    assert read_page(Document({"id": BASE, "first": BASE})) == ((), None)


def test_a_page_is_capped() -> None:
    items, _ = read_page(Document({"items": [POST] * 100_000}))
    assert len(items) == MAX_PAGE_ITEMS


@pytest.mark.parametrize("value", [None, -1, "x", 1.5, [], {}])
def test_a_total_that_makes_no_sense_is_none(value: object) -> None:
    assert read_total(Document({"totalItems": value})) is None
