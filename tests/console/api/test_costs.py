from __future__ import annotations

from typing import get_args

import pytest

from shared.costs import report
from shared.costs.report import Question
from shared.costs.summary import By


def test_every_number_is_that_of_the_report(client, done, world):
    asked = report.make(Question(since=None, until=None, by="label", form="json"), world.ports)
    assert client.get("/api/v1/costs", params={"by": "label"}).json() == report.as_json(asked, world.ports)


@pytest.mark.parametrize("by", get_args(By))
def test_the_page_may_group_by_all_that_the_command_groups_by(client, done, world, by):
    asked = report.make(Question(since=None, until=None, by=by, form="json"), world.ports)
    assert client.get("/api/v1/costs", params={"by": by}).json() == report.as_json(asked, world.ports)


def test_the_table_is_that_of_the_report(client, done, world):
    asked = report.make(Question(since=None, until=None, by=None, form="csv"), world.ports)
    answer = client.get("/api/v1/costs.csv")
    assert answer.text == report.as_csv(asked)
    assert answer.headers["content-type"].startswith("text/csv")


@pytest.mark.parametrize(
    "query", [{"by": "odd"}, {"since": "yesterday"}, {"since": "2026-05-02", "until": "2026-05-01"}]
)
def test_what_makes_no_sense_is_refused_with_what_would(client, query):
    answer = client.get("/api/v1/costs", params=query)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]
