"""The dashboard shows what there is, and all that an operator asks for."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from shared.telemetry.metrics import METRICS
from tests.monitoring.evaluator import terms
from tests.monitoring.test_alerts import GOOGLES

ROOT = Path(__file__).resolve().parents[2]
TILES = json.loads((ROOT / "terraform" / "dashboard.json").read_text("utf-8"))["mosaicLayout"]["tiles"]
TITLES = [one["widget"]["title"] for one in TILES]


def queries(tile):
    return [one["timeSeriesQuery"] for one in tile["widget"]["xyChart"]["dataSets"]]


def metrics_of(query):
    """The types of the metrics that a query asks for."""
    if "prometheusQuery" in query:
        named = re.findall(r"\b(?:logging\.googleapis\.com/user/)?dropscribe_\w+", query["prometheusQuery"])
        by_name = {one.full_name: one.type for one in METRICS.values()}
        return {by_name[re.sub(r"^.*/|_(bucket|sum|count)$", "", one)] for one in named}
    return terms(query["timeSeriesFilter"]["filter"])["metric.type"]


@pytest.mark.parametrize("tile", TILES, ids=TITLES)
def test_a_chart_shows_metrics_that_there_are(tile):
    known = {one.type for one in METRICS.values()} | set(GOOGLES)
    for query in queries(tile):
        found = metrics_of(query)
        assert found
        assert found <= known


@pytest.mark.parametrize("tile", TILES, ids=TITLES)
def test_a_chart_groups_by_labels_that_its_metric_has(tile):
    mine = {one.type: one for one in METRICS.values()}
    for query in queries(tile):
        if "timeSeriesFilter" not in query:
            continue
        [metric] = metrics_of(query)
        filtered = {
            one.removeprefix("metric.labels.")
            for one in terms(query["timeSeriesFilter"]["filter"])
            if one.startswith("metric.labels")
        }
        grouped = query["timeSeriesFilter"]["aggregation"]["groupByFields"]
        labels = {one.removeprefix("metric.label.") for one in grouped if one.startswith("metric")}
        if metric in mine:
            assert labels | filtered <= set(mine[metric].labels)
            # A sum of distributions cannot be drawn as a line.
            if mine[metric].kind != "counter":
                assert query["timeSeriesFilter"]["aggregation"]["crossSeriesReducer"] != "REDUCE_SUM"


def test_every_metric_is_shown_somewhere():
    shown = set().union(*(metrics_of(query) for tile in TILES for query in queries(tile)))
    assert {one.type for one in METRICS.values()} - shown == set()


WANTED = {
    "uploads": "uploads_total", "states": "open_recordings", "speed": "worker_busy_seconds_total",
    "padding": "worker_padded_seconds_total", "decoding": "worker_decode_seconds", "fallback": "handed_on_total",
    "cost an audio hour": "usd_per_audio_hour", "spend": "spend_today_usd", "dead letters": "dead_letters_total",
    "hosted latency": "hosted_call_seconds",
}  # fmt: skip


def test_an_operator_finds_what_is_asked_for_most():
    text = json.dumps(TILES)
    for name in WANTED.values():
        assert f"dropscribe_{name}" in text, name
    for google in ("oldest_unacked_message_age", "gpu/utilizations", "dead_letter_message_count"):
        assert google in text
    for share in ("0.50", "0.95", "0.99"):
        assert f"histogram_quantile({share}" in text


def test_no_chart_covers_another():
    taken = set()
    for one in TILES:
        cells = {
            (x, y)
            for x in range(one["xPos"], one["xPos"] + one["width"])
            for y in range(one["yPos"], one["yPos"] + one["height"])
        }
        assert not cells & taken
        assert one["xPos"] + one["width"] <= 48
        taken |= cells
