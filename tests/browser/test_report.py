"""The report in a browser: wide, narrow, dark and on paper; its ledger searches; it asks nothing of anybody."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REPORTS = sorted(ROOT.glob("reports/*/index.html"))
PAGES = [*REPORTS, *sorted(ROOT.glob("reports/*/notebooks/*.html"))]
VIEWS = {"wide": {"width": 1280, "height": 1000}, "narrow": {"width": 390, "height": 844}}
VIEWS["dark"] = VIEWS["wide"]


def called(path):
    return path.relative_to(ROOT / "reports").with_suffix("").as_posix().replace("/", "-")


@pytest.fixture(params=VIEWS)
def opened(browser, request):
    """Opens a page from disk; fails where it has asked for anything else than files, or has said an error."""
    scheme = "dark" if request.param == "dark" else "light"
    page, said = browser.new_page(viewport=VIEWS[request.param], color_scheme=scheme), []
    page.on("request", lambda asked: said.append(asked.url) if not asked.url.startswith(("file:", "data:")) else None)
    page.on("requestfailed", lambda asked: said.append(f"failed: {asked.url}"))
    page.on("console", lambda line: said.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))

    def opened(path):
        page.goto(path.as_uri())
        return page, request.param

    yield opened
    page.close()
    assert not said


@pytest.mark.parametrize("path", PAGES, ids=called)
def test_a_page_fits_its_window_and_is_accessible(opened, shoot, accessible, path):
    page, size = opened(path)
    shoot(page, f"{called(path)}-{size}")
    assert page.evaluate("document.documentElement.scrollWidth") <= VIEWS[size]["width"]
    if size == "dark":
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 24, 29)"
    accessible(page)
    page.evaluate("document.querySelectorAll('details').forEach(folded => folded.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= VIEWS[size]["width"]
    accessible(page)


@pytest.mark.parametrize("path", REPORTS, ids=called)
def test_the_ledger_is_searched_and_filtered(opened, shoot, path):
    page, size = opened(path)
    ledger = page.locator("#claims")
    rows, output = ledger.locator("tbody tr:visible"), ledger.locator("output")
    first, verdict, button = rows.count(), ledger.locator("select").nth(1), ledger.locator("button")
    assert output.inner_text().startswith(f"the first {first} of ")
    ledger.locator("input").fill("accuracy")
    assert rows.count() > first and not button.is_visible(), "of what is asked for, all is shown"
    ledger.locator("input").fill("")
    assert rows.count() == first
    button.click()
    total = rows.count()
    found = {}
    for name in verdict.locator("option").all_inner_texts()[1:]:
        verdict.select_option(name)
        found[name] = rows.count()
    assert sum(found.values()) == total and min(found.values()) > 0  # also of cells that say more than the verdict
    verdict.select_option("")
    assert output.inner_text() == f"{total:,} claims" and total > 1000
    assert ledger.locator(".scroll").evaluate("box => box.scrollWidth <= box.clientWidth")  # its verdicts in sight
    ledger.locator("select").nth(0).select_option("tinyfer")
    verdict.select_option("exact")
    few = rows.count()
    assert 1 < few < total and output.inner_text() == f"{few} claims"
    assert set(rows.evaluate_all("rows => rows.map(row => row.cells[5].textContent)")) == {"exact"}
    ledger.locator("input").fill("abstract parameters")
    assert 0 < rows.count() < few
    ledger.scroll_into_view_if_needed()
    shoot(page, f"{called(path)}-ledger-{size}")


@pytest.mark.parametrize("path", REPORTS, ids=called)
def test_what_a_verdict_takes_is_one_key_away(opened, path):
    page, _ = opened(path)
    page.locator("#claims button").click()  # else the first rows alone
    link = page.locator("#claims a[href^='#way-']").first
    place = link.get_attribute("href")
    link.focus()
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == place and page.locator(place).is_visible()
