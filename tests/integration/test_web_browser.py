"""The pages in a real Chromium: without scripts, live, by keyboard alone, under attack, dark and light, on a phone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browser import BROWSER, DRIVER, ENTER, TAB, Browser
from web_world import FIX, ISSUE, World, a_world, an_agent, serving  # noqa: F401

from hee_monitoring.web import pages

pytestmark = pytest.mark.skipif(
    not (BROWSER and DRIVER), reason="no browser: apt-get install chromium chromium-driver (.ci/run does)"
)
ALL = (
    *(
        "/",
        "/timeline",
        "/decisions",
        f"/issue/{ISSUE}",
        pages.path("fix", FIX),
        "/event/9",
        "/?at=4",
        "/nothing",
        "/alerts",
    ),
    f"/approve/{ISSUE}?reason=x",
    f"/acknowledge/{ISSUE}",
)
# Asked until it is so: just after a load, Chromium counts what scrolls in a box of its own.
FITS = "return document.documentElement.scrollWidth <= document.documentElement.clientWidth"
WIDE = """
return [...document.querySelectorAll("body *")].filter((each) => !each.parentElement.closest(".scroll")
  && each.getBoundingClientRect().right > document.documentElement.clientWidth + 1).map((each) => `${each.tagName}.${each.className}`).slice(0, 9);
"""
# Contrast of every text against what is painted behind it (WCAG 2.2, 1.4.3); gives the faults.
CONTRAST = """
const lum = (rgb) => { const [r, g, b] = rgb.map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const color = (text) => text.match(/[\\d.]+/g).map(Number);
const behind = (node) => { for (let at = node; at; at = at.parentElement) {
  const [r, g, b, a = 1] = color(getComputedStyle(at).backgroundColor); if (a > 0.99) return [r, g, b]; }
  return color(getComputedStyle(document.body).backgroundColor).slice(0, 3); };
const bad = [];
for (const node of document.querySelectorAll("body *")) {
  if (node.closest("svg") || node.closest(".only-read") || !node.checkVisibility()) continue;
  if (![...node.childNodes].some((each) => each.nodeType === 3 && each.data.trim())) continue;
  if (node.getAttribute("aria-hidden") === "true") continue;
  const style = getComputedStyle(node), one = lum(color(style.color).slice(0, 3)), two = lum(behind(node));
  const ratio = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
  const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
  if (ratio < (large ? 3 : 4.5)) bad.push(`${node.tagName}.${node.className} ${ratio.toFixed(2)} ${node.textContent.trim().slice(0, 30)}`);
}
return bad;
"""
STRUCTURE = """
const bad = [];
for (const name of ["header", "main", "footer"]) if (document.querySelectorAll(name).length !== 1) bad.push(name);
if (document.querySelectorAll("h1").length !== 1) bad.push("h1");
let last = 1;
for (const each of document.querySelectorAll("main h1, main h2, main h3")) { const level = +each.tagName[1];
  if (level > last + 1) bad.push(`jump to ${each.textContent}`); last = level; }
for (const each of document.querySelectorAll("table")) if (!each.caption) bad.push("a table without a caption");
for (const each of document.querySelectorAll("svg")) if (!each.getAttribute("aria-label") && !each.getAttribute("aria-labelledby")) bad.push("svg");
for (const each of document.querySelectorAll("input:not([type=hidden]), select, textarea")) if (!each.labels.length) bad.push(each.id);
for (const each of document.querySelectorAll("a[href]")) if (!each.textContent.trim() && !each.getAttribute("aria-label")) bad.push(each.href);
if (document.documentElement.lang !== "en") bad.push("lang");
return bad;
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as started:
        yield started


@pytest.fixture(autouse=True)
def _as_new(browser: Browser) -> None:
    """Whatever the test before left off."""
    browser.scripts(on=True)
    browser.size(1280)


@pytest.fixture(scope="module")
def site(world: World) -> Iterator[str]:
    with serving(world) as server:
        yield server.url.rstrip("/")


def test_a_hostile_log_runs_nothing_and_loads_nothing(browser: Browser, site: str) -> None:
    for path in ALL:
        browser.open(site + path)
        assert browser.run("return window.pwned") is None
        assert browser.run("return [...document.scripts].map((each) => each.src)") == [f"{site}/static/hee.js"]
        assert browser.run("return document.querySelectorAll('img:not([src^=\"/static/\"])').length") == 0
        assert [said for said in browser.complaints() if "404" not in said] == []
    browser.open(f"{site}/issue/{ISSUE}")
    assert "<script>window.pwned=1</script>" in browser.run("return document.body.innerText")
    browser.open(site + pages.path("fix", FIX))
    assert "admin⟨U+202E⟩␛[31m" in browser.run("return document.querySelector('.diff').innerText")
    # Even markup that got through would run nothing: the policy forbids it.
    browser.run("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.pwned=1\">')")
    browser.run("const s = document.createElement('script'); s.textContent = 'window.pwned=1'; document.body.append(s)")
    assert browser.run("return window.pwned") is None
    assert any("Content Security Policy" in said for said in browser.complaints())


def test_pages_are_sound_readable_and_narrow_enough_in_the_dark_and_in_the_light(browser: Browser, site: str) -> None:
    seen = set()
    for path in ALL:
        browser.open(site + path)  # once: styles follow the width and the scheme without another load
        assert browser.run(STRUCTURE) == [], path
        for width in (320, 390, 1280):
            browser.size(width, mobile=width < 600)
            for scheme in ("light", "dark"):
                browser.scheme(scheme)
                assert browser.later(FITS), (path, width, browser.run(WIDE))
        for scheme in ("light", "dark"):
            browser.scheme(scheme)
            assert browser.run(CONTRAST) == [], (path, scheme)
            seen.add(browser.run("return getComputedStyle(document.body).backgroundColor"))
    assert len(seen) == 2
    browser.size(1280)


def test_without_scripts_everything_is_there_and_the_slider_works(browser: Browser, site: str) -> None:
    browser.scripts(on=False)
    browser.open(f"{site}/timeline?type=fix.")
    text = "return document.querySelector('.events').innerText"
    assert "fix.verified" in browser.run(text)
    browser.run("document.getElementById('slider').focus()")
    browser.keys("\ue011", *["\ue014"] * 14, TAB, ENTER)  # home, right, then the button
    assert browser.later(
        "return location.search.includes('at=14') && location.search.includes('type=fix.') && document.querySelector('.past')"
    )
    assert "fix.verified" not in browser.run(text)
    assert "As of event 14" in browser.run("return document.getElementById('where').innerText")


def test_the_keyboard_alone_leads_to_an_issue_and_back(browser: Browser, site: str) -> None:
    browser.open(f"{site}/")
    browser.keys(TAB)
    assert browser.run("return document.activeElement.className") == "skip"
    assert browser.run("return document.activeElement.getBoundingClientRect().top") >= 0
    browser.keys(ENTER)
    for _ in range(30):
        browser.keys(TAB)
        assert browser.run("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
        if "/issue/" in (browser.run("return document.activeElement.href || ''")):
            break
    browser.keys(ENTER)
    assert browser.later(f"return location.pathname === '/issue/{ISSUE}' && document.querySelector('h1')")
    for _ in range(30):
        browser.keys(TAB)
        if browser.run("return document.activeElement.closest('.crumbs') !== null"):
            break
    browser.keys(ENTER)
    assert browser.later("return location.pathname === '/' && document.readyState === 'complete'")


def test_a_new_head_arrives_by_itself_and_leaves_a_form_alone(browser: Browser, agent: World) -> None:
    with serving(agent) as server:
        site = server.url.rstrip("/")
        browser.open(f"{site}/timeline")
        browser.run(
            "window.same = true; document.querySelector('#about').blur(); document.querySelector('.events a').focus()"
        )
        focused = browser.run("return document.activeElement.href")
        agent.append("the newest note")
        assert browser.later(
            "return document.querySelector('main').innerText.includes('the newest note') && window.same"
        )
        assert browser.run("return document.activeElement.href") == focused
        assert browser.run("return document.getElementById('told').textContent").startswith("Updated")
        browser.run("document.querySelector('#about').focus(); document.querySelector('#about').value = 'half a word'")
        agent.append("the last note")
        assert browser.later("return !document.getElementById('news').hidden")
        assert browser.run("return document.querySelector('#about').value") == "half a word"
        browser.open("about:blank")


def test_a_page_prints_without_its_controls(browser: Browser, site: str) -> None:
    browser.open(f"{site}/issue/{ISSUE}")
    browser.chrome("Emulation.setEmulatedMedia", media="print")
    assert browser.run(
        "return [...document.querySelectorAll('.time, nav, button')].every((each) => !each.checkVisibility())"
    )
    assert browser.run("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    browser.chrome("Emulation.setEmulatedMedia", media="")
