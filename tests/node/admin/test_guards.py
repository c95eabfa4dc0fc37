"""Who may enter which page: every route, for strangers, members, moderators and admins."""

from node.admin import ADMIN, MODERATOR, ROUTES
from tests.node.web.conftest import ORIGIN

EXAMPLES = {
    "<int:member_id>": "1", "<int:invitation_id>": "1", "<int:report_id>": "1", "<int:delivery_id>": "1", "<int:receipt_id>": "1",
    "<host>": "peer.test", "<int:post_id>": "1", "<int:rule_id>": "1",
}  # fmt: skip


def address(rule):
    for place, example in EXAMPLES.items():
        rule = rule.replace(place, example)
    while "<any(" in rule:
        before, _, rest = rule.partition("<any(")
        first, _, after = rest.partition(")")
        rule = before + first.split(",")[0].strip() + after.partition(">")[2]
    return f"/admin{rule}"


def routes(*roles):
    return [(method, address(rule)) for method, rule, role, _, _ in ROUTES if role in roles]


EVERY = routes(MODERATOR, ADMIN)
BUTTONS = [path for method, path in EVERY if method == "POST"]


def statuses(browser, wanted):
    """Return {(method, path): status}; every button is pressed with a valid token."""
    token = browser.token() if any(method == "POST" for method, _ in wanted) else ""
    found = {}
    for method, path in wanted:
        answer = browser.get(path) if method == "GET" else browser.post(path, token=token)
        asked = answer.status_code == 303 and answer.location.startswith("/sign-in")
        found[method, path] = 401 if asked else answer.status_code
    return found


def test_a_stranger_is_asked_to_sign_in_everywhere(stranger):
    assert set(statuses(stranger, EVERY).values()) == {401}


def test_a_member_may_enter_nothing(member):
    assert set(statuses(member, EVERY).values()) == {403}


def test_a_moderator_may_not_enter_what_is_for_admins(moderator):
    assert set(statuses(moderator, routes(ADMIN)).values()) == {403}


def test_an_admin_may_enter_everything(admin):
    found = statuses(admin, EVERY)
    assert {place: status for place, status in found.items() if status in (401, 403, 405, 500)} == {}


def test_a_moderator_sees_reports_lobby_and_what_was_turned_away(moderator):
    for path in ("/admin/", "/admin/reports", "/admin/lobby", "/admin/refusals"):
        answer = moderator.get(path)
        assert answer.status_code == 200
        for hidden in ("/admin/members", "/admin/peers", "/admin/settings", "/admin/audit", "/admin/jobs"):
            assert hidden not in answer.text
    found = {rule.split("/")[1] for _, rule, role, _, _ in ROUTES if role == MODERATOR}
    assert found == {"", "reports", "lobby", "refusals"}


def test_the_lobby_offers_a_moderator_no_decision(moderator, make):
    make.receipt("new.test")
    make.commit()
    text = moderator.get("/admin/lobby").text
    assert "new.test" in text
    assert "Admins decide" in text
    assert "checkbox" not in text


def test_a_suspended_admin_is_a_stranger(admin, ada, make, clock):
    ada.suspended_at = clock()
    make.commit()
    assert admin.get("/admin/").status_code == 303


def test_rights_end_with_the_role(admin, ada, make):
    ada.role = "member"
    make.commit()
    assert admin.get("/admin/").status_code == 403


def test_every_button_needs_a_token(admin):
    assert {admin.post(path, token=token).status_code for path in BUTTONS for token in ("", "wrong")} == {403}


def test_another_sites_form_is_refused_even_with_a_token(admin):
    token = admin.token()
    for headers in ({"Origin": "https://evil.test"}, {"Sec-Fetch-Site": "cross-site"}):
        assert {admin.post(path, token=token, headers=headers).status_code for path in BUTTONS} == {403}


def test_looking_changes_nothing(admin, deeds):
    for path in BUTTONS:
        admin.get(path)
    assert deeds() == []


def test_no_page_stays_in_a_cache_or_brings_its_own_style(admin):
    for method, path in EVERY:
        answer = admin.get(path) if method == "GET" else None
        if answer is None or answer.mimetype != "text/html" or answer.status_code != 200:
            continue
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert " style=" not in answer.text
        assert "<style" not in answer.text


def test_a_closed_node_still_lets_its_admins_in(admin):
    assert admin.post("/admin/mode/closed").location == "/admin/mode"
    assert "in force" in admin.get("/admin/mode", headers={"Origin": ORIGIN}).text
