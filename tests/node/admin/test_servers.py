"""Servers, the lobby, lists and the mode: what would change is shown first, then it is done and recorded."""

import io
import json
import re

from node.admin import exchanging
from node.models import Peer, Receipt
from node.queries import settings as settings_query
from tests.support.statements import fewest


def test_a_decision_shows_what_it_changes_before_it_is_made(admin, ada, make, look, deeds):
    bob = make.remote("bob")
    make.follow(bob, ada.actor)
    make.follow(ada.actor, bob)
    make.post(bob)
    make.receipt("peer.test")
    make.commit()
    page = admin.get("/admin/peers/at/peer.test/blocked").text
    for sentence in (
        "1 person there follows somebody here and no longer gets anything.",
        "1 follow by a member here no longer brings anything.",
        "1 post is no longer in the shared timelines.",
        "1 thing kept in the lobby is turned away for good.",
    ):
        assert sentence in page
    assert look().get(Peer, "peer.test") is None
    answer = admin.post("/admin/peers/at/peer.test/blocked", {"note": "spam", "public_reason": "Advertising"})
    assert answer.location == "/admin/peers/at/peer.test"
    peer = look().get(Peer, "peer.test")
    assert (peer.state, peer.note, peer.public_reason) == ("blocked", "spam", "Advertising")
    assert deeds() == [("peer.blocked", "peer.test")]
    assert "spam" in admin.get("/admin/peers/at/peer.test").text


def test_letting_in_releases_what_waited(admin, make, look):
    kept = make.receipt("new.test")
    make.commit()
    assert "1 thing kept in the lobby takes effect at once." in admin.get("/admin/peers/at/new.test/allowed").text
    admin.post("/admin/peers/at/new.test/allowed")
    assert look().get(Receipt, kept.id).state == "new"


def test_an_agreement_ends_in_the_future_and_says_so_beside_the_field(admin, look):
    for day in ("2020-01-01", "tomorrow"):
        answer = admin.post("/admin/peers/at/peer.test/partner", {"expires": day, "note": "kept"})
        assert answer.status_code == 422
        assert 'id="expires-error"' in answer.text
        assert f'value="{day}"' in answer.text
        assert "kept</textarea>" in answer.text
    admin.post("/admin/peers/at/peer.test/partner", {"expires": "2027-12-31"})
    assert look().get(Peer, "peer.test").expires_at.isoformat() == "2027-12-31T23:59:59+00:00"


def test_a_server_is_added_however_its_name_is_spelled(admin, deeds):
    for typed in ("Social.Example.", "https://social.example/@anna", "@anna@social.example"):
        answer = admin.get("/admin/peers/add", query_string={"host": typed, "state": "limited"})
        assert answer.location == "/admin/peers/at/social.example/limited"
    for typed in ("not a host", "", "a..b", "home.test"):
        answer = admin.get("/admin/peers/add", query_string={"host": typed, "state": "limited"})
        assert answer.status_code == 422
        assert 'id="host-error"' in answer.text
    assert deeds() == []


def test_nobody_decides_about_this_node_or_about_a_name_spelled_otherwise(admin):
    for host in ("home.test", "PEER.test", "not%20a%20host"):
        assert admin.get(f"/admin/peers/at/{host}/blocked").status_code == 404
        assert admin.post(f"/admin/peers/at/{host}/blocked").status_code == 404


def test_a_decision_is_forgotten(admin, make, look, deeds):
    make.peer("peer.test", "blocked")
    make.commit()
    assert "stranger again" in admin.get("/admin/peers/at/peer.test/forget").text
    assert admin.post("/admin/peers/at/peer.test/forget").status_code == 303
    assert look().get(Peer, "peer.test") is None
    assert deeds() == [("peer.forget", "peer.test")]
    assert admin.post("/admin/peers/at/peer.test/forget").status_code == 404


def test_servers_are_listed_by_state_and_part_of_the_name(admin, make):
    make.peer("good.test")
    make.peer("evil.test", "blocked")
    make.host("met.test")
    make.commit()
    assert all(host in admin.get("/admin/peers").text for host in ("good.test", "evil.test"))
    assert "good.test" not in admin.get("/admin/peers?state=blocked").text
    undecided = admin.get("/admin/peers?state=undecided").text
    assert "met.test" in undecided
    assert "evil.test" not in undecided
    assert "evil.test" not in admin.get("/admin/peers?q=GOO").text
    assert "No server found" in admin.get("/admin/peers?q=%25").text


def test_a_page_of_servers_costs_the_same_with_500(admin, make, count_statements):
    make.peer("a.test")
    make.commit()
    few = fewest(count_statements, lambda: admin.get("/admin/peers"))
    for number in range(500):
        make.peer(f"s{number:03}.test")
    make.commit()
    assert fewest(count_statements, lambda: admin.get("/admin/peers")) == few <= 16
    page = admin.get("/admin/peers").text
    assert page.count("<tr>") == 51
    seen = set()
    while True:
        seen |= set(re.findall(r"<bdi>(s\d+\.test)</bdi>", page))
        more = re.search(r'rel="next" href="([^"]+)"', page)
        if more is None:
            break
        page = admin.get(more.group(1).replace("&amp;", "&")).text
    assert len(seen) == 500


def test_the_rule_of_a_parent_domain_is_named(admin, make):
    make.peer("evil.test", "blocked")
    make.host("sub.evil.test")
    make.commit()
    page = admin.get("/admin/peers/at/sub.evil.test").text
    assert "What was decided about evil.test holds here too: Blocked." in page


def test_an_unknown_server_has_a_page_that_says_so(admin):
    answer = admin.get("/admin/peers/at/nobody.test")
    assert answer.status_code == 404
    assert "Nothing is known of this server" in answer.text
    assert "/admin/peers/at/nobody.test/allowed" in answer.text


def test_the_lobby_shows_who_asks_for_what(admin, make):
    make.receipt("new.test", "Follow", actor_uri="https://new.test/users/eve")
    make.receipt("new.test", "Create")
    make.commit()
    page = admin.get("/admin/lobby").text
    assert "a follow (Follow)" in page
    assert "a post (Create)" in page
    assert "new.test/users/eve" in page


def test_several_servers_are_decided_about_at_once(admin, make, look, deeds):
    kept = [make.receipt(host) for host in ("one.test", "two.test", "three.test")]
    make.commit()
    page = admin.get("/admin/lobby/decide?host=one.test&host=two.test&state=allowed").text
    assert "Let 2 servers in?" in page
    assert page.count("takes effect at once") == 2
    admin.post("/admin/lobby/decide", {"host": ["one.test", "two.test"], "state": "allowed"})
    assert [look().get(Receipt, row.id).state for row in kept] == ["new", "new", "held"]
    admin.post("/admin/lobby/decide", {"host": ["three.test"], "state": "blocked"})
    assert look().get(Receipt, kept[2].id).state == "refused"
    assert [verb for verb, _ in deeds()] == ["peer.allowed", "peer.allowed", "peer.blocked"]


def test_what_waits_is_turned_away_without_a_decision(admin, make, look, deeds):
    kept = make.receipt("new.test")
    make.commit()
    page = admin.get("/admin/lobby/decide?host=new.test&state=turn_away").text
    assert "they stay strangers and may ask again" in page
    assert "1 thing kept in the lobby is turned away for good." in page
    admin.post("/admin/lobby/decide", {"host": ["new.test"], "state": "turn_away"})
    assert look().get(Receipt, kept.id).state == "refused"
    assert look().get(Peer, "new.test") is None
    assert deeds() == [("peer.refuse_lobby", "new.test")]


def test_terms_are_set_kept_through_a_block_and_shown(admin, look):
    admin.post(
        "/admin/peers/at/peer.test/partner",
        {"widest": "followers", "no_media": "yes", "no_reports": "yes", "expires": "2027-12-31"},
    )
    admin.post("/admin/peers/at/peer.test/blocked", {"note": "for a while"})
    peer = look().get(Peer, "peer.test")
    assert (peer.state, peer.widest_audience, peer.allows_media, peer.allows_reports) == ("blocked", "followers", False, False)
    page = admin.get("/admin/peers/at/peer.test/partner").text
    assert 'value="followers" selected' in page
    assert 'value="2027-12-31"' in page
    assert all(f'name="{name}" value="yes" checked' in page for name in ("no_media", "no_reports"))
    assert "are not shown" in admin.get("/admin/peers/at/peer.test").text
    bad = admin.post("/admin/peers/at/peer.test/partner", {"widest": "everybody", "note": "kept"})
    assert bad.status_code == 422
    assert 'id="widest-error"' in bad.text


def test_the_lobby_wants_a_choice(admin, deeds):
    assert admin.get("/admin/lobby/decide?state=allowed").location == "/admin/lobby"
    assert admin.get("/admin/lobby/decide?host=a.test&state=emperor").status_code == 400
    assert admin.post("/admin/lobby/decide", {"state": "allowed"}).status_code == 400
    assert admin.post("/admin/lobby/decide", {"state": "allowed", "host": ["home.test", "no host"]}).status_code == 400
    assert deeds() == []


def test_the_lobbys_statements_do_not_grow_with_it(admin, make, count_statements):
    make.receipt("a.test")
    make.commit()
    admin.get("/admin/lobby")
    few = fewest(count_statements, lambda: admin.get("/admin/lobby"))
    for number in range(90):
        make.receipt(f"s{number}.test")
    make.commit()
    assert fewest(count_statements, lambda: admin.get("/admin/lobby")) == few <= 14


def test_a_csv_of_blocks_is_shown_then_taken_over(admin, make, look, deeds):
    make.peer("old.test", "blocked")
    make.commit()
    text = "#domain,#severity\nbad.test,suspend\nloud.test,silence\nold.test,suspend\nhid*en.test,suspend\n"
    page = admin.post(
        "/admin/peers/move", {"file": (io.BytesIO(text.encode()), "blocks.csv"), "text": ""}, content_type="multipart/form-data"
    )
    assert page.status_code == 200
    assert "bad.test" in page.text
    assert "the name is hidden by asterisks" in page.text
    assert look().get(Peer, "bad.test") is None
    answer = admin.post("/admin/peers/move/apply", {"text": text})
    assert answer.location == "/admin/peers"
    assert (look().get(Peer, "bad.test").state, look().get(Peer, "loud.test").state) == ("blocked", "limited")
    assert [verb for verb, _ in deeds()] == ["peer.import_csv"]


def test_a_list_goes_out_and_comes_back(admin, make, look):
    make.peer("good.test", "partner", note="friends")
    make.commit()
    exported = admin.get("/admin/peers/move/courtyard-peers.json")
    assert exported.headers["Content-Disposition"].startswith("attachment")
    assert exported.headers["Cache-Control"] == "private, no-store"
    assert json.loads(exported.text)["peers"][0]["host"] == "good.test"
    admin.post("/admin/peers/at/good.test/forget")
    admin.post("/admin/peers/move/apply", {"text": exported.text})
    assert look().get(Peer, "good.test").note == "friends"


def test_a_list_that_cannot_be_read_is_kept_and_explained(admin, deeds, monkeypatch):
    answer = admin.post("/admin/peers/move", {"text": '{"peers": 1}'})
    assert answer.status_code == 422
    assert 'id="text-error"' in answer.text
    assert "&#34;peers&#34;: 1" in answer.text
    empty = admin.post("/admin/peers/move", {"text": "  "})
    assert empty.status_code == 422
    bad = admin.post("/admin/peers/move", {"file": (io.BytesIO(b"\xff\xfe\x00"), "x.csv")}, content_type="multipart/form-data")
    assert (bad.status_code, "not text in UTF-8" in bad.text) == (422, True)
    monkeypatch.setattr(exchanging, "MOST_BYTES", 200)
    large = admin.post("/admin/peers/move", {"file": (io.BytesIO(b"a.test\n" * 30), "x.csv")}, content_type="multipart/form-data")
    assert large.status_code == 413
    assert deeds() == []


def test_the_mode_says_what_it_changes_and_holds_at_once(admin, make, look, deeds):
    make.peer("good.test")
    make.host("met.test")
    make.commit()
    page = admin.get("/admin/mode/closed").text
    assert "1 server that is let in gets nothing more" in page
    admin.post("/admin/mode/closed")
    assert settings_query.get(look(), "mode") == "closed"
    assert deeds() == [("node.mode", "closed")]
    assert admin.get("/admin/mode/emperor").status_code == 404


def test_long_names_and_ports_have_pages(admin, make):
    long = ".".join(["a" * 60] * 4) + ".test"
    for host in (long, "local.test:8443", "[2001:db8::1]"):
        make.peer(host)
    make.commit()
    page = admin.get("/admin/peers").text
    for address in re.findall(r'class="admin-host" href="([^"]+)"', page):
        assert admin.get(address).status_code == 200


def test_what_the_web_server_cut_is_413_and_not_an_empty_form(admin):
    cut = {"courtyard.largest_body": 1000}
    page = admin.post("/admin/peers/move/apply", {"text": "a.test\n" * 1000}, environ_overrides=cut)
    assert page.status_code == 413
    assert "Too large" in page.text
    assert admin.post("/admin/peers/move/apply", {"text": "a.test\n" * 10}, environ_overrides=cut).status_code == 303
