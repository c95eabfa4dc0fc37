"""Deliveries, work, what was turned away, the explanation, the record, the settings."""

import re
from datetime import timedelta

import pytest

from node.database import new_id
from node.models import AuditEntry, Delivery, Host, Receipt, Refusal
from node.queries import settings as settings_query
from tests.support.statements import fewest


@pytest.fixture
def refusal(make):
    def refuse(host="peer.test", direction="in", **values):
        reasons = [{"code": "peer_not_let_in", "verdict": "refuse", "subject": host}]
        values = {"kind": "Follow", "verdict": "refuse", "reasons": reasons, "created_at": make.clock()} | values
        return make.add(Refusal(id=make.id(), host=host, direction=direction, **values))

    return refuse


def test_the_overview_says_what_waits_for_a_decision(admin, ada, make, refusal):
    make.receipt("new.test")
    make.receipt("peer.test", state="parked")
    make.host("down.test", closed_until=make.clock() + timedelta(hours=1))
    make.delivery(ada.actor, "https://down.test/inbox")
    refusal()
    make.commit()
    text = admin.get("/admin/").text
    assert "1 server waits in the lobby" in text
    assert "1 server does not take what we send" in text
    assert "1 thing that arrived was given up" in text
    assert text.count('<svg class="trend') >= 2


def test_an_idle_node_is_in_order(admin):
    assert "The house is in order" in admin.get("/admin/").text


def test_the_overview_counts_in_few_statements(admin, count_statements):
    assert fewest(count_statements, lambda: admin.get("/admin/")) <= 11


def test_a_moderators_overview_shows_only_their_own(moderator, make):
    make.receipt("peer.test", state="parked")
    make.commit()
    text = moderator.get("/admin/").text
    assert "given up" not in text
    assert "Deliveries" not in text


def test_a_failed_delivery_is_sent_again(admin, ada, make, look, deeds):
    make.peer("peer.test")
    row = make.delivery(ada.actor, "https://peer.test/inbox", state="failed", reason="500 Internal Server Error", attempts=14)
    make.commit()
    page = admin.get("/admin/deliveries").text
    assert "500 Internal Server Error" in page
    assert admin.post(f"/admin/deliveries/{row.id}/resend").status_code == 303
    assert look().get(Delivery, row.id).state == "waiting"
    assert deeds() == [("delivery.resend", str(row.id))]


def test_what_the_gate_forbids_is_not_sent_again_and_says_why(admin, ada, make, look, deeds):
    make.peer("peer.test", "blocked")
    row = make.delivery(ada.actor, "https://peer.test/inbox", state="failed")
    make.commit()
    answer = admin.post(f"/admin/deliveries/{row.id}/resend")
    assert answer.status_code == 403
    assert "peer.test is blocked." in answer.text
    assert look().get(Delivery, row.id).state == "failed"
    assert deeds() == []


def test_a_server_in_trouble_is_tried_now(admin, ada, make, look, deeds):
    make.host("down.test", closed_until=make.clock() + timedelta(hours=1), last_reason="connection refused")
    make.delivery(ada.actor, "https://down.test/inbox", attempts=3)
    make.commit()
    page = admin.get("/admin/deliveries").text
    assert "connection refused" in page
    answer = admin.post("/admin/deliveries/retry", {"host": "down.test"})
    assert answer.location == "/admin/deliveries"
    assert admin.post("/admin/deliveries/retry", {"host": "down.test", "back": "peer"}).location == "/admin/peers/at/down.test"
    assert look().get(Host, "down.test").closed_until is None
    assert deeds()[0] == ("delivery.retry", "down.test")
    assert admin.post("/admin/deliveries/retry", {"host": "no host"}).status_code == 303


def test_deliveries_are_found_by_server_and_paged(admin, ada, make, count_statements):
    make.delivery(ada.actor, "https://one.test/inbox", state="failed", reason="certificate over")
    make.commit()
    assert "certificate over" in admin.get("/admin/deliveries?host=one.test").text
    few = fewest(count_statements, lambda: admin.get("/admin/deliveries?host=one.test"))
    for number in range(60):
        make.delivery(ada.actor, f"https://s{number}.test/inbox", state="failed")
    make.commit()
    assert fewest(count_statements, lambda: admin.get("/admin/deliveries")) <= few
    page = admin.get("/admin/deliveries").text
    assert "certificate over" not in page
    assert "certificate over" in admin.get(re.search(r'rel="next" href="([^"]+)"', page).group(1).replace("&amp;", "&")).text
    assert "not the name of a server" in admin.get("/admin/deliveries?host=no+host").text


def test_what_was_given_up_is_tried_again(admin, make, look, deeds):
    row = make.receipt("peer.test", "Create", "parked", reason="KeyError: name", attempts=5)
    make.commit()
    assert "KeyError: name" in admin.get("/admin/jobs").text
    assert admin.post(f"/admin/jobs/receipts/{row.id}/retry").status_code == 303
    fresh = look().get(Receipt, row.id)
    assert (fresh.state, fresh.attempts, fresh.reason) == ("new", 0, "")
    assert deeds()[0][0] == "receipt.retry"
    assert admin.post(f"/admin/jobs/receipts/{row.id}/retry").status_code == 404


def test_without_redis_the_work_page_says_so(admin):
    text = admin.get("/admin/jobs").text
    assert "Redis does not answer. Nothing is lost" in text


def test_why_something_did_not_arrive_is_found_by_server(moderator, refusal, make):
    refusal("peer.test", actor_uri="https://peer.test/users/bob")
    refusal(
        "other.test",
        "out",
        kind="Create",
        verdict="withhold",
        reasons=[{"code": "no_agreement", "verdict": "withhold", "subject": "x.test"}],
    )
    make.commit()
    text = moderator.get("/admin/refusals?host=peer.test").text
    assert "peer.test has not been let in." in text
    assert "other.test" not in text
    assert "x.test is not a partner" in moderator.get("/admin/refusals?direction=out").text
    assert "Nothing was turned away" in moderator.get("/admin/refusals?host=none.test").text


@pytest.mark.parametrize(
    ("query", "said", "reason"),
    [
        ("peer=good.test&direction=out&type=Create&audience=public", "It would be sent.", "good.test is allowed."),
        ("peer=good.test&direction=out&type=Create&audience=members", "It would be kept back.", "never leave this node"),
        ("peer=good.test&direction=out&type=Create&audience=partners", "It would be kept back.", "good.test is not a partner"),
        ("peer=new.test&direction=in&type=Follow&addressed=yes", "It would wait in the lobby.", "waits in the lobby"),
        ("peer=new.test&direction=in&type=Follow", "It would be turned away.", "new.test has not been let in."),
        ("peer=sub.evil.test&direction=in&type=Create", "It would be turned away.", "evil.test is blocked."),
    ],
)
def test_the_gate_says_what_it_would_do_and_why(admin, make, query, said, reason):
    make.peer("good.test")
    make.peer("evil.test", "blocked")
    make.commit()
    text = admin.get(f"/admin/explain?{query}").text
    assert said in text
    assert reason in text


def test_the_explanation_knows_who_follows(admin, ada, make):
    make.peer("good.test")
    make.follow(make.remote("eve", "good.test"), ada.actor)
    make.commit()
    text = admin.get("/admin/explain?peer=good.test&direction=out&type=Create&audience=public&actor=@ada").text
    assert "1 person there follows this member" in text
    assert "There is nobody of this name here." in admin.get("/admin/explain?peer=good.test&actor=nobody").text


def test_a_server_nobody_can_read_is_an_error_beside_the_field(admin):
    answer = admin.get("/admin/explain?peer=no+host&direction=in&type=Follow")
    assert answer.status_code == 422
    assert 'id="peer-error"' in answer.text
    assert 'value="no host"' in answer.text


def test_the_record_says_who_did_what(admin, ada, make):
    at = make.clock()
    make.add(
        AuditEntry(
            id=make.id(), member_id=ada.id, verb="peer.blocked", subject="evil.test", details={"before": "allowed"}, created_at=at
        )
    )
    make.add(AuditEntry(id=make.id(), member_id=None, verb="node.mode", subject="open", created_at=at))
    make.commit()
    text = admin.get("/admin/audit").text
    assert "blocked a server" in text
    assert "before: Allowed" in text
    assert "the command line" in text
    found = admin.get("/admin/audit?kind=peer").text
    assert "evil.test" in found
    assert "changed the federation mode" not in found


def test_the_record_is_paged_by_key_in_as_many_statements(admin, ada, make, clock, count_statements):
    def write(number):
        for one in range(number):
            make.add(
                AuditEntry(id=new_id(clock.move(1)), member_id=ada.id, verb="member.role", subject=f"n{one}", created_at=clock())
            )
        make.commit()

    write(1)
    few = fewest(count_statements, lambda: admin.get("/admin/audit"))
    write(120)
    assert fewest(count_statements, lambda: admin.get("/admin/audit")) == few <= 8


def test_settings_are_saved_and_recorded(admin, look, deeds):
    values = {
        "name": "Nordlicht",
        "description": "Ours",
        "accent": "#224466",
        "contact": "us@home.test",
        "rules": "Be kind.",
        "languages": ["de"],
        "default_language": "de",
    }
    assert admin.post("/admin/settings", values).status_code == 303
    profile = settings_query.public(look())
    assert (profile.name, profile.accent, profile.languages) == ("Nordlicht", "#224466", ("de",))
    assert deeds()[0][0] == "node.settings"
    page = admin.get("/admin/settings").text
    assert "Nordlicht" in page
    assert '<option value="de" selected>' in page
    assert "Reiner Text; eine Leerzeile beginnt einen neuen Absatz." in page
    assert settings_query.get(look(), "default_language") == "de"


def test_settings_that_make_no_sense_are_kept_and_explained(admin, deeds):
    values = {
        "name": "Nordlicht",
        "description": "My text",
        "accent": "red",
        "contact": "",
        "rules": "",
        "languages": ["de", "en"],
    }
    answer = admin.post("/admin/settings", values)
    assert answer.status_code == 422
    assert 'id="accent-error"' in answer.text
    assert "My text" in answer.text
    assert 'id="name-error"' in admin.post("/admin/settings", values | {"name": " "}).text
    assert 'id="default_language-error"' in admin.post("/admin/settings", values | {"accent": "#112233", "default_language": "fr"}).text
    assert 'id="languages-error"' in admin.post("/admin/settings", values | {"accent": "#112233", "languages": []}).text
    assert deeds() == []
