"""What Google charged for the workers on each day: the export of Cloud Billing in BigQuery.

https://cloud.google.com/billing/docs/how-to/export-data-bigquery-tables/standard-usage describes the table. It is
told apart by a label of the jobs (terraform/jobs.tf): Cloud Run hands the labels of a job's template to billing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from google.auth import exceptions as auth
from google.auth.transport.requests import AuthorizedSession
from requests import exceptions as http

from shared.adapters import credentials
from shared.errors import BadRequest, ConfigurationError, StoreUnavailable
from shared.results import Bill

if TYPE_CHECKING:
    import datetime as dt

TABLE = re.compile(r"[a-z][a-z0-9:.-]{4,60}\.\w{1,1024}\.gcp_billing_export_(resource_)?v1_\w+")
LABEL = ("dropscribe", "worker")
"""Key and value of the label."""
SECONDS = 60
"""Most seconds of one call."""

QUERY = """
SELECT FORMAT_DATE('%F', DATE(usage_start_time)) AS day,
       SUM((cost + IFNULL((SELECT SUM(one.amount) FROM UNNEST(credits) AS one), 0)) / currency_conversion_rate) AS usd
FROM `{table}`
WHERE DATE(usage_start_time) BETWEEN @since AND @until
  AND DATE(_PARTITIONTIME) >= @since
  AND project.id = @project
  AND service.description = 'Cloud Run'
  AND EXISTS (SELECT 1 FROM UNNEST(labels) AS one WHERE one.key = @key AND one.value = @value)
GROUP BY day
"""
"""Days are those of UTC. Credits, such as the free tier, are negative amounts. The rate is that of the billing account's
currency to the dollar. The partition's date is that of the export, at the earliest that of the use: it keeps the query
from reading the whole table."""


def read(
    project: str,
    table: str,
    since: dt.date,
    until: dt.date,
    session: AuthorizedSession | None = None,
) -> Bill:
    """What Google charged for the workers of a project, credits taken off.

    `project` also pays for the query (some megabytes); `table` is PROJECT.DATASET.gcp_billing_export_v1_…; an open
    `session` is used instead of the application default credentials.

    Raises:
        BadRequest: this is not the name of such a table.
        ConfigurationError: there is no such table, or it may not be read; says what to do.
        StoreUnavailable: BigQuery did not answer.
    """
    if not TABLE.fullmatch(table):
        raise BadRequest(
            f"{table!r} is not a table of the billing export: it is PROJECT.DATASET.gcp_billing_export_v1_ACCOUNT "
            "(console: Billing, Billing export)."
        )
    values = {
        "since": ("DATE", since.isoformat()),
        "until": ("DATE", until.isoformat()),
        "project": ("STRING", project),
        "key": ("STRING", LABEL[0]),
        "value": ("STRING", LABEL[1]),
    }
    body = {
        "query": QUERY.format(table=table),
        "useLegacySql": False,
        "parameterMode": "NAMED",
        "queryParameters": [
            {"name": name, "parameterType": {"type": kind}, "parameterValue": {"value": value}}
            for name, (kind, value) in values.items()
        ],
        "timeoutMs": SECONDS * 1000 - 5000,
        # A range of ten years would read much; this is 10 GB, some 6 cents.
        "maximumBytesBilled": str(10**10),
    }
    answer = _post(
        f"https://bigquery.googleapis.com/bigquery/v2/projects/{project}/queries", body, table, session
    )
    if not answer.get("jobComplete"):
        raise StoreUnavailable("BigQuery has not finished in time. Try again, or ask for fewer days.")
    rows = [[cell["v"] for cell in row["f"]] for row in answer.get("rows", [])]
    return Bill(usd={str(day): float(usd) for day, usd in rows})


def _post(url: str, body: dict[str, Any], table: str, session: AuthorizedSession | None) -> dict[str, Any]:
    try:
        session = session or AuthorizedSession(credentials.default())  # type: ignore[no-untyped-call]  # google-auth's
        answer = session.post(url, json=body, timeout=SECONDS)
        found = answer.json()
    except auth.GoogleAuthError as error:
        raise credentials.meaning(error) from error
    except (http.RequestException, ValueError) as error:
        raise StoreUnavailable(
            f"BigQuery did not answer ({type(error).__name__}). Try again later."
        ) from error
    if answer.ok:
        return dict(found)
    said = found.get("error", {}).get("message", "")
    if answer.status_code == 403:
        raise ConfigurationError(
            f"{said} To read the billing export you need roles/bigquery.dataViewer on the dataset of {table} and "
            "roles/bigquery.jobUser on the project of the deployment."
        )
    if answer.status_code == 404:
        raise ConfigurationError(
            f"{said} Set up the export (console: Billing, Billing export, standard usage cost); the table appears within "
            "a day, and begins with that day."
        )
    if answer.status_code in {400, 401}:
        raise ConfigurationError(f"BigQuery refuses the question: {said}")
    raise StoreUnavailable(f"BigQuery answered with {answer.status_code}: {said} Try again later.")
