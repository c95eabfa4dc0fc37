"""Content rules' page: made, listed, removed; what they hold is let go by another; versions are listed."""

from sqlalchemy import select

from node.actions import outbox
from node.actions.outbox import Draft
from node.models import Delivery, OutboundRule
from node.policy import Audience

RULE = {"name": "About money", "looks_for": "word", "value": "merger", "verdict": "hold", "scope": "node", "subject": ""}


def test_a_rule_is_made_holds_a_post_and_another_lets_it_go(admin, make, settings, look, deeds):
    make.peer()
    bo = make.member("bo")
    make.follow(make.remote(), bo.actor)
    make.commit()
    assert admin.post("/admin/rules", RULE).location == "/admin/rules"
    ways = {"settings": settings, "rules": make.rules(), "now": make.clock()}
    post = outbox.publish(make.session, bo.actor, Draft("The merger!", Audience.PUBLIC), **ways)
    make.commit()
    page = " ".join(admin.get("/admin/rules").text.split())
    for words in ("About money", "merger", "Held until somebody has looked", "The merger!", "rule.add About money"):
        assert words in page
    assert admin.post(f"/admin/rules/let-go/{post.id}").status_code == 303
    assert look().scalars(select(Delivery.state)).all() == ["waiting"]
    rule = look().scalars(select(OutboundRule)).one()
    assert admin.post(f"/admin/rules/{rule.id}/remove").status_code == 303
    assert look().scalars(select(OutboundRule)).all() == []
    assert deeds() == [("rule.add", "About money"), ("rule.let_go", str(post.id)), ("rule.remove", "About money")]


def test_the_author_reads_why_and_an_admin_cannot_let_their_own_go(admin, ada, make, settings):
    make.peer()
    make.follow(make.remote(), ada.actor)
    make.commit()
    admin.post("/admin/rules", RULE)
    ways = {"settings": settings, "rules": make.rules(), "now": make.clock()}
    post = outbox.publish(make.session, ada.actor, Draft("The merger!", Audience.PUBLIC), **ways)
    make.commit()
    page = admin.get(f"/posts/{post.id}/deliveries").text
    assert "A rule of this node holds it until somebody has looked: About money" in page
    assert "held until somebody has looked" in page
    assert "Somebody else must let your own post go." in admin.get("/admin/rules").text
    assert admin.post(f"/admin/rules/let-go/{post.id}").status_code == 403


def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(admin, look):
    answer = admin.post("/admin/rules", {**RULE, "looks_for": "pattern", "value": "("})
    assert answer.status_code == 422
    assert 'id="value-error"' in answer.text
    assert 'value="About money"' in answer.text
    assert look().scalars(select(OutboundRule)).all() == []
