"""Who a document is for, as written."""

from hypothesis import given, settings
from hypothesis import strategies as st

from federation.addressing import MAX_RECIPIENTS, Addressing, read, strip_private
from federation.document import Document
from federation.vocabulary import PUBLIC

ADA = "https://a.test/ada"
BOB = "https://b.test/bob"


def test_the_public_collection_has_three_names() -> None:
    for name in (PUBLIC, "as:Public", "Public"):
        assert read(Document({"to": name})).is_public
        assert read(Document({"to": [ADA], "cc": [name]})).is_unlisted
        assert read(Document({"to": [name, "as:Public"]})).to == (PUBLIC,)
    assert not read(Document({"to": ["public", "https://www.w3.org/ns/activitystreams#public"]})).is_public


def test_public_and_unlisted_exclude_each_other() -> None:
    both = Addressing(to=(PUBLIC,), cc=(PUBLIC, ADA))
    assert both.is_public
    assert not both.is_unlisted
    assert both.everyone() == (PUBLIC, ADA)


def test_recipients_are_ids_or_embedded() -> None:
    addressing = read(Document({"to": {"id": ADA}, "cc": [BOB, None, 5, "urn:x", [ADA]], "audience": "https://g.test/"}))
    assert addressing == Addressing(to=(ADA,), cc=(BOB,), audience=("https://g.test/",))
    assert addressing.names(ADA)
    assert addressing.names("https://g.test/")
    assert not addressing.names("https://c.test/")


def test_blind_recipients_of_a_peer_are_not_read() -> None:
    addressing = read(Document({"bto": ADA, "bcc": [PUBLIC]}))
    assert addressing == Addressing()
    assert not addressing.is_public


def test_the_recipients_are_capped() -> None:
    many = read(Document({"to": [f"https://a.test/{number}" for number in range(10_000)]}))
    assert len(many.to) == MAX_RECIPIENTS


def test_blind_recipients_never_leave() -> None:
    activity = {"bto": [ADA], "cc": [BOB], "object": {"bcc": ADA, "object": [{"bto": ADA, "id": BOB}, ADA]}}
    assert strip_private(activity) == {"cc": [BOB], "object": {"object": [{"id": BOB}, ADA]}}
    assert "bto" in activity


@given(st.dictionaries(st.sampled_from(["to", "cc", "audience"]), st.lists(st.one_of(st.none(), st.text()), max_size=5)))
@settings(deadline=None)
def test_anything_can_be_read(raw: dict[str, list[str | None]]) -> None:
    assert read(Document(raw)).everyone() is not None
