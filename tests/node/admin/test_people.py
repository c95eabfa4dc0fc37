"""Members, invitations and reports: found, decided, recorded."""

import re

import pytest

from node.actions import invitations as invitation_actions
from node.models import Invitation, LoginSession, Member, Report
from tests.node.web.conftest import Browser


@pytest.fixture
def bo(make):
    bo = make.member("bo", email="bo@elsewhere.test")
    make.commit()
    return bo


@pytest.fixture
def report(make, bo):
    post = make.post(bo.actor)
    row = make.add(
        Report(
            id=make.id(),
            reporter=make.remote("eve"),
            target=bo.actor,
            post_ids=[post.id],
            comment="Look here",
            created_at=make.clock(),
        )
    )
    make.commit()
    return row


def test_members_are_found_by_name_address_role_and_state(admin, make, bo, clock):
    gone = make.member("zoe", role="moderator")
    gone.suspended_at = clock()
    make.commit()
    everybody = admin.get("/admin/members").text
    assert all(name in everybody for name in ("@ada", "@bo", "@zoe", "bo@elsewhere.test"))
    for query, found in (("q=elsewhere", "@bo"), ("role=moderator", "@zoe"), ("state=suspended", "@zoe"), ("q=BO", "@bo")):
        text = admin.get(f"/admin/members?{query}").text
        assert found in text
        assert ("@zoe" if found == "@bo" else "@bo") + "<" not in text
    assert "Nobody found" in admin.get("/admin/members?q=%25").text


def test_many_members_are_paged_by_name(admin, make):
    for number in range(60):
        make.member(f"p{number:03}")
    make.commit()
    first = admin.get("/admin/members").text
    assert "@p000" in first
    assert "@p059" not in first
    more = re.search(r'rel="next" href="([^"]+)"', first).group(1).replace("&amp;", "&")
    second = admin.get(more).text
    assert "@p059" in second
    assert "@p000" not in second
    assert 'rel="next"' not in second


def test_a_role_is_given_and_recorded(admin, bo, look, deeds):
    answer = admin.post(f"/admin/members/{bo.id}/role", {"role": "moderator"})
    assert answer.status_code == 303
    assert look().get(Member, bo.id).role == "moderator"
    assert ("member.role", "bo") in deeds()


def test_a_role_there_is_not_is_refused_beside_the_field(admin, bo, deeds):
    answer = admin.post(f"/admin/members/{bo.id}/role", {"role": "emperor"})
    assert answer.status_code == 422
    assert 'id="role-error"' in answer.text
    assert deeds() == []


def test_nobody_changes_their_own_role_or_access(admin, ada, look):
    page = admin.get(f"/admin/members/{ada.id}").text
    assert "Somebody else must change your own role" in page
    assert admin.post(f"/admin/members/{ada.id}/role", {"role": "member"}).status_code == 403
    assert admin.post(f"/admin/members/{ada.id}/suspend").status_code == 403
    assert look().get(Member, ada.id).role == "admin"


def test_the_last_admin_cannot_remove_themselves(admin, ada, look):
    answer = admin.post(f"/admin/members/{ada.id}/remove", {"name": "ada"})
    assert answer.status_code == 403
    assert "last admin" in answer.text
    assert look().get(Member, ada.id) is not None


def test_a_suspension_says_what_it_does_and_ends_every_session(admin, enter, bo, look, deeds):
    his = enter(bo)
    assert "signed out everywhere" in admin.get(f"/admin/members/{bo.id}/suspend").text
    assert admin.post(f"/admin/members/{bo.id}/suspend").status_code == 303
    assert look().get(Member, bo.id).suspended_at is not None
    assert his.get("/inside").status_code == 303
    assert look().query(LoginSession).filter_by(member_id=bo.id).count() == 0
    assert admin.post(f"/admin/members/{bo.id}/restore").status_code == 303
    assert look().get(Member, bo.id).suspended_at is None
    assert [verb for verb, _ in deeds()] == ["member.suspend", "member.restore"]


def test_a_removal_wants_the_name_typed(admin, bo, look, deeds):
    answer = admin.post(f"/admin/members/{bo.id}/remove", {"name": "bob"})
    assert answer.status_code == 422
    assert 'id="name-error"' in answer.text
    assert look().get(Member, bo.id) is not None
    member_id = bo.id
    assert admin.post(f"/admin/members/{member_id}/remove", {"name": "@Bo"}).location == "/admin/members"
    assert look().get(Member, member_id) is None
    assert deeds() == [("member.remove", "bo")]


def test_an_invitation_shows_its_link_once(admin, door, look, deeds, clock):
    answer = admin.post("/admin/invitations", {"email": "new@mail.test", "role": "moderator", "note": "for the desk"})
    token = re.search(r"https://home\.test/invitations/([\w-]+)", answer.text).group(1)
    assert invitation_actions.find(look(), token, clock()).email == "new@mail.test"
    listed = admin.get("/admin/invitations").text
    assert token not in listed
    assert "new@mail.test" in listed
    assert deeds()[0][0] == "invitation.create"
    assert Browser(door.test_client()).get(f"/invitations/{token}").status_code == 200


def test_a_bad_address_keeps_what_was_typed(admin, deeds):
    answer = admin.post("/admin/invitations", {"email": "not an address", "role": "admin", "note": "a note"})
    assert answer.status_code == 422
    assert 'id="email-error"' in answer.text
    assert 'value="not an address"' in answer.text
    assert 'value="a note"' in answer.text
    assert 'value="admin" selected' in answer.text
    assert deeds() == []


def test_an_invitation_is_taken_back(admin, door, look, deeds):
    answer = admin.post("/admin/invitations", {"email": "", "role": "member", "note": ""})
    token = re.search(r"/invitations/([\w-]{20,})", answer.text).group(1)
    row = look().query(Invitation).one()
    assert admin.post(f"/admin/invitations/{row.id}/revoke").status_code == 303
    assert Browser(door.test_client()).get(f"/invitations/{token}").status_code == 410
    assert [verb for verb, _ in deeds()] == ["invitation.create", "invitation.revoke"]


def test_a_report_is_read_closed_and_opened_again(moderator, report, look, deeds):
    assert "Look here" in moderator.get("/admin/reports").text
    page = moderator.get(f"/admin/reports/{report.id}").text
    assert "Hello" in page
    assert "eve" in page
    assert moderator.post(f"/admin/reports/{report.id}/close").status_code == 303
    assert look().get(Report, report.id).closed_at is not None
    assert "Look here" not in moderator.get("/admin/reports").text
    assert "Look here" in moderator.get("/admin/reports?state=closed").text
    moderator.post(f"/admin/reports/{report.id}/reopen")
    assert look().get(Report, report.id).closed_at is None
    assert [verb for verb, _ in deeds()] == ["report.close", "report.reopen"]


def test_a_report_opens_nobodys_letters(moderator, make, bo):
    letter = make.post(bo.actor, "direct", html="<p>a secret</p>")
    row = make.add(
        Report(id=make.id(), reporter=make.remote("eve"), target=bo.actor, post_ids=[letter.id], created_at=make.clock())
    )
    make.commit()
    page = moderator.get(f"/admin/reports/{row.id}").text
    assert "a secret" not in page
    assert "1 post is not shown" in page


def test_what_people_wrote_is_shown_as_text(admin, make, bo):
    evil = make.remote("mal", name="<script>alert(1)</script>")
    make.add(
        Report(id=make.id(), reporter=evil, target=bo.actor, comment="<img src=x onerror=alert(1)>", created_at=make.clock())
    )
    make.commit()
    text = admin.get("/admin/reports").text
    assert "<script>alert" not in text
    assert "<img src=x" not in text
