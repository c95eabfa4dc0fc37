"""The brake's page: pulled, seen everywhere, released by one press; a statement passes; each act on record."""

from sqlalchemy import select

from node.actions import brakes
from node.models import Brake, BrakePass


def test_a_brake_is_pulled_seen_on_every_page_and_released(admin, ada, make, look, deeds):
    make.peer()
    make.delivery(ada.actor, "https://peer.test/inbox", post=make.post(ada.actor))
    make.commit()
    assert "No brake is on" in admin.get("/admin/brake").text
    assert "The brake is on" not in admin.get("/admin/").text
    assert admin.post("/admin/brake", {"scope": "node", "why": "a leak"}).location == "/admin/brake"
    page = admin.get("/admin/brake").text
    for words in ("everything", "Pulled by Ada", "Why: a leak", "1 delivery waits for 1 server.", "Posts that wait"):
        assert words in " ".join(page.split())
    for path in ("/admin/", "/admin/members", "/admin/peers", "/admin/settings"):
        assert "The brake is on: what it covers is not sent until it is released." in admin.get(path).text
    assert admin.post("/admin/brake/release", {"scope": "node", "subject": ""}).status_code == 303
    assert look().scalars(select(Brake)).all() == []
    assert "The brake is on" not in admin.get("/admin/").text
    assert deeds() == [("brake.on", ""), ("brake.off", "")]


def test_a_wrong_name_is_said_beside_the_field_and_what_was_typed_stays(admin, look):
    answer = admin.post("/admin/brake", {"scope": "actor", "subject": "nobody", "why": "kept"})
    assert answer.status_code == 422
    assert 'id="subject-error"' in answer.text
    assert 'value="nobody"' in answer.text
    assert "kept</textarea>" in answer.text
    assert look().scalars(select(Brake)).all() == []
    assert admin.post("/admin/brake/release", {"scope": "node"}).status_code == 404


def test_a_statement_passes_and_the_page_says_so(admin, ada, make, look, deeds):
    make.peer()
    post = make.post(ada.actor)
    waiting = make.delivery(ada.actor, "https://peer.test/inbox", post=post)
    make.commit()
    brakes.pull(make.session, "peer", "peer.test", by=None, now=make.clock())
    make.commit()
    assert "Let this pass" in admin.get("/admin/brake").text
    assert admin.post(f"/admin/brake/pass/{post.id}").status_code == 303
    assert look().scalars(select(BrakePass.activity_id)).all() == [waiting.activity_id]
    assert "passes the brake" in admin.get("/admin/brake").text
    assert deeds()[-1] == ("brake.pass", str(post.id))


def test_the_author_reads_that_the_brake_holds_it(admin, ada, make):
    make.peer()
    post = make.post(ada.actor)
    make.delivery(ada.actor, "https://peer.test/inbox", post=post)
    make.commit()
    assert "held by the brake" not in admin.get(f"/posts/{post.id}/deliveries").text
    brakes.pull(make.session, "actor", "ada", by=None, now=make.clock())
    make.commit()
    page = admin.get(f"/posts/{post.id}/deliveries").text
    assert "held by the brake" in page
    assert "The brake is on for ada" in page


def test_the_gate_explains_the_brake(admin, make):
    make.peer()
    brakes.pull(make.session, "node", by=None, now=make.clock())
    make.commit()
    page = admin.get("/admin/explain?peer=peer.test&direction=out&type=Create&audience=public").text
    assert "brake_is_on" in page
    assert "It would wait until the brake is released." in page


def test_moderators_see_the_mark_and_cannot_pull(moderator, make):
    brakes.pull(make.session, "node", by=None, now=make.clock())
    make.commit()
    assert "The brake is on" in moderator.get("/admin/").text
    assert moderator.get("/admin/brake").status_code == 403
    assert moderator.post("/admin/brake/release", {"scope": "node"}).status_code == 403


def test_an_admin_does_not_read_what_others_say_among_themselves(admin, make):
    make.peer()
    bob = make.remote()
    post = make.post(make.member("bo").actor, "direct", mentions=[bob])
    make.delivery(post.author, "https://peer.test/inbox", post=post)
    brakes.pull(make.session, "node", by=None, now=make.clock())
    make.commit()
    page = admin.get("/admin/brake").text
    assert "1 delivery waits" in page
    assert "Posts that wait" not in page
