"""The administration in a real browser: deciding with and without script, by keyboard, on a phone, and under the checker's eyes."""

import re
import socket
from datetime import timedelta
from pathlib import Path

import pytest

from node.actions import ledger
from node.application import build
from node.config import load
from node.database import db, utc_now
from node.models import AuditEntry, Errand, Refusal, Report
from tests.browser.conftest import PASSWORD, House, serving
from tests.node.actions.test_ledger import a_line
from tests.support.clocks import Clock
from tests.support.databases import copy_sqlite, make_sqlite
from tests.support.factories import Factory

pytestmark = pytest.mark.browser

AUDIT = (Path(__file__).parent / "audit.js").read_text(encoding="utf-8").split("\n", 1)[1]
VIEWS = [(1280, "light", "en"), (390, "dark", "en"), (320, "dark", "de")]
LONG = "a-server-whose-name-somebody-thought-was-a-good-idea.community.regional.test"
PAGES = (
    "/", "/members", "/members/{mo}", "/members/{mo}/suspend", "/members/{mo}/remove", "/members?q=nobody", "/invitations", "/reports",
    "/reports/{report}", "/peers", "/peers?state=undecided", "/peers/add", "/peers/move", f"/peers/at/{LONG}", f"/peers/at/{LONG}/blocked",
    "/peers/at/good.test/partner", "/peers/at/good.test/forget", "/lobby", "/lobby/decide?host=new.test&state=allowed", "/mode",
    "/mode/closed", "/mode/open", "/deliveries", "/deliveries?state=waiting", "/jobs", "/refusals", "/explain",
    "/explain?peer=evil.test&direction=in&type=Create", "/audit", "/settings", "/ledger", f"/ledger?host={LONG}",
    "/ledger?object={post}", "/ledger?object=nothing",
)  # fmt: skip
FOCUS = """() => {
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  const style = getComputedStyle(element);
  return { what: element.outerHTML.slice(0, 80), outline: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 };
}"""


@pytest.fixture
def house(tmp_path):
    """A node with all that an admin may meet; `house.ids` has the ids of some rows."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    make_sqlite(tmp_path / "empty.sqlite3")
    url = copy_sqlite(tmp_path / "empty.sqlite3", tmp_path)
    settings = load(
        {"COURTYARD_DOMAIN": f"127.0.0.1:{port}", "COURTYARD_RATE_LIMITS": "off", "COURTYARD_DATABASE_URL": url}, tmp_path
    )
    app = build(settings, doors=("web", "admin", "media"))
    with serving(app, port) as address:
        house = House(app, address)
        house.admit("ada", "Ada Nordlicht", role="admin")
        with app.app_context():
            house.ids = fill(Factory(db.session(), settings, Clock(utc_now() - timedelta(hours=1))))
        yield house
    with app.app_context():
        db.engine.dispose()


def fill(make):
    at = make.clock()
    mo = make.member("mo", role="moderator")
    make.peer("good.test", note="We know them.")
    make.peer("evil.test", "blocked")
    make.peer(LONG, "limited")
    make.host(LONG, software="mastodon", version="4.3.0+glitch.0123456789", last_success_at=at)
    make.host("down.test", closed_until=utc_now() + timedelta(hours=1), last_failure_at=at, last_reason="connection timed out")
    eve = make.remote("eve", LONG, name="Eve mit einem Namen, der länger ist als die meisten anderen Namen hier")
    make.follow(eve, mo.actor)
    make.follow(mo.actor, eve)
    post = make.post(eve)
    for kind in ("Follow", "Create"):
        make.receipt("new.test", kind, actor_uri="https://new.test/users/kalle")
    make.receipt("good.test", "Create", "parked", reason="ValueError: no options", attempts=5)
    make.delivery(mo.actor, "https://down.test/inbox", attempts=3)
    make.delivery(mo.actor, "https://good.test/inbox", state="failed", reason="500 Internal Server Error", attempts=14)
    report = make.add(
        Report(id=make.id(), reporter=eve, target=mo.actor, post_ids=[post.id], comment="Bitte ansehen", created_at=at)
    )
    reasons = [{"code": "peer_blocked", "verdict": "refuse", "subject": "evil.test"}]
    refused = {
        "kind": "Like",
        "actor_uri": "https://evil.test/users/mal",
        "verdict": "refuse",
        "reasons": reasons,
        "created_at": at,
    }
    make.add(Refusal(id=make.id(), direction="in", host="evil.test", **refused))
    make.add(AuditEntry(id=make.id(), verb="peer.blocked", subject="evil.test", details={"before": "allowed"}, created_at=at))
    make.add(Errand(id=make.id(), kind="actor", uri="https://good.test/users/a", due_at=at))
    ours = make.post(mo.actor)
    about = {"object_uri": ours.uri, "post_id": ours.id}
    for host, values in ((LONG, {}), ("good.test", {"state": "unknown", "answer": 0}), ("good.test", {"channel": "get", "kind": "Read"})):
        ledger.append(make.session, [a_line(1, host=host, reasons=f"peer_is_limited:{host}", **about, **values)], at)
    ledger.count_reads(make.session, {(ours.id, "page", at.date()): 1234})
    make.commit()
    return {"mo": mo.id, "report": report.id, "post": ours.id}


def sign_in(tab, house):
    tab.goto(f"{house.address}/sign-in")
    tab.get_by_label(re.compile("E-mail|E-Mail")).fill("ada")
    tab.get_by_label(re.compile("Password|Passwort")).fill(PASSWORD)
    tab.get_by_role("button", name=re.compile("Sign in|Anmelden")).click()
    tab.wait_for_url(f"{house.address}/")


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_an_admin_looks_decides_and_finds_it_on_record(house, visit, script):
    tab = visit(house.address, script=script)
    sign_in(tab, house)
    tab.get_by_role("link", name="Administration").first.click()
    tab.get_by_role("link", name="1 server waits in the lobby").click()
    tab.get_by_label("Choose new.test").check()
    tab.get_by_role("button", name="Let in…").click()
    assert tab.get_by_text("2 things kept in the lobby take effect at once.").is_visible()
    tab.get_by_role("button", name="Let in").click()
    assert tab.get_by_text("1 server is let in. What it asked for takes effect now.").is_visible()
    assert tab.get_by_text("Nobody waits").is_visible()

    tab.get_by_role("link", name="All servers").click()
    tab.get_by_role("link", name=LONG).click()
    tab.get_by_role("link", name="Block…").click()
    assert tab.get_by_text("1 person there follows somebody here and no longer gets anything.").is_visible()
    tab.get_by_label("Note").fill("Wrote to everybody.")
    tab.get_by_role("button", name="Block", exact=True).click()
    assert tab.get_by_text("Wrote to everybody.").is_visible()

    tab.get_by_role("link", name="Federation mode").click()
    tab.get_by_role("link", name="Close the node…").click()
    tab.get_by_role("button", name="Close the node").click()
    assert tab.get_by_role("heading", name="Closed in force").is_visible()

    tab.get_by_role("link", name="This node").click()
    tab.get_by_role("link", name="Who did what").click()
    done = tab.locator("tbody tr").all_inner_texts()
    assert ["federation mode" in done[0], LONG in done[1], "new.test" in done[2]] == [True, True, True]


def test_an_invitation_goes_from_the_form_to_the_person(house, visit):
    tab = visit(house.address)
    sign_in(tab, house)
    tab.goto(f"{house.address}/admin/invitations")
    tab.get_by_label("E-mail").fill("a..b@mail.test")
    tab.get_by_label("Note").fill("the new one")
    tab.get_by_role("button", name="Make a link").click()
    assert tab.locator("#email-error").is_visible()
    assert tab.get_by_label("Note").input_value() == "the new one"
    tab.get_by_label("E-mail").fill("jo@mail.test")
    tab.get_by_role("button", name="Make a link").click()
    link = tab.get_by_label("One-time link").input_value()
    guest = visit(link)
    assert guest.get_by_role("heading", name="Come in to Courtyard").is_visible()
    tab.get_by_role("link", name="Done").click()
    tab.get_by_role("button", name="Take back the invitation for jo@mail.test").click()
    assert guest.goto(link).status == 410


def test_no_page_has_anything_to_complain_about(house, chromium):
    problems = []
    for width, theme, language in VIEWS:
        context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=theme, locale=language)
        tab = context.new_page()
        sign_in(tab, house)
        for page in PAGES:
            answer = tab.goto(f"{house.address}/admin{page.format(**house.ids)}")
            assert answer.status == 200, page
            problems += [f"{page} {width} {theme} {language}: {problem}" for problem in tab.evaluate(f"({AUDIT})()")]
            aside = tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            problems += [f"{page} {width} {language}: {aside} px too wide"] if aside > 0 else []
        context.close()
    assert problems == []


@pytest.mark.parametrize("page", ["/lobby", "/peers/at/good.test/blocked", "/explain"])
def test_the_keyboard_gets_everywhere_and_the_focus_is_seen(house, visit, page):
    tab = visit(house.address)
    sign_in(tab, house)
    tab.goto(f"{house.address}/admin{page}")
    tab.evaluate("document.activeElement.blur()")
    seen = []
    for _ in range(80):
        tab.keyboard.press("Tab")
        focus = tab.evaluate(FOCUS)
        if focus is None:
            break
        seen.append(focus)
    assert all(focus["outline"] for focus in seen)
    wanted = tab.evaluate(
        """document.querySelectorAll("main a[href], main button, main select, main textarea, main input:not([type=hidden])").length"""
    )
    inside = tab.evaluate(
        """[...document.querySelectorAll("main input[type=radio]")].length - new Set([...document.querySelectorAll("main input[type=radio]")].map(one => one.name)).size"""
    )
    assert len(seen) >= wanted - inside


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_phone_shows_every_room_and_the_one_it_is_in(house, visit, language):
    tab = visit(house.address, width=390, language=language, script=False)
    sign_in(tab, house)
    for page in ("/audit", "/settings", "/explain"):
        tab.goto(f"{house.address}/admin{page}")
        boxes = [link.bounding_box() for link in tab.locator(".admin-rooms a, .admin-doors a").all()]
        assert [box for box in boxes if box["x"] < 0 or box["x"] + box["width"] > 390] == []
