import re
import socket

import pytest

from mnemon import Draft, methods
from mnemon.cube import Span
from mnemon.text.extract.centroid import Centroid

EVIL = '<script>alert(1)</script> & "quoted" \u202egnp.exe'


@pytest.fixture
def cube(memory):
    """Three versions of a cube, with a link and an artifact."""
    made = memory.add("The lemon tree stands on the balcony.", speaker="Ines", at="2025-03-02")
    memory.update(made.id, "The lemon tree stands in the kitchen.")
    other = memory.add("It is called Doutor Limão.", speaker="Ines", at="2025-03-02T10:00")
    memory.link(other.id, "about", made.id)
    made = memory.update(made.id, "The lemon tree stands in the kitchen now.", kind="fact")
    memory.artifacts.derive("summary", [made], b"a summary", method=methods.producer(Centroid()))
    return made


def every_address(cube):
    yield from ("/", "/?q=lemon", "/timeline", "/namespaces", "/journal", "/storage", "/add")
    yield from (f"/cubes/{cube.id}{more}" for more in ("", "?version=1", "/edit", "/purge"))


def test_search_shows_hits_and_why(browser, cube, seen):
    answer = browser().get("/", params={"q": "Where does the lemon tree stand?"})
    told = seen(answer)
    assert "The lemon tree stands in the kitchen now." in told
    assert re.search(r"words #1 matches [^#]*lemon", told)
    assert re.search(r"meaning #1 similarity 0\.\d\d", told)
    assert re.search(r"listnet #1 probability 0\.\d\d", told)
    assert "<mark>lemon</mark>" in answer.text
    assert f"/cubes/{cube.id}?" in answer.text


def test_search_tells_of_nothing_of_filters_and_of_mistakes(browser, cube, seen):
    page = browser()
    assert "Nothing relevant was found" in seen(page.get("/?q=lemon&speaker=Nobody"))
    assert "Doutor Limão" not in seen(page.get("/?q=lemon&kind=fact"))
    wrong = page.get("/?q=lemon&since=yesterday")
    assert wrong.status_code == 422 and "ISO 8601" in seen(wrong) and 'value="lemon"' in wrong.text
    assert "Up to 30 hits" not in wrong.text


def test_an_empty_store_says_what_to_do(browser, seen):
    page = browser()
    told = seen(page.get("/"))
    assert "Nothing is remembered here yet" in told and "mnemon import" in told
    for address in ("/timeline", "/namespaces", "/journal", "/storage"):
        assert page.get(address).status_code == 200


def test_one_begins_where_something_is(browser, memory, seen):
    memory.add("here", namespace="acme/ana")
    memory.add("there", namespace="bob")
    memory.add("there too", namespace="bob")
    told = seen(browser().get("/"))
    assert "2 cubes in bob" in told and "1 elsewhere" in told


def test_a_cube_shows_versions_changes_links_artifacts_and_header(browser, cube, seen):
    page = browser()
    told = seen(page.get(f"/cubes/{cube.id}"))
    assert "Versions 3" in told and "Changes from v2 to v3" in told
    assert "kind episode fact" in told
    assert "about from" in told and "It is called Doutor Limão." in told
    assert "summary fresh 9 B method:text.extract/centroid@1" in told
    assert cube.id in told and "Producer user" in told and "Speaker Ines" in told
    compared = page.get(f"/cubes/{cube.id}?old=1&new=2").text
    assert "<del>on</del>" in compared and "<ins>in</ins>" in compared
    old = seen(page.get(f"/cubes/{cube.id}?version=1"))
    assert "This is version 1 of 3" in old and "Restore version 1" in old
    assert page.get(f"/cubes/{cube.id}?version=9").status_code == 404


def test_provenance_shows_the_source(browser, memory, seen):
    first = memory.add("Ana said: the code word is plum.")
    made = memory.add(
        Draft("The code word is plum.", kind="fact", source="notes.md:3",
              spans=(Span(first.id, 1, 10, 33),), confidence=0.75)
    )  # fmt: skip
    told = seen(browser().get(f"/cubes/{made.id}"))
    assert "characters 10 to 33 the code word is plum." in told
    assert "Source notes.md:3" in told and "Confidence 0.75" in told


def test_storage_tells_fresh_from_stale(browser, cube, memory, seen):
    page = browser()
    assert "Stale 0" in seen(page.get("/storage"))
    memory.update(cube.id, "The lemon tree is gone.")
    told = seen(page.get("/storage?stale=true"))
    assert "Stale 1" in told and "summary" in told and "9 B stale" in told
    assert "summary stale" in seen(page.get(f"/cubes/{cube.id}?version=3"))


def test_text_of_a_cube_is_text_everywhere(browser, memory, seen):
    made = memory.add(
        EVIL,
        speaker=EVIL,
        session=EVIL,
        kind="<b>x",
        key="<i>",
        source="<u>",
        metadata={"<s>": EVIL},
    )
    made = memory.update(made.id, EVIL + "!")
    page = browser()
    for address in (*every_address(made), "/?q=script+quoted", f"/timeline?session={EVIL}"):
        answer = page.get(address)
        assert answer.status_code == 200, address
        assert "<script>alert" not in answer.text and "<b>x" not in answer.text
        shown = re.sub(r"<textarea.*?</textarea>|<input[^>]*>", "", answer.text, flags=re.S)
        assert "\u202e" not in shown, address
    assert "<script>alert(1)</script>" in seen(page.get("/timeline"))
    assert "U+202E" in seen(page.get("/timeline"))


def test_nothing_needs_the_internet_or_inline_scripts(browser, cube):
    page = browser()
    for address in (*every_address(cube), "/nowhere-cube", "/cubes/none"):
        answer = page.get(address)
        if address == "/nowhere-cube":
            continue
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        html = answer.text
        assert not re.search(r"<script(?![^>]*\bsrc=)", html), address
        assert not re.search(r"\s(style|on\w+)=", html), address
        for target in re.findall(r'(?:src|href|action)="([^"]*)"', html):
            assert target.startswith(("/", "#")) and not target.startswith("//"), target
        for target in set(re.findall(r'(?:src|href)="(/static/[^"]*)"', html)):
            assert page.get(target).status_code == 200


def test_pages_have_landmarks_labels_and_titles(browser, cube):
    page = browser()
    titles = set()
    for address in every_address(cube):
        html = page.get(address).text
        assert html.count("<main") == html.count("<h1") == 1, address
        assert '<html lang="en">' in html and 'href="#main"' in html and "<nav aria-label" in html
        titles.add(re.search(r"<title>(.*?)</title>", html)[1])
        for field in re.findall(r"<(?:input|textarea)\b[^>]*>", html):
            hidden = 'type="hidden"' in field
            named = re.search(rf"<label[^>]*>(?:(?!</label>).)*{re.escape(field)}", html, re.S)
            labelled = (id := re.search(r'id="(\w+)"', field)) and f'for="{id[1]}"' in html
            assert hidden or named or labelled, field
    assert len(titles) >= 9


def test_the_journal_goes_on_from_an_event(browser, memory, seen):
    memory.add("one")
    page = browser()
    newest = re.search(r'data-newest="(\d+)"', page.get("/journal").text)[1]
    assert page.get(f"/journal/events?after={newest}").text.strip() == ""
    made = memory.add("two")
    answer = page.get(f"/journal/events?after={newest}")
    assert made.id in answer.text and answer.text.count("<tr") == 1
    assert int(answer.headers["mnemon-newest"]) == int(newest) + 1
    assert page.get("/journal/events?after=x").status_code == 422


def test_long_lists_come_in_pages(browser, memory):
    for n in range(60):
        memory.add(f"note {n}", namespace=f"default/n{n:02}", at="2025-01-01")
    page = browser()
    for first in ("/journal", "/timeline"):
        address, found = f"{first}?namespace=default", []
        while address is not None:
            html = page.get(address).text
            found += re.findall(r'class="(?:id|open)"[^>]*href="/cubes/([\w-]+)', html)
            more = re.search(r'rel="next" href="([^"]+)"', html)
            address = more and more[1].replace("&amp;", "&")
        assert len(found) == len(set(found)) == 60


def test_browsers_that_hang_take_no_threads(browser, memory):
    memory.add("x")
    page = browser(threads=2)
    place = ("127.0.0.1", page.base_url.port)
    idle = [socket.create_connection(place) for _ in range(40)]
    for one in idle:
        one.sendall(b"GET /journal/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert page.get("/", params={"q": "x"}, timeout=30).status_code == 200
    for one in idle:
        one.close()


def test_without_keys_only_this_machine_is_served(browser):
    page = browser()
    for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
        answer = page.get("/", headers=headers)
        assert answer.status_code == 403 and "<main" not in answer.text


def test_the_service_lists_no_pages_among_its_routes(browser):
    paths = browser().get("/openapi.json").json()["paths"]
    assert not [
        path for path in paths if not path.startswith(("/v1", "/healthz", "/readyz", "/metrics"))
    ]
