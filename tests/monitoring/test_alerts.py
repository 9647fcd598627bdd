"""Made-up bad data fire each alert, and no other one than those that belong to it; good data fire none."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from shared.telemetry.metrics import METRICS
from shared.topology import topology
from tests.monitoring.evaluator import Series, fired, terms

ROOT = Path(__file__).resolve().parents[2]
ALERTS = json.loads((ROOT / "terraform" / "alerts.json").read_text("utf-8"))

GOOGLES = {
    # metric: kind of value, resources. https://docs.cloud.google.com/monitoring/api/metrics_gcp
    "run.googleapis.com/container/memory/utilizations": (
        "distribution",
        {"cloud_run_revision", "cloud_run_job"},
    ),
    "run.googleapis.com/container/gpu/utilizations": (
        "distribution",
        {"cloud_run_revision", "cloud_run_job"},
    ),
    "run.googleapis.com/container/gpu/memory_utilizations": (
        "distribution",
        {"cloud_run_revision", "cloud_run_job"},
    ),
    "pubsub.googleapis.com/subscription/oldest_unacked_message_age": ("gauge", {"pubsub_subscription"}),
    "pubsub.googleapis.com/subscription/num_undelivered_messages": ("gauge", {"pubsub_subscription"}),
    "pubsub.googleapis.com/subscription/dead_letter_message_count": ("counter", {"pubsub_subscription"}),
}
"""Google's own metrics that are used here."""

HOURS = 3
END = HOURS * 3600
EVERY = range(60, END + 1, 60)
LOOKS = range(300, END + 1, 300)
"""When the conditions are looked at: a point at a multiple of five minutes is seen also by those of a minute."""


def ours(name, points, resource="cloud_run_revision", **labels):
    metric = METRICS[name]
    assert set(labels) == set(metric.labels)
    if metric.kind != "counter":
        points = {at: [value] for at, value in points.items()}
    return Series(type=metric.type, resource=resource, points=points, labels=labels)


def run(what, points, resource, name):
    label = "job_name" if resource == "cloud_run_job" else "service_name"
    shown = {at: [value] for at, value in points.items()}
    return Series(
        type=f"run.googleapis.com/container/{what}",
        resource=resource,
        points=shown,
        resource_labels={label: name},
    )


def pubsub(what, points, subscription):
    return Series(
        type=f"pubsub.googleapis.com/subscription/{what}", resource="pubsub_subscription", points=points,
        resource_labels={"subscription_id": subscription},
    )  # fmt: skip


def steady(value):
    return dict.fromkeys(EVERY, value)


JOB, WORKER = "cloud_run_job", "parakeet-gpu"


def good():
    """Three hours of a deployment that does well: an upload a minute, a busy GPU, now and then a failure."""
    return {
        "uploads": ours("uploads_total", steady(1)),
        "age": ours("transcript_age_seconds", steady(45)),
        "open": ours("open_recordings", steady(2), state="planned"),
        "unguarded": ours("rollout_unguarded_seconds", steady(20)),
        "spend": ours("spend_today_usd", steady(4.0)),
        "ok": ours("steps_total", steady(20), where="merger", outcome="ok"),
        "failed": ours("steps_total", {600: 1, 5000: 2}, where="merger", outcome="failed"),
        "refused": ours("steps_total", steady(3), where="router", outcome="refused"),
        "worker ok": ours("steps_total", steady(30), JOB, where=WORKER, outcome="ok"),
        "worker failed": ours("steps_total", {3000: 2}, JOB, where=WORKER, outcome="failed"),
        "chunks": ours("chunks_total", steady(5), engine="deepgram"),
        "worker chunks": ours("chunks_total", steady(30), JOB, engine=WORKER),
        "handed": ours("handed_on_total", {4000: 2}, JOB, engine=WORKER, to="deepgram"),
        "ratio": ours("processing_ratio", steady(1.1)),
        "cost": ours("recording_usd", steady(0.0021)),
        "forecast": ours("forecast_usd", steady(0.002)),
        "memory": run("memory/utilizations", steady(0.6), "cloud_run_revision", "router"),
        "worker memory": run("memory/utilizations", steady(0.7), JOB, "dropscribe-gpu"),
        "gpu": run("gpu/utilizations", steady(0.95), JOB, "dropscribe-gpu"),
        "backlog": pubsub("num_undelivered_messages", steady(40), "gpu-worker"),
        "oldest": pubsub("oldest_unacked_message_age", steady(90), "gpu-worker"),
    }  # fmt: skip


def growing(first, step):
    return {at: first + step * index for index, at in enumerate(EVERY)}


BAD = {
    "gpu-busy": {"backlog": pubsub("num_undelivered_messages", growing(40, 2), "gpu-worker")},
    "memory": {"memory": run("memory/utilizations", steady(0.9), "cloud_run_revision", "merger")},
    "errors-functions": {"failed": ours("steps_total", steady(2), where="merger", outcome="failed")},
    "errors-workers": {"worker failed": ours("steps_total", steady(2), JOB, where=WORKER, outcome="failed")},
    "fallback-functions": {"swept": ours("handed_on_total", steady(1), engine=WORKER, to="deepgram")},
    "fallback-workers": {"handed": ours("handed_on_total", steady(4), JOB, engine=WORKER, to="deepgram")},
    "slow": {"ratio": ours("processing_ratio", steady(2.5))},
    "oldest-message": {"oldest": pubsub("oldest_unacked_message_age", growing(0, 60), "merger")},
    "dead-letters": {"letter": ours("dead_letters_total", {7200: 1}, where="router")},
    "spend": {"cost": ours("recording_usd", steady(0.0030))},
    "no-transcript": {"age": ours("transcript_age_seconds", growing(60, 60))},
    "rollout": {"back": ours("releases_back_total", {7200: 1})},
    "no-sweep": {"open": ours("open_recordings", {at: 2 for at in EVERY if at < 7200}, state="planned")},
}  # fmt: skip
"""What is different when something is wrong, by the alert that must fire."""

MORE_BAD = [
    ("memory", {"worker memory": run("memory/utilizations", steady(0.9), JOB, "dropscribe-cpu")}),
    ("dead-letters", {"letter": ours("dead_letters_total", {7200: 1}, JOB, where="gpu-worker")}),
    ("rollout", {"unguarded": ours("rollout_unguarded_seconds", growing(60, 60))}),
    ("dead-letters", {"letter": pubsub("dead_letter_message_count", {7200: 1}, "merger")}),
    *[("oldest-message", {"one": pubsub("oldest_unacked_message_age", steady(700), one.name)})
      for one in topology().subscriptions],
]  # fmt: skip
"""Other ways to fire the same alerts."""

STILL_GOOD = [
    ("the GPU is idle, and the backlog grows", {"gpu": run("gpu/utilizations", steady(0.2), JOB, "g"), **BAD["gpu-busy"]}),
    ("a spike of memory", {"memory": run("memory/utilizations", {7200: 0.99}, "cloud_run_revision", "merger")}),
    ("one failure of one step, at night", {"ok": ours("steps_total", {7200: 1}, where="merger", outcome="ok"),
                                          "failed": ours("steps_total", {7200: 1}, where="merger", outcome="failed")}),
    ("bad files", {"refused": ours("steps_total", steady(500), where="router", outcome="refused")}),
    ("one slow recording", {"ratio": ours("processing_ratio", steady(1.1) | {7200: 30.0})}),
    ("nothing comes, and nothing is transcribed", {"uploads": ours("uploads_total", {}),
                                                   "age": ours("transcript_age_seconds", growing(60, 60))}),
    ("the first upload after a week", {"uploads": ours("uploads_total", {7200: 1}),
                                       "age": ours("transcript_age_seconds", growing(600_000, 60) | {at: 60 for at in EVERY if at > 7500})}),
    ("cents are wrong", {"spend": ours("spend_today_usd", steady(0.2)), **BAD["spend"]}),
    ("a sweep is late", {"open": ours("open_recordings", {at: 2 for at in EVERY if not 7200 < at < 7800}, state="planned")}),
]  # fmt: skip


def fire(data):
    return {name for name, alert in ALERTS.items() if fired(alert, list(data.values()), LOOKS)}


def test_good_data_fire_no_alert():
    assert fire(good()) == set()


@pytest.mark.parametrize(("said", "changes"), STILL_GOOD, ids=[said for said, _ in STILL_GOOD])
def test_what_is_odd_but_no_fault_fires_no_alert(said, changes):
    assert fire(good() | changes) == set()


@pytest.mark.parametrize("name", ALERTS)
def test_made_up_bad_data_fire_an_alert_and_no_other(name):
    assert fire(good() | BAD[name]) == {name}


@pytest.mark.parametrize(("name", "changes"), MORE_BAD)
def test_each_condition_of_an_alert_can_fire_it(name, changes):
    assert fire(good() | changes) == {name}


@pytest.mark.parametrize(
    ("name", "condition"), [(name, one) for name, alert in ALERTS.items() for one in alert["conditions"]]
)
def test_a_condition_is_about_a_metric_that_there_is_and_fits_its_kind(name, condition):
    for text in filter(None, (condition["filter"], condition.get("denominator"))):
        found = terms(text)
        [metric], [resource] = found["metric.type"], found["resource.type"]
        mine = {one.type: one for one in METRICS.values()}
        if metric in mine:
            assert mine[metric].by == "log", (
                "a worker's own metric may not be there yet when an alert is made"
            )
            kind = "counter" if mine[metric].kind == "counter" else "distribution"
            labels = {f"metric.labels.{one}" for one in mine[metric].labels}
            assert resource in {"cloud_run_revision", "cloud_run_job"}
        else:
            (kind, resources), labels = GOOGLES[metric], {"resource.labels.subscription_id"}
            assert resource in resources
        assert set(found) - {"metric.type", "resource.type"} <= labels
        fits = {
            "counter": {"ALIGN_DELTA"},
            "distribution": {"ALIGN_DELTA", "ALIGN_PERCENTILE_50", "ALIGN_PERCENTILE_99"},
            "gauge": {"ALIGN_MAX", "ALIGN_PERCENT_CHANGE"},
        }
        assert condition["aligner"] in fits[kind]
        # A sum of a distribution is a distribution, which no threshold can be compared with.
        if (kind, condition["aligner"]) == ("distribution", "ALIGN_DELTA"):
            assert condition["reducer"] in {"REDUCE_MEAN", "REDUCE_PERCENTILE_50"}
    assert condition["period"] >= 60
    assert condition["period"] % 60 == 0
    assert condition.get("duration", 0) % 60 == 0
    if "subscription_id=one_of" in condition["filter"]:
        named = terms(condition["filter"])["resource.labels.subscription_id"]
        assert named == {one.name for one in topology().subscriptions}


def sections():
    """The texts of the runbook, by their anchors."""
    text = (ROOT / "docs" / "runbook.md").read_text("utf-8")
    return {
        re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-"): body
        for title, body in re.findall(r"^## (.+)\n((?:(?!^## ).*\n?)*)", text, re.MULTILINE)
    }


def test_every_alert_has_its_section_in_the_runbook():
    for alert in ALERTS.values():
        body = sections()[alert["runbook"]]
        assert "**What it means.**" in body
        assert "**What to do.**" in body
        assert alert["title"] in body or alert["runbook"] == re.sub(
            r"[^a-z0-9 -]", "", alert["title"].lower()
        ).replace(" ", "-")
    assert {one["runbook"] for one in ALERTS.values()} == set(sections()), "a section without an alert"


WORDS = {1: "a dollar", 2: "two|twice", 300: "five minutes", 600: "ten minutes", 900: "15 minutes", 3600: "an hour",
         21600: "six hours"}  # fmt: skip
"""How titles and the runbook say a number or seconds."""


def said(number):
    """A pattern of a threshold, or of seconds."""
    return WORDS.get(number, f"{number:.0%}".replace("%", " %"))


@pytest.mark.parametrize(
    ("alert", "condition"), [(alert, one) for alert in ALERTS.values() for one in alert["conditions"]]
)
def test_the_numbers_of_a_condition_are_those_of_its_title_and_of_the_runbook(alert, condition):
    body = sections()[alert["runbook"]]
    if threshold := condition.get("threshold") or condition.get("absent"):
        assert re.search(said(threshold), f"{alert['title']}: {condition['title']}")
        assert re.search(said(threshold), f"{alert['title']}: {body}")
    if seconds := condition.get("duration") or ("denominator" in condition and condition["period"]):
        assert re.search(said(seconds), body)


def test_an_alert_is_either_bad_for_the_owner_now_or_a_warning():
    assert {one["severity"] for one in ALERTS.values()} <= {"CRITICAL", "ERROR", "WARNING"}
    assert len({one["title"] for one in ALERTS.values()}) == len(ALERTS)
