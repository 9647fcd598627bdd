"""The question to BigQuery, and its answers, as its REST reference has them."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from google.auth import exceptions as auth
from requests import exceptions as http

from shared.adapters.bills import google_bill
from shared.errors import BadRequest, ConfigurationError, StoreUnavailable

TABLE = "my-billing.costs.gcp_billing_export_v1_0A1B2C_3D4E5F_678901"
SINCE, UNTIL = dt.date(2026, 11, 20), dt.date(2026, 11, 21)


class BigQuery:
    def __init__(self, status=200, **answer):
        self.status = status
        self.error = None
        self.asked = []
        self.answer = {"jobComplete": True} | answer

    def post(self, url, json, timeout):  # the name that requests gives it
        self.asked.append((url, json))
        if self.error:
            raise self.error
        return SimpleNamespace(ok=self.status < 400, status_code=self.status, json=lambda: self.answer)


def read(there, table=TABLE):
    return google_bill.read("my-project", table, SINCE, UNTIL, there)


def test_days_come_with_their_dollars():
    rows = [{"f": [{"v": "2026-11-20"}, {"v": "1.25"}]}, {"f": [{"v": "2026-11-21"}, {"v": "-0.5"}]}]
    there = BigQuery(rows=rows)
    assert read(there).usd == {"2026-11-20": 1.25, "2026-11-21": -0.5}
    [(url, body)] = there.asked
    assert url == "https://bigquery.googleapis.com/bigquery/v2/projects/my-project/queries"
    assert f"FROM `{TABLE}`" in body["query"]
    values = {one["name"]: one["parameterValue"]["value"] for one in body["queryParameters"]}
    assert values == {
        "since": "2026-11-20", "until": "2026-11-21", "project": "my-project", "key": "dropscribe", "value": "worker",
    }  # fmt: skip
    assert {f"@{name}" for name in values} == set(re.findall(r"@\w+", body["query"]))
    json.dumps(body)


def test_days_without_a_bill_are_none():
    assert read(BigQuery()).usd == {}


@pytest.mark.parametrize("table", ["costs", "a.b.c", f"{TABLE}` WHERE 1=1 --", "p.d.gcp_billing_export_v1_"])
def test_what_is_no_billing_export_is_refused_before_anybody_is_asked(table):
    there = BigQuery()
    with pytest.raises(BadRequest, match=r"PROJECT\.DATASET\.gcp_billing_export_v1_ACCOUNT"):
        read(there, table)
    assert there.asked == []


@pytest.mark.parametrize(
    ("status", "error", "says"),
    [
        (403, ConfigurationError, "roles/bigquery.dataViewer"),
        (404, ConfigurationError, "Set up the export"),
        (400, ConfigurationError, "refuses the question: Odd"),
        (503, StoreUnavailable, "answered with 503"),
    ],
)
def test_what_goes_wrong_says_what_to_do(status, error, says):
    with pytest.raises(error, match=says):
        read(BigQuery(status, error={"message": "Odd."}))


def test_a_question_that_takes_too_long_is_told():
    with pytest.raises(StoreUnavailable, match="fewer days"):
        read(BigQuery(jobComplete=False))


@pytest.mark.parametrize(
    ("raised", "error"),
    [(http.ConnectionError("x"), StoreUnavailable), (auth.DefaultCredentialsError("x"), ConfigurationError)],
)
def test_no_connection_and_no_credentials_are_told(raised, error):
    there = BigQuery()
    there.error = raised
    with pytest.raises(error):
        read(there)


def test_terraform_gives_the_workers_the_label_that_is_asked_for():
    jobs = (Path(__file__).parents[3] / "terraform" / "jobs.tf").read_text("utf-8")
    key, value = google_bill.LABEL
    assert f'labels = {{ {key} = "{value}" }}' in jobs
