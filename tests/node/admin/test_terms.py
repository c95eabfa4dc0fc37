"""The terms with a server: which kinds pass, how wide posts go; what that stops is shown before it is saved."""

import pytest

from node.admin.deciding import KINDS
from node.models import Attachment, Peer

DECIDE = "/admin/peers/at/peer.test/allowed"


def ticked(page, name):
    return [kind for kind in KINDS if f'id="{name}-{kind}" name="{name}" value="{kind}" checked' in page]


def terms(**values):
    return {"types_shown": "yes", "types_in": [*KINDS], "types_out": [*KINDS], "note": ""} | values


def without(*kinds):
    return [kind for kind in KINDS if kind not in kinds]


@pytest.fixture
def traffic(make, ada):
    """Half a year with peer.test: two posts and a like went there, one post waits; three things came, one of them long ago."""
    make.peer("peer.test", "allowed")
    bob = make.remote("bob")
    for state in ("delivered", "delivered", "waiting"):
        make.delivery(make.actor(f"a{make.id()}"), "https://peer.test/inbox", state=state)
    make.delivery(make.actor("b"), "https://peer.test/inbox", kind="Like", state="delivered")
    make.delivery(make.actor("c"), "https://sub.peer.test/inbox", state="delivered")
    make.delivery(make.actor("d"), "https://other.test/inbox", state="delivered")
    make.receipt(kind="Create", state="done")
    make.receipt(kind="Flag", state="done")
    make.receipt(kind="Announce", state="refused")
    post = make.post(bob)
    make.add(Attachment(id=make.id(), post_id=post.id, kind="image", url="https://peer.test/a.png"))
    make.commit()


def test_everything_is_ticked_while_nothing_is_limited_and_saved_as_no_limit(admin, make, look):
    make.peer("peer.test", "allowed")
    make.commit()
    page = admin.get(DECIDE).text
    assert ticked(page, "types_in") == ticked(page, "types_out") == list(KINDS)
    assert admin.post(DECIDE, terms()).status_code == 303
    peer = look().get(Peer, "peer.test")
    assert (peer.types_in, peer.types_out) == (None, None)


def test_what_is_not_ticked_no_longer_passes_and_is_shown_so(admin, look, make):
    make.peer("peer.test", "allowed", types_in=["Create", "EmojiReact"], owner="Mira", purpose="Support")
    make.commit()
    page = admin.get(DECIDE).text
    assert ticked(page, "types_in") == ["Create"]
    assert 'value="Mira"' in page
    changed = terms(types_in=["Create", "Delete"], types_out=without("Like", "Announce"), owner="Jo", purpose="Orders")
    assert admin.post(DECIDE, changed).status_code == 303
    peer = look().get(Peer, "peer.test")
    assert set(peer.types_in) == {"Create", "Delete", "EmojiReact"}  # what the form does not show stays
    assert set(peer.types_out) == set(without("Like", "Announce"))
    assert (peer.owner, peer.purpose) == ("Jo", "Orders")
    page = admin.get("/admin/peers/at/peer.test").text
    assert "Create, Delete, EmojiReact" in page


def test_what_it_stops_is_shown_before_it_is_saved(admin, traffic, look):
    narrow = terms(types_in=without("Create"), types_out=without("Create"), no_reports="yes", no_media="yes")
    asked = admin.post(DECIDE, narrow)
    assert asked.status_code == 200
    for sentence in (
        "1 delivery that waits is not sent.",
        "Of the last 30 days, 3 deliveries would not have gone there.",
        "Of the last 30 days, 2 things from there would not have come in.",
        "1 picture or file from there is no longer shown.",
        "Nothing is saved yet.",
    ):
        assert sentence in asked.text
    assert ticked(asked.text, "types_in") == without("Create")
    assert look().get(Peer, "peer.test").types_out is None
    seen = asked.text.partition('name="seen" value="')[2].partition('"')[0]
    other = admin.post(DECIDE, narrow | {"types_out": without("Create", "Like"), "seen": seen})
    assert "4 deliveries would not have gone there" in other.text  # other terms than those that were shown
    assert look().get(Peer, "peer.test").types_out is None
    assert admin.post(DECIDE, narrow | {"seen": seen}).status_code == 303
    peer = look().get(Peer, "peer.test")
    assert (set(peer.types_out), peer.allows_media) == (set(without("Create")), False)


def test_a_narrower_audience_is_counted_too(admin, traffic, look):
    page = admin.post(DECIDE, terms(widest="followers"))
    assert "Of the last 30 days, 4 deliveries would not have gone there." in page.text
    assert 'value="followers" selected' in page.text
    assert look().get(Peer, "peer.test").widest_audience is None


def test_one_may_look_without_saving(admin, traffic, look):
    page = admin.post(DECIDE, terms(do="look", note="a thought"))
    assert page.status_code == 200
    assert "Nothing that waits, and nothing that passed in the last 30 days." in page.text
    assert "a thought</textarea>" in page.text
    assert look().get(Peer, "peer.test").note == ""


def test_an_admin_reads_it_in_german(admin, ada, traffic, make):
    ada.language = "de"
    make.commit()
    page = admin.post(DECIDE, terms(types_in=without("Create"))).text
    assert "Was diese Bedingungen aufhalten würden" in page
    assert "In den letzten 30 Tagen wäre 1 Eingang von dort nicht hereingekommen." in page


def test_a_block_keeps_the_terms(admin, look, make):
    make.peer("peer.test", "allowed", types_in=["Create"])
    make.commit()
    assert 'name="types_shown"' not in admin.get("/admin/peers/at/peer.test/blocked").text
    admin.post("/admin/peers/at/peer.test/blocked", {"note": ""})
    assert look().get(Peer, "peer.test").types_in == ["Create"]


def test_the_day_to_look_again_is_set_kept_shown_and_taken_off(admin, make, look, clock):
    make.peer("peer.test", "allowed")
    make.commit()
    assert 'name="review"' in admin.get(DECIDE).text
    assert admin.post(DECIDE, terms(review="next spring")).status_code == 422
    day = clock().date().isoformat()
    assert admin.post(DECIDE, terms(review=day, expires="")).status_code == 303
    peer = look().get(Peer, "peer.test")
    assert (peer.review_at.date().isoformat(), peer.expires_at) == (day, None)
    assert f'value="{day}"' in admin.get(DECIDE).text
    page = admin.get("/admin/peers/at/peer.test").text
    assert "To be looked at again" in page
    assert "The day to look at this decision again has come." in page
    assert admin.post(DECIDE, terms()).status_code == 303
    assert look().get(Peer, "peer.test").review_at is not None  # a form without the field changes nothing
    assert admin.post(DECIDE, terms(review="")).status_code == 303
    assert look().get(Peer, "peer.test").review_at is None
