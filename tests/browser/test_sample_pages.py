"""Every page, wide and narrow, light and dark, in both languages: nothing an accessibility checker would complain about."""

from pathlib import Path

import pytest

from tests.browser import sample_pages
from tests.browser.preview import no_sentence

pytestmark = pytest.mark.browser

AUDIT = (Path(__file__).parent / "audit.js").read_text(encoding="utf-8").split("\n", 1)[1]
NAMES = sorted(sample_pages.pages(no_sentence))
VIEWS = [(1280, "light", "en"), (390, "dark", "de"), (320, "light", "de")]
FOCUS = """() => {
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  const style = getComputedStyle(element), box = element.getBoundingClientRect();
  const bar = document.querySelector(".tabs");
  const cover = bar && getComputedStyle(bar).display !== "none" && !bar.contains(element) ? bar.getBoundingClientRect().top : innerHeight;
  return { what: element.outerHTML.slice(0, 80), outline: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
           isCovered: box.top >= cover || box.bottom <= 0 };
}"""


@pytest.fixture(scope="module")
def tabs(chromium):
    opened = {}
    for width, theme, language in VIEWS:
        context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=theme)
        opened[width, theme, language] = context.new_page()
    yield opened
    for tab in opened.values():
        tab.context.close()


@pytest.mark.parametrize("name", NAMES)
def test_a_page_has_nothing_to_complain_about(tabs, samples, name):
    problems = []
    for (width, theme, language), tab in tabs.items():
        answer = tab.goto(f"{samples}/page/{name}?language={language}")
        assert answer.status == 200
        problems += [f"{width} {theme} {language}: {problem}" for problem in tab.evaluate(f"({AUDIT})()")]
    assert problems == []


@pytest.mark.parametrize("width", [1280, 390])
def test_the_button_keeps_its_distance_from_the_last_choice(chromium, samples, width):
    context = chromium.new_context(viewport={"width": width, "height": 800})
    tab = context.new_page()
    tab.goto(f"{samples}/page/settings-profile")
    button, last = tab.get_by_role("button", name="Save").bounding_box(), tab.locator(".check").last.bounding_box()
    assert button["y"] - (last["y"] + last["height"]) >= 16
    context.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_what_may_be_chosen_in_a_poll_stands_beside_its_button(chromium, samples, width):
    context = chromium.new_context(viewport={"width": width, "height": 800})
    tab = context.new_page()
    tab.goto(f"{samples}/page/home")
    button, label = tab.locator("#option-3").bounding_box(), tab.locator("label[for=option-3]").bounding_box()
    assert 0 < label["x"] - (button["x"] + button["width"]) <= 16
    context.close()


@pytest.mark.parametrize("name", ["home", "thread", "settings-profile", "sign-in", "search", "deliveries"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_keyboard_gets_everywhere_and_the_focus_is_seen(chromium, samples, name, width):
    context = chromium.new_context(viewport={"width": width, "height": 800})
    tab = context.new_page()
    tab.goto(f"{samples}/page/{name}")
    tab.evaluate("document.activeElement.blur()")
    seen = []
    for _ in range(60):
        tab.keyboard.press("Tab")
        focus = tab.evaluate(FOCUS)
        if focus is None:
            break
        seen.append(focus["what"])
        assert focus["outline"], focus["what"]
        assert not focus["isCovered"], focus["what"]
    context.close()
    assert len(set(seen)) >= 4
    assert name == "sign-in" or "skip" in seen[0]
