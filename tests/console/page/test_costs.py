"""Costs: the sums of the report, as a chart and as a table beside it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.console.page.stories import costs


@pytest.fixture
def page(open_page):
    page = open_page("/costs")
    expect(page.get_by_role("heading", name="Day by day")).to_be_visible()
    return page


def test_the_sums_are_those_of_the_report(page, fake):
    tiles = page.locator(".tiles")
    for usd in (fake.costs["usd"], fake.costs["deepgram_usd"], fake.costs["forecast_usd"]):
        expect(tiles).to_contain_text(f"${usd:,.2f}")
    expect(tiles).to_contain_text(f"${fake.costs['wasted_usd']:.4f}".rstrip("0"))
    table = page.get_by_role("region", name="Cost of each group")
    assert table.get_by_role("rowheader").all_inner_texts() == [
        one["name"] for one in fake.costs["groups"]
    ] + ["Total"]
    days = page.get_by_role("region", name="Cost of each day")
    assert days.get_by_role("rowheader").all_inner_texts() == sorted(fake.costs["days"], reverse=True)


def test_the_hosted_engine_that_savings_are_measured_against_is_the_one_of_the_report(page, fake):
    found = costs() | {"reference": {"name": "Acme Speech", "column": "acme_usd"}, "acme_usd": 67.89}
    for one in found["groups"]:
        one["acme_usd"] = 4.56
    fake.costs = found
    fake.tell("costs", {})
    expect(page.locator(".tiles div", has_text="Acme Speech would charge")).to_contain_text("$67.89")
    table = page.get_by_role("region", name="Cost of each group")
    expect(table.get_by_role("columnheader").last).to_have_text("Acme Speech")
    last = [row.get_by_role("cell").last.inner_text() for row in table.get_by_role("row").all()[1:]]
    assert last == ["$4.56"] * len(found["groups"]) + ["$67.89"]


def test_charts_stand_beside_tables_and_are_not_read_out(page):
    expect(page.locator(".chart canvas")).to_have_count(2)
    assert page.locator(".chart").evaluate_all("all => all.map(one => one.ariaHidden)") == ["true", "true"]


def test_budgets_are_gauges(page):
    gauge = page.get_by_role("meter", name="Budget: this month")
    assert gauge.evaluate("one => [one.value, one.max]") == [10.4, 12]
    expect(page.locator(".budgets .number", has_text="$10.40 of $12.00")).to_be_visible()


def test_days_and_groups_stand_in_the_address_and_in_the_csv(page, fake):
    page.get_by_label("by").select_option("label")
    with page.expect_response(lambda answer: "/costs?since=2026-01-02" in answer.url):
        page.get_by_label("From").fill("2026-01-02")
    expect(page.get_by_role("heading", name="By label")).to_be_visible()
    assert page.url.endswith("/costs?since=2026-01-02&by=label")
    link = page.get_by_role("link", name="Download CSV")
    expect(link).to_have_attribute("href", "/api/v1/costs.csv?since=2026-01-02&by=label")
    assert ("GET", "/costs", {"since": "2026-01-02", "by": "label"}) in fake.asked


def test_new_costs_are_shown_as_they_come(page, fake):
    fake.costs = costs() | {"usd": 123.45}
    fake.tell("costs", {})
    expect(page.locator(".tiles")).to_contain_text("$123.45")


def test_nothing_yet(open_page, fake):
    fake.costs = costs() | {
        "days": {},
        "groups": [],
        "budgets": [],
        "advice": [],
        "usd": 0.0,
        "forecast_usd": None,
        "usd_per_audio_hour": None,
    }
    page = open_page("/costs")
    expect(page.get_by_text("No costs in this period.")).to_be_visible()


def test_an_answer_that_breaks_off_says_what_to_do(open_page, fake):
    fake.break_costs = True
    said = "Dropscribe does not respond. Check that it is running, then try again."
    expect(open_page("/costs").get_by_role("alert")).to_have_text(said)
