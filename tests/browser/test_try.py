"""Promises of `make try`: whoever opens the page in a browser asks, approves, rejects, changes and watches on it."""

import re
from contextlib import suppress

import pytest
from playwright.async_api import Page, expect
from playwright.async_api import TimeoutError as NotInTime

from lab.hyperv.world.faults import MoveFault, MoveFaultKind
from tests.browser.accessible import hindrances
from tests.browser.windows import COMPOSER, Windows, card, presses, types

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_somebody_answers_the_question_about_a_move_that_stands_still(windows: Windows) -> None:
    """The question comes into the thread with its buttons; the answer takes their place, and the move ends."""
    # The first of all, while the bot has not learned from other moves how long one may take on a machine that is busy.
    alice, bob = await windows.open("alice"), await windows.open("bob")
    ids = {vm.name: vm.id for vm in windows.here.hosts.fleet.vms}
    windows.here.hosts.world.order(MoveFault(vm=ids["SRVSP01"], kind=MoveFaultKind.STALL, at_percent=40))
    await types(alice, "/migrate SRVSP01 from HV01 to HV02 attempts=1")
    await presses(card(bob, "move SRVSP01"), "Approve", "Approve")
    await card(bob, "moving SRVSP01").get_by_role("button", name=re.compile("repl")).click()
    thread = bob.get_by_role("log", name="Replies")
    await expect(thread).to_contain_text("stands still")
    question = thread.locator("article").filter(has=bob.get_by_role("button", name="Cancel move")).last
    await presses(question, "Cancel move", "Cancel move")
    await expect(thread).to_contain_text("decided to cancel the move")
    await expect(thread).to_contain_text("is over")  # until then it has a slot of both hosts, which others wait for
    await expect(bob.get_by_role("list", name="Moves under way").get_by_role("listitem")).to_have_count(0)


async def test_asked_in_one_window_approved_in_another_and_watched_to_its_end(windows: Windows) -> None:
    """Alice types with the help of what is offered, Bob approves next to her, and both see the VMs arrive."""
    alice, bob = await windows.open("alice", width=1640), await windows.open("bob")
    composer = alice.get_by_role("combobox", name=COMPOSER)
    await composer.press_sequentially("/mi")
    await expect(alice.get_by_role("option", name="/migrate")).to_be_visible()
    await composer.press("Tab")
    await composer.press_sequentially("web0")
    await expect(alice.get_by_role("option", name="web01")).to_be_visible()
    await composer.press("Tab")
    await composer.press_sequentially(",db")
    await composer.press("Tab")
    await composer.press_sequentially(" from HV01 to ")
    await expect(alice.get_by_role("listbox").get_by_role("option")).to_have_text(["HV01", "HV02", "HV03"])
    await composer.press("ArrowDown")
    await composer.press("ArrowDown")
    await composer.press("Enter")
    await expect(composer).to_have_value("/migrate web01,db01 from HV01 to HV02")
    await composer.press("Enter")
    await presses(card(bob, "move 2 VMs"), "Approve", "Approve")
    await card(alice, "moving 2 VMs").get_by_role("button", name=re.compile("repl")).click()
    await expect(alice.get_by_role("list", name="Moves under way").get_by_role("listitem")).to_have_count(2)
    await windows.picture(alice, "running")
    assert await hindrances(alice) == []
    await expect(card(alice, "2 VMs moved")).to_be_visible()
    assert {vm.name for vm in windows.here.hosts.world.vms("HV02")} == {"web01", "db01"}
    thread = alice.get_by_role("log", name="Replies")
    await expect(thread).to_contain_text("web01")
    picture = thread.get_by_role("img", name=re.compile("^How J")).last
    await expect(picture).to_be_visible()
    assert await picture.evaluate("one => one.decode().then(() => one.naturalWidth)") > 300


async def test_who_may_not_is_told_alone_and_who_rejects_says_why(windows: Windows) -> None:
    """Mallory's click has no effect and an answer only she sees; Bob's rejection needs words, and shows them."""
    alice, bob, mallory = [await windows.open(name) for name in ("alice", "bob", "mallory")]
    await types(alice, "/migrate web02 from HV01 to HV02")
    await presses(card(mallory, "move web02"), "Approve", "Approve")
    await expect(mallory.get_by_text("Only visible to you")).to_be_visible()
    await expect(bob.get_by_text("Only visible to you")).to_have_count(0)
    asked = card(bob, "move web02")
    await presses(asked, "Reject")
    form = bob.get_by_role("dialog")
    await form.get_by_role("button", name="Reject", exact=True).click()
    await expect(form).to_contain_text("Please complete this required field.")
    await form.get_by_role("textbox").fill("Not on a Friday & <never> at night")
    await form.get_by_role("button", name="Reject", exact=True).click()
    await expect(form).to_be_hidden()
    await expect(alice.get_by_role("log", name="Messages")).to_contain_text("Not on a Friday & <never> at night")


async def test_the_form_is_filled_in_by_keyboard(windows: Windows) -> None:
    """The form's menus search in what the bot offers, its plan comes back for a look, and then it is asked for."""
    alice = await windows.open("alice")
    await types(alice, "/migrate")
    form = alice.get_by_role("dialog")
    await form.get_by_label("From").select_option("HV01")
    vms = form.get_by_role("combobox", name="VMs")
    await expect(vms).to_have_attribute("data-key", re.compile("HV01"))  # the bot knows by now whose VMs to offer
    await vms.press_sequentially("web03")
    await vms.press("Enter")
    await expect(form.get_by_role("button", name="Remove web03")).to_be_visible()
    hosts = form.get_by_role("combobox", name="To")
    await hosts.press_sequentially("HV03")
    await hosts.press("Enter")
    await expect(form.get_by_role("button", name="Remove HV03")).to_be_visible()
    await vms.press_sequentially("web")
    await expect(form.get_by_role("listbox").get_by_role("option")).to_have_text(
        [re.compile("^web02"), re.compile("^web04")]
    )
    await windows.picture(alice, "form")
    assert await hindrances(alice) == []
    await vms.fill("")
    await form.get_by_label("Reason").fill("from the form")
    await form.get_by_role("button", name="Look at the plan").click()
    await expect(form).to_contain_text("HV03")
    await form.get_by_role("button", name="Send request").click()
    await expect(card(alice, "move web03")).to_be_visible()


async def test_a_plan_is_changed_before_its_approval(windows: Windows) -> None:
    """Bob finds a VM of the plan by a part of its name and sends it to another host; the card shows it."""
    alice, bob = await windows.open("alice"), await windows.open("bob")
    await types(alice, "/migrate web04,app01 from HV01 to HV02,HV03")
    asked = card(bob, "move 2 VMs").filter(has_text="app01")
    form = bob.get_by_role("dialog")
    while not await form.count():  # a form opens within three seconds or not at all; then one presses again
        await presses(asked, "Change")
        with suppress(NotInTime):
            await form.wait_for(timeout=8000)
    await form.get_by_role("combobox", name="VMs").press_sequentially("app")
    await form.get_by_role("option", name=re.compile("^app01")).click()
    await form.get_by_label("Where to").select_option(label="Leave out of this job")
    await form.get_by_role("button", name="Change the plan").click()
    await expect(form).to_contain_text("is changed")
    await form.get_by_role("button", name="Close", exact=True).click()
    await expect(form).to_be_hidden()
    await expect(card(alice, "move web04")).to_be_visible()


async def test_home_shows_what_the_bot_published(windows: Windows) -> None:
    """Choosing the app opens its Home, which the bot fills; its button opens the form."""
    dave = await windows.open("dave")
    await dave.get_by_role("button", name="migrate-bot").click()
    await expect(dave.get_by_role("tab", name="Home")).to_have_attribute("aria-selected", "true")
    await dave.locator(".home").get_by_role("button", name=re.compile("Move VMs|Ask")).first.click()
    await expect(dave.get_by_role("dialog", name="Move VMs")).to_be_visible()
    await dave.keyboard.press("Escape")
    await expect(dave.get_by_role("dialog")).to_have_count(0)


async def test_what_people_type_stays_text(windows: Windows) -> None:
    """Nothing from outside is read as HTML, and what is unread is counted where one is not."""
    alice, bob = await windows.open("alice"), await windows.open("bob", channel="private-ops")
    said = '<img src="x" onerror="document.title = 1"> & *bold* @bob'
    await types(alice, said)
    log = alice.get_by_role("log", name="Messages")
    await expect(log).to_contain_text('<img src="x" onerror="document.title = 1"> & bold @bob')
    assert await log.locator("img[src=x]").count() == 0
    place = bob.get_by_role("button", name="migrations")
    await expect(place).to_contain_text("1")
    await place.click()
    await expect(bob.get_by_text("@bob").last).to_have_class("mention me")
    await expect(place).not_to_contain_text("1")


async def test_the_bot_is_killed_and_started_again(windows: Windows) -> None:
    """The page says that the bot is away, and what Slack says to a command meanwhile; then it is there again."""
    alice = await windows.open("alice", width=1400)
    hosts = alice.get_by_role("complementary", name="Hosts")
    await hosts.get_by_role("button", name="Kill the bot").click()
    await expect(alice.get_by_role("status").filter(has_text="migrate-bot is not connected")).to_be_visible()
    await types(alice, "/migrate help")
    await expect(alice.get_by_role("log", name="Messages")).to_contain_text("/migrate failed with the error")
    await hosts.get_by_role("button", name="Start the bot").click()
    await expect(hosts).to_contain_text("is connected")
    await types(alice, "/migrate hosts")
    await expect(alice.get_by_role("log", name="Messages").locator("article").last).to_contain_text("HV02")


async def test_a_phone_is_wide_enough(windows: Windows) -> None:
    """On 390 points nothing is cut off or scrolled sideways; places, threads and hosts open over the channel."""
    alice = await windows.open("alice", width=390, height=780)
    await alice.get_by_role("button", name="Channels").click()
    await alice.get_by_role("navigation").get_by_role("button", name=re.compile("^migrations")).click()
    await expect(alice.get_by_role("navigation", name="Workspace")).to_be_hidden()
    await _fits(alice)
    await alice.get_by_role("button", name="Hosts", exact=True).click()
    await expect(alice.get_by_role("region", name="HV01")).to_be_visible()
    await _fits(alice)
    await alice.get_by_role("button", name="Close the hosts").click()
    assert await hindrances(alice) == []
    await types(alice, "/migrate")
    await expect(alice.get_by_role("dialog", name="Move VMs")).to_be_visible()
    await _fits(alice)
    await windows.picture(alice, "phone")


async def _fits(page: Page) -> None:
    wide = await page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert wide[0] <= wide[1]
