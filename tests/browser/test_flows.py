"""What people do, in a real browser on a real node: from the invitation to the last edit, with and without script."""

import re

import pytest

from tests.browser.conftest import PASSWORD

pytestmark = pytest.mark.browser


def sign_in(tab, house, name="anna"):
    tab.goto(f"{house.address}/sign-in")
    tab.get_by_label(re.compile("E-mail|E-Mail")).fill(name)
    tab.get_by_label(re.compile("Password|Passwort")).fill(PASSWORD)
    tab.get_by_role("button", name=re.compile("Sign in|Anmelden")).click()
    tab.wait_for_url(f"{house.address}/")


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_from_the_invitation_to_a_post_an_answer_an_edit_and_its_end(house, visit, script):
    tab = visit(house.invite(), script=script)
    tab.get_by_label("Your name").fill("Anna Lindqvist")
    tab.get_by_label("User name").fill("anna")
    tab.get_by_label("E-mail").fill("anna@mail.test")
    tab.get_by_label("Password").fill("short")
    tab.evaluate("document.querySelector('#password').removeAttribute('minlength')") if script else tab.get_by_label("Password").fill("aaaaaaaaaaaa")
    tab.get_by_role("button", name="Come in").click()
    assert tab.locator("#password-error").is_visible()
    assert tab.get_by_label("Your name").input_value() == "Anna Lindqvist"
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Come in").click()
    tab.wait_for_url(f"{house.address}/")
    assert tab.get_by_text("Welcome. This is your home").is_visible()

    tab.get_by_label("What do you want to say?").fill("The workshop opens on **Friday**.")
    tab.get_by_role("button", name="Send").click()
    tab.wait_for_url(re.compile("/users/anna/posts/"))
    post = tab.url
    assert tab.locator("article strong").inner_text() == "Friday"

    tab.get_by_label("Your answer").fill("And there is soup.")
    tab.get_by_role("button", name="Answer", exact=True).click()
    tab.wait_for_url(lambda url: url != post)
    assert tab.get_by_text("And there is soup.").is_visible()

    tab.goto(post)
    tab.locator("article.post-open details.menu > summary").click()
    tab.get_by_role("link", name="Edit").first.click()
    tab.get_by_label("Text", exact=True).fill("The workshop opens on Saturday.")
    tab.get_by_role("button", name="Save").click()
    tab.wait_for_url(post)
    assert tab.get_by_text("The workshop opens on Saturday.").is_visible()
    tab.get_by_role("link", name="edited").first.click()
    assert tab.get_by_text("Friday").is_visible()

    tab.goto(post)
    tab.locator("article.post-open details.menu > summary").click()
    tab.get_by_role("link", name="Delete").first.click()
    tab.get_by_role("button", name="Delete for good").click()
    tab.wait_for_url(f"{house.address}/")
    assert tab.goto(post).status == 404


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_the_bar_follows_the_chosen_audience(house, visit, script):
    house.admit("anna", "Anna")
    house.admit("jo", "Jo")
    tab = visit(house.address, script=script)
    sign_in(tab, house)
    bar = tab.locator(".reach:visible")
    assert bar.inner_text() == "1 member will see this. It stays inside."
    inside = bar.evaluate("element => getComputedStyle(element).backgroundColor")
    tab.get_by_label("Who will see this?").select_option("public")
    assert "anybody who visits" in tab.locator(".reach:visible").inner_text()
    assert tab.locator(".reach:visible").count() == 1
    assert tab.locator(".reach:visible").evaluate("element => getComputedStyle(element).backgroundColor") != inside


def test_naming_somebody_changes_the_bar_at_once(house, visit):
    house.admit("anna", "Anna")
    house.admit("jo", "Jo")
    tab = visit(house.address)
    sign_in(tab, house)
    tab.get_by_label("Who will see this?").select_option("direct")
    assert "You have not named anybody yet" in tab.locator(".reach:visible").inner_text()
    with tab.expect_response(re.compile("/write/preview")):
        tab.get_by_label("What do you want to say?").press_sequentially("@jo hello")
    tab.wait_for_function("document.querySelector('.reach[data-audience=direct]').innerText.includes('1 person')")
    assert tab.locator("[data-left-over]").inner_text() == "19,991"


def test_following_somebody_and_finding_what_they_say_at_home(house, visit):
    house.admit("anna", "Anna")
    house.admit("jo", "Jo Berg")
    jo = visit(house.address)
    sign_in(jo, house, "jo")
    anna = visit(house.address)
    sign_in(anna, house)
    anna.get_by_role("link", name="People and search").click()
    anna.get_by_role("button", name="Follow Jo Berg").click()
    assert anna.get_by_text("You follow Jo Berg now.").is_visible()
    jo.goto(f"{house.address}/write")
    jo.get_by_label("What do you want to say?").fill("Good morning, house.")
    jo.get_by_role("button", name="Send").click()
    jo.wait_for_url(re.compile("/users/jo/posts/"))
    anna.goto(house.address)
    anna.get_by_text("Good morning, house.").wait_for()
    anna.get_by_role("button", name="Like").click()
    assert anna.locator(".act[aria-pressed=true]").count() == 1
    jo.get_by_role("link", name=re.compile("Notifications")).first.click()
    assert jo.get_by_text("likes your post").is_visible()
    assert jo.get_by_text("follows you now").is_visible()


def test_settings_change_the_house_at_once(house, visit):
    house.admit("anna", "Anna")
    tab = visit(house.address, width=390)
    sign_in(tab, house)
    light = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    tab.goto(f"{house.address}/settings/reading")
    tab.get_by_label("Deutsch").check()
    tab.get_by_label("Dark").check()
    tab.get_by_label("Familiarly").check()
    tab.get_by_role("button", name="Save").click()
    assert tab.get_by_text("Gespeichert.").is_visible()
    tab.goto(house.address)
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") != light
    assert tab.get_by_label("Was möchtest du sagen?").is_visible()
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    assert tab.get_by_role("navigation", name="Hauptmenü, kurz").is_visible()


def test_a_phone_reaches_every_room(house, visit):
    house.admit("anna", "Anna")
    tab = visit(house.address, width=390, script=False)
    sign_in(tab, house)
    for room in ("My profile", "Messages", "Spaces", "Bookmarks"):
        tab.locator(".topbar details.menu > summary").click()
        tab.locator(".topbar").get_by_role("link", name=room).click()
        assert tab.locator("h1").is_visible()
    tab.locator(".topbar details.menu > summary").click()
    tab.locator(".topbar").get_by_role("button", name="Sign out").click()
    tab.wait_for_url(re.compile("/sign-in"))


def test_a_german_browser_is_spoken_to_formally_in_german(house, visit):
    tab = visit(f"{house.address}/sign-in", language="de-DE")
    assert tab.get_by_role("heading", name="Willkommen bei Courtyard").is_visible()
    tab.get_by_label("E-Mail oder Name").fill("anna")
    tab.get_by_label("Passwort").fill("falsch")
    tab.get_by_role("button", name="Anmelden").click()
    assert tab.get_by_text("Name und Passwort passen nicht zusammen.").is_visible()
    assert tab.get_by_label("E-Mail oder Name").input_value() == "anna"


def test_no_page_asks_another_host_for_anything(house, visit):
    house.admit("anna", "Anna")
    tab = visit(house.address)
    asked = []
    tab.on("request", lambda request: asked.append(request.url))
    sign_in(tab, house)
    for path in ("/inside", "/notifications", "/search", "/settings", "/users/anna", "/about"):
        tab.goto(house.address + path)
    assert asked
    assert [url for url in asked if not url.startswith(house.address)] == []
