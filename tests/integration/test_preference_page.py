"""The preference page and the unsubscribe page, as a person meets them in a browser."""

import warnings
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from notify.pipeline.preference_links import Link
from tests.browser import PROGRAM, running_browser, screenshot
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Pipeline, Time
from tests.integration.hosted import section, topic, url, wanted

pytestmark = pytest.mark.skipif(not PROGRAM, reason="NO PAGE IS TESTED IN A BROWSER: no chromium")
if not PROGRAM:
    warnings.warn("chromium is not installed, so no page is tested in a browser", stacklevel=1)

SAVE = "Save preferences"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as started:
        yield started


@pytest.fixture(params=[True, False], ids=["javascript", "no javascript"])
def context(browser: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    opened = browser.new_context(java_script_enabled=request.param, viewport={"width": 390, "height": 844})
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page of a phone's size; what its policy forbids, and what it loads from elsewhere, is an error."""
    opened, said, loaded = context.new_page(), [], []
    opened.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    opened.on("request", lambda one: loaded.append(one.url))
    yield opened
    assert [text for text in said if "Content Security Policy" in text] == []
    assert {url.split("/preferences/")[0] for url in loaded} <= {opened.url.split("/preferences/")[0]}


@pytest.fixture
def workspace(sandbox: Api, configured: Configure) -> Api:
    """Reached under the URL that it listens at."""
    configured(public_url=sandbox.base_url)
    return sandbox


def test_choosing(workspace: Api, page: Page) -> None:
    orders, news = section(workspace), section(workspace, "News", description="What is new with us")
    shipping = topic(workspace, orders, "Shipping", description="When your parcel leaves",
                     allowed_preferences=["channel_preferences"])  # fmt: skip
    topic(workspace, orders, "Receipts", "REQUIRED")
    letter = topic(workspace, news, "Newsletter", "OPTED_OUT")
    page.goto(url(Link.PAGE))
    expect(page.get_by_role("switch", name="Receipts")).to_be_disabled()
    expect(page.get_by_role("switch", name="Receipts")).to_be_checked()
    expect(page.get_by_role("switch", name="Newsletter")).not_to_be_checked()
    page.get_by_role("switch", name="Newsletter").check()
    page.get_by_role("group", name="Shipping: how to tell you").get_by_label("E-mail").uncheck()
    page.get_by_role("button", name=SAVE).click()
    expect(page.get_by_role("status")).to_have_text("Your preferences are saved.")
    expect(page.get_by_role("switch", name="Newsletter")).to_be_checked()
    assert wanted(workspace, letter)["status"] == "OPTED_IN"
    assert wanted(workspace, shipping)["custom_routing"] == ["sms"]
    screenshot(page, "preference-page")
    page.get_by_role("switch", name="Shipping").uncheck()
    page.get_by_role("button", name=SAVE).click()
    left = wanted(workspace, shipping)
    assert (left["status"], left["custom_routing"]) == ("OPTED_OUT", ["sms"])
    changed = [one["topic_name"] for one in workspace.get("/preferences/logs").json()["items"]]
    assert sorted(changed) == ["Newsletter", "Shipping", "Shipping"], "what was not touched is not written"


def test_the_keyboard_is_enough(workspace: Api, page: Page) -> None:
    first = topic(workspace, section(workspace), "Shipping")
    page.goto(url(Link.PAGE))
    page.keyboard.press("Tab")
    expect(page.get_by_role("switch", name="Shipping")).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name=SAVE)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_be_visible()
    assert wanted(workspace, first)["status"] == "OPTED_OUT"


def test_a_choice_without_a_channel_is_asked_about(workspace: Api, page: Page) -> None:
    inside = section(workspace)
    first = topic(workspace, inside, "Shipping", allowed_preferences=["channel_preferences"])
    second = topic(workspace, inside, "Returns")
    page.goto(url(Link.PAGE))
    page.get_by_label("E-mail").uncheck()
    page.get_by_label("Text message").uncheck()
    page.get_by_role("switch", name="Returns").uncheck()
    page.get_by_role("button", name=SAVE).click()
    expect(page.get_by_role("alert")).to_contain_text("Shipping")
    expect(page.get_by_label("E-mail")).not_to_be_checked()
    expect(page.get_by_role("switch", name="Returns")).not_to_be_checked()
    assert "Error" in page.title()
    assert wanted(workspace, first)["has_custom_routing"] is False
    assert wanted(workspace, second)["status"] == "OPTED_IN", "all of it or nothing"


def test_a_topic_is_put_off_for_a_while(workspace: Api, page: Page, pipeline: Pipeline, time: Time) -> None:
    inside = section(workspace)
    offers = topic(workspace, inside, "Offers", allowed_preferences=["snooze"])
    topic(workspace, inside, "Shipping")
    told = {
        "to": {"user_id": "ada", "email": "ada@example.com"},
        "preferences": {"subscription_topic_id": offers},
    }

    def ending() -> tuple[str, str | None]:
        sent = workspace.send(**told)
        pipeline.drain()
        return workspace.ending(sent)

    page.goto(url(Link.PAGE))
    pause = page.get_by_label("Offers: pause")
    expect(page.get_by_label("Shipping: pause")).to_have_count(0)
    pause.select_option("for a week")
    page.get_by_role("button", name=SAVE).click()
    expect(page.get_by_role("status")).to_be_visible()
    expect(page.get_by_role("switch", name="Offers")).to_be_checked()
    expect(pause.locator("option:checked")).to_contain_text("until ")
    screenshot(page, "preference-page-paused")
    assert ending() == ("UNDELIVERABLE", "UNSUBSCRIBED")
    page.get_by_role("button", name=SAVE).click()
    assert len(workspace.get("/preferences/logs").json()["items"]) == 1, "it stays as it is"
    time.passes(seconds=8 * 24 * 3600)
    assert wanted(workspace, offers)["status"] == "OPTED_IN"
    assert ending()[0] == "SENT"
    page.goto(url(Link.PAGE))
    expect(pause.locator("option:checked")).to_have_text("not paused")


def test_what_is_put_off_is_taken_up_again_or_left(workspace: Api, page: Page) -> None:
    offers = topic(workspace, section(workspace), "Offers", allowed_preferences=["snooze"])
    for choice, status in (("not paused", "OPTED_IN"), (None, "OPTED_OUT")):
        page.goto(url(Link.PAGE))
        page.get_by_label("Offers: pause").select_option("for a day")
        page.get_by_role("button", name=SAVE).click()
        if choice:
            page.get_by_label("Offers: pause").select_option(choice)
        else:
            page.get_by_role("switch", name="Offers").uncheck()
        page.get_by_role("button", name=SAVE).click()
        expect(page.get_by_role("status")).to_be_visible()
        assert wanted(workspace, offers)["status"] == status
        if choice:
            expect(page.get_by_role("switch", name="Offers")).to_be_checked()
        else:
            expect(page.get_by_role("switch", name="Offers")).not_to_be_checked()


def test_who_paused_a_topic_may_still_leave_it(workspace: Api, page: Page) -> None:
    offers = topic(workspace, section(workspace), "Offers", allowed_preferences=["snooze"])
    page.goto(url(Link.PAGE))
    page.get_by_label("Offers: pause").select_option("for a day")
    page.get_by_role("button", name=SAVE).click()
    page.goto(url(Link.UNSUBSCRIBE, offers))
    page.get_by_role("button", name="Unsubscribe").click()
    expect(page.get_by_role("status")).to_be_visible()
    page.goto(url(Link.PAGE))
    expect(page.get_by_role("switch", name="Offers")).not_to_be_checked()


def test_it_shows_what_was_published(workspace: Api, page: Page) -> None:
    inside = section(workspace)
    first, second = topic(workspace, inside, "Shipping"), topic(workspace, inside, "Old")
    published = workspace.post("/preferences/publish", {"heading": "Your choice"}).json()
    at = f"/preferences/sections/{inside}/topics"
    workspace.put(f"{at}/{first}", {"name": "Parcels", "default_status": "REQUIRED"})
    workspace.delete(f"{at}/{second}")
    topic(workspace, inside, "New")
    page.goto(url(Link.PAGE))
    expect(page.get_by_role("heading", level=1)).to_have_text("Your choice")
    expect(page.get_by_role("switch")).to_have_count(1)
    expect(page.get_by_role("switch", name="Shipping")).to_be_disabled()
    page.goto(published["preview_url"])
    expect(page.get_by_role("switch")).to_have_count(2)
    expect(page.get_by_role("switch", name="New")).to_be_visible()
    expect(page.get_by_role("button", name=SAVE)).to_have_count(0)


def test_what_people_wrote_is_text(workspace: Api, page: Page) -> None:
    evil = "<script>document.title='owned'</script><img src=x onerror=alert(1)>"
    topic(workspace, section(workspace, evil), evil, description=evil)
    workspace.post("/preferences/publish", {"heading": evil})
    page.goto(url(Link.PAGE))
    expect(page.get_by_role("heading", level=1)).to_have_text(evil)
    assert page.title() == evil
    assert page.locator("main script, main img").count() == 0


# --- unsubscribing -------------------------------------------------------------------------------


def test_a_scanner_that_follows_a_link_unsubscribes_nobody(workspace: Api, page: Page) -> None:
    first = topic(workspace, section(workspace), "Shipping")
    page.goto(url(Link.UNSUBSCRIBE, first))
    expect(page.get_by_role("heading", level=1)).to_have_text("Unsubscribe?")
    assert wanted(workspace, first)["status"] == "OPTED_IN"
    page.get_by_role("button", name="Unsubscribe").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are unsubscribed")
    assert wanted(workspace, first)["status"] == "OPTED_OUT"
    page.get_by_role("link", name="See all your preferences").click()
    expect(page.get_by_role("switch", name="Shipping")).not_to_be_checked()


def test_what_is_required_cannot_be_left(workspace: Api, page: Page) -> None:
    first = topic(workspace, section(workspace), "Receipts", "REQUIRED")
    page.goto(url(Link.UNSUBSCRIBE, first))
    expect(page.get_by_role("button")).to_have_count(0)
    answer = workspace.session.post(url(Link.UNSUBSCRIBE, first), headers={"Authorization": ""})
    assert answer.status_code == 200
    assert "cannot unsubscribe" in answer.text
    assert wanted(workspace, first)["status"] == "REQUIRED"
    assert workspace.get("/preferences/logs").json()["items"] == []
