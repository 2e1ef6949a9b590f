"""The page in a real browser: a headless Chromium, driven over its debugging protocol."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mnemon import Memory
from mnemon.server.keys import beside
from mnemon.server.settings import Settings

CHROMIUM = os.environ.get("MNEMON_CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None,
    reason="no Chromium: `apt-get install chromium`, or say where with MNEMON_CHROMIUM",
)
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--renderer-process-limit=1", "--process-per-site",
]  # fmt: skip


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS, headless=True)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("page") / "served.db"


@pytest.fixture(scope="module")
def url(place: Path, server_running: Any) -> Iterator[str]:
    """One server for all of these tests; each works in a namespace of its own."""
    with server_running(Settings(place, port=0)) as url:
        yield url


@pytest.fixture
def memory(place: Path, url: str) -> Iterator[Memory]:
    with Memory(place) as memory:
        yield memory


@pytest.fixture(scope="module")
def page(chromium: Any, url: str) -> Iterator[tuple[Any, list[str]]]:
    """One tab for most of these tests, and what was wrong in it: each costs a start of its own."""
    context = chromium.new_context(base_url=url, reduced_motion="reduce")
    wrong = _watched(context, url)
    yield context.new_page(), wrong
    context.close()


@pytest.fixture
def tab(page: tuple[Any, list[str]]) -> Iterator[Any]:
    """The tab, which remembers nothing. It fails its test for an error in the console or a request
    to elsewhere."""
    tab, wrong = page
    tab.emulate_media(color_scheme="light")
    tab.set_viewport_size({"width": 1280, "height": 720})
    tab.goto("/login")
    tab.evaluate("localStorage.clear()")
    wrong.clear()
    yield tab
    tab.goto("about:blank")
    assert wrong == []


def _watched(context: Any, url: str) -> list[str]:
    wrong: list[str] = []
    context.on("console", lambda m: m.type in ("error", "warning") and wrong.append(m.text))
    context.on("weberror", lambda error: wrong.append(str(error.error)))
    context.on(
        "request",
        lambda asked: asked.url.startswith((url, "data:")) or wrong.append(asked.url),
    )
    return wrong


def test_search_edit_forget_and_undo(tab, memory):
    made = memory.add("Ana lives in Lisbon.", namespace="a", speaker="Ana")
    tab.goto("/?namespace=a")
    tab.get_by_label("What do you want to know?").fill("Where does Ana live?")
    tab.get_by_role("button", name="Search").click()
    tab.get_by_role("heading", name="1 hit").wait_for()
    assert tab.get_by_role("status").inner_text() == "1 hit"
    assert "q=Where+does+Ana+live" in tab.url and "1 hit" in tab.title()
    assert "meaning #1" in tab.get_by_role("list", name="Why it was found").inner_text()
    tab.get_by_role("link", name="Ana lives in Lisbon.").click()
    tab.get_by_role("link", name="Edit").click()
    tab.get_by_label("Text").fill("Ana lives in Porto.")
    tab.get_by_role("button", name="Save").click()
    tab.get_by_text("Version 2 is saved.").wait_for()
    tab.get_by_role("button", name="Undo").click()
    tab.get_by_text("saved as version 3").wait_for()
    assert memory.get(made.id, namespace="a").content == "Ana lives in Lisbon."
    tab.get_by_role("button", name="Forget").click()
    tab.get_by_text("Forgotten: 1 cube").wait_for()
    assert memory.count(namespace="a") == 0
    tab.get_by_role("button", name="Undo").click()
    tab.get_by_text("It is back, as version 4").wait_for()
    assert memory.count(namespace="a") == 1


def test_a_purge_is_typed_and_leaves_a_receipt(tab, memory):
    made = memory.add("the secret", namespace="purge")
    tab.goto(f"/cubes/{made.id}?namespace=purge")
    tab.get_by_role("link", name="Purge…").click()
    tab.get_by_role("heading", name="This cannot be undone").wait_for()
    tab.get_by_label("Type").fill(made.id[-8:])
    tab.get_by_role("button", name="Purge for good").click()
    tab.get_by_role("heading", name="Purged").wait_for()
    assert made.id in tab.get_by_role("main").inner_text()


def test_everything_by_the_keyboard(tab, memory):
    made = memory.add("Ben rows on the Alster.", namespace="keys")
    memory.add("Ben has a boat.", namespace="keys")
    tab.goto("/timeline?namespace=keys")
    tab.keyboard.press("Tab")
    assert _focused(tab) == "Skip to the content"
    assert tab.evaluate("document.activeElement.getBoundingClientRect().top") >= 0
    tab.keyboard.press("/")
    tab.wait_for_function("document.activeElement.id === 'q'")
    tab.keyboard.type("rows on the Alster")
    tab.keyboard.press("Enter")
    tab.get_by_role("heading", name="hit").wait_for()
    tab.keyboard.press("Escape")
    tab.keyboard.press("j")
    assert _focused(tab) == "Ben rows on the Alster."
    assert tab.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    tab.keyboard.press("j")
    assert _focused(tab) == "Ben has a boat."
    tab.keyboard.press("k")
    tab.keyboard.press("Enter")
    tab.get_by_role("heading", name="Cube").wait_for()
    _tab_to(tab, "Edit")
    tab.keyboard.press("Enter")
    tab.get_by_role("heading", name="Edit").wait_for()
    tab.keyboard.press("End")
    tab.keyboard.type(" Often.")
    _tab_to(tab, "Save")
    tab.keyboard.press("Enter")
    tab.get_by_text("Version 2 is saved.").wait_for()
    assert memory.get(made.id, namespace="keys").content == "Ben rows on the Alster. Often."
    _tab_to(tab, "Undo")
    tab.keyboard.press("Enter")
    tab.get_by_text("saved as version 3").wait_for()


def _focused(tab: Any) -> str:
    return str(tab.evaluate("document.activeElement.innerText.trim()"))


def _tab_to(tab: Any, name: str) -> None:
    for _ in range(40):
        if _focused(tab) == name:
            return
        tab.keyboard.press("Tab")
    raise AssertionError(f"40 steps do not lead to {name!r}")


def test_the_journal_is_live_and_can_be_paused(tab, memory):
    memory.add("one", namespace="live")
    tab.goto("/journal?namespace=live")
    rows = tab.locator("tr.event")
    assert rows.count() == 1
    made = memory.add("two", namespace="live")
    tab.locator(f'tr.event a[href*="{made.id}"]').wait_for()
    assert rows.count() == 2
    assert "new event" in tab.get_by_role("status").inner_text()
    tab.get_by_role("button", name="Live").click()
    assert tab.get_by_role("button", name="Paused").get_attribute("aria-pressed") == "false"


def test_dark_and_light_by_the_system_and_by_the_switch(tab, memory):
    memory.add("x", namespace="dark")
    for system in ("dark", "light"):
        tab.emulate_media(color_scheme=system)
        tab.goto("/?namespace=dark")
        assert (_ground(tab) < 60) == (system == "dark")
        switch = tab.get_by_role("button", name="Theme")
        switch.click()
        assert switch.inner_text() == "Theme: light" and _ground(tab) > 200
        switch.click()
        assert switch.inner_text() == "Theme: dark" and _ground(tab) < 60
        tab.reload()
        assert _ground(tab) < 60
        tab.evaluate("localStorage.clear()")


def _ground(tab: Any) -> int:
    color = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    return int(color.split("(")[1].split(",")[0])


def test_without_scripts_it_reads_and_writes(chromium, url, memory):
    made = memory.add("Miso is a cat.", namespace="plain")
    context = chromium.new_context(base_url=url, java_script_enabled=False)
    tab = context.new_page()
    tab.goto("/?namespace=plain")
    tab.get_by_label("What do you want to know?").fill("cat")
    tab.get_by_role("button", name="Search").click()
    tab.get_by_role("link", name="Miso is a cat.").click()
    tab.get_by_role("button", name="Forget").click()
    tab.get_by_role("button", name="Undo").click()
    assert tab.get_by_text("It is back, as version 2").count() == 1
    for hidden in ("Theme", "Copy", "Live"):
        assert tab.get_by_role("button", name=hidden).count() == 0
    assert memory.get(made.id, namespace="plain").version == 2
    context.close()


def test_what_a_cube_holds_is_never_run(tab, memory):
    evil = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>"
    made = memory.add(evil, namespace="evil", speaker=evil, session=evil)
    memory.update(made.id, evil + evil, namespace="evil")
    for address in ("/?q=img&", "/timeline?", "/journal?", f"/cubes/{made.id}?"):
        tab.goto(f"{address}namespace=evil")
        assert tab.title() != "run" and tab.locator("main img").count() == 0
    tab.goto("/?namespace=evil")
    tab.get_by_label("What do you want to know?").fill("img")
    tab.get_by_role("button", name="Search").click()
    tab.get_by_role("heading", name="1 hit").wait_for()
    assert tab.title() != "run" and tab.locator("main img").count() == 0


def test_nothing_is_wrong_for_axe_and_nothing_is_too_wide(tab, memory):
    from axe_playwright_python.sync_playwright import Axe

    made = memory.add("The lemon tree is called Doutor Limão. " * 8, namespace="axe", speaker="I")
    made = memory.update(made.id, "x" * 300, namespace="axe", kind="fact")
    memory.link(made.id, "about", memory.add("a tree", namespace="axe").id, namespace="axe")
    cube = f"/cubes/{made.id}"
    few = ["/?q=tree&", f"{cube}?", "/journal?"]
    more = [
        "/?",
        "/timeline?",
        "/namespaces?",
        "/storage?",
        "/add?",
        f"{cube}/edit?",
        f"{cube}/purge?",
    ]
    for scheme, width, addresses in (("light", 390, few + more), ("dark", 1200, few)):
        tab.emulate_media(color_scheme=scheme)
        tab.set_viewport_size({"width": width, "height": 800})
        for address in [f"{one}namespace=axe" for one in addresses]:
            tab.goto(address)
            found = Axe().run(tab)
            assert found.violations_count == 0, found.generate_report()
            assert tab.evaluate("document.documentElement.scrollWidth") <= width, address


def test_words_without_end_make_nothing_wide(tab, memory):
    word = "x" * 150
    made = memory.acting(word).add(
        f"endless {word}", namespace=f"wide/{word}", speaker=word, session=word, kind=word[:60],
        metadata={word: word},
    )  # fmt: skip
    for width in (1280, 360):
        tab.set_viewport_size({"width": width, "height": 700})
        for address in ("/?q=endless", "/timeline?", "/namespaces?", "/journal?",
                        f"/cubes/{made.id}?", f"/cubes/{made.id}/purge?"):  # fmt: skip
            tab.goto(f"{address}&namespace=wide")
            assert tab.evaluate("document.documentElement.scrollWidth") <= width, address


def test_signing_in_with_a_key(chromium, tmp_path, server_running):
    place = tmp_path / "keyed.db"
    with Memory(place) as memory:
        made = memory.add("mine", namespace="acme/ana")
    token, _ = beside(place).add("ana", ["acme/ana"], ("read",))
    with server_running(Settings(place, port=0)) as url:
        context = chromium.new_context(base_url=url)
        wrong = _watched(context, url)
        tab = context.new_page()
        tab.goto(f"/cubes/{made.id}?namespace=acme/ana")
        tab.get_by_label("API key").fill(token)
        tab.keyboard.press("Enter")
        tab.get_by_role("heading", name="Cube").wait_for()
        assert token not in tab.url and tab.get_by_text("mine").count()
        assert tab.get_by_role("link", name="Edit").count() == 0
        (cookie,) = context.cookies()
        assert cookie["httpOnly"] and cookie["sameSite"] == "Strict"
        assert token not in cookie["value"] and tab.evaluate("document.cookie") == ""
        tab.get_by_role("button", name="Sign out").click()
        tab.get_by_role("heading", name="Sign in").wait_for()
        context.close()
        assert wrong == []
