"""Collections: lists on the wire, whole or page by page (ActivityStreams 2.0 section 5).

Which items are in one, and who may see them, is the node's business; how many pages are followed is the reader's.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from federation.document import Document
from federation.origins import is_web_uri
from federation.parts import count
from federation.vocabulary import AS2

MAX_PAGE_ITEMS = 500

Item = str | Document


def ordered_collection(id: str, total: int | None, first: str | None) -> dict[str, Any]:
    """Return an OrderedCollection that points to its first page; `total` None leaves the number out."""
    written: dict[str, Any] = {"@context": AS2, "id": id, "type": "OrderedCollection"}
    if total is not None:
        written["totalItems"] = total
    if first is not None:
        written["first"] = first
    return written


def ordered_page(
    id: str,
    part_of: str,
    items: Sequence[str | Mapping[str, Any]],
    next: str | None = None,
    prev: str | None = None,
) -> dict[str, Any]:
    """Return an OrderedCollectionPage. Items are ids or documents; a `@context` of an item moves to the page."""
    written: dict[str, Any] = {"@context": AS2, "id": id, "type": "OrderedCollectionPage", "partOf": part_of}
    if next is not None:
        written["next"] = next
    if prev is not None:
        written["prev"] = prev
    written["orderedItems"] = [_without_context(written, item) for item in items]
    return written


def whole_collection(id: str, items: Sequence[str | Mapping[str, Any]], total: int | None = None) -> dict[str, Any]:
    """Return a small OrderedCollection with all its items in it, as Mastodon wants `featured`."""
    written = ordered_collection(id, len(items) if total is None else total, None)
    written["orderedItems"] = [_without_context(written, item) for item in items]
    return written


def read_page(document: Document, limit: int = MAX_PAGE_ITEMS) -> tuple[tuple[Item, ...], str | None]:
    """Return the items of a collection or page (ids, or Documents when embedded), and where to read on, or None.

    A collection without items of its own is read through its `first` page: its items when that is embedded, or else
    its URL as `next`. A page that names itself as the next ends there. Never raises.
    """
    page = document
    items = _items(document, limit)
    if not items and "first" in document.raw:
        first = document.document("first")
        if first is None:
            return (), _onward(document, document.uri("first"))
        page, items = first, _items(first, limit)
    return items, _onward(page, page.uri("next"))


def read_total(document: Document) -> int | None:
    """Return `totalItems` when it is said and makes sense."""
    return count(document, "totalItems")


def _onward(page: Document, uri: str | None) -> str | None:
    return None if uri == page.id else uri


def _items(document: Document, limit: int) -> tuple[Item, ...]:
    value = document.raw.get("orderedItems")
    if value is None:
        value = document.raw.get("items")
    values = value if isinstance(value, list) else [value]
    found: list[Item] = []
    for item in values[:limit]:
        if isinstance(item, dict):
            found.append(Document(item))
        elif is_web_uri(item):
            found.append(item)
    return tuple(found)


def _without_context(page: dict[str, Any], item: str | Mapping[str, Any]) -> str | dict[str, Any]:
    if isinstance(item, str):
        return item
    if "@context" in item:
        page["@context"] = item["@context"]
    return {name: value for name, value in item.items() if name != "@context"}
