"""The evaluator itself, on literal numbers."""

from __future__ import annotations

import math

import pytest

from tests.monitoring.evaluator import Series, aligned, fires, matches, met, reduced, terms

METRIC, RESOURCE = "m/x", "r"
FILTER = 'metric.type="m/x" AND resource.type="r"'


def series(points, **labels):
    return Series(type=METRIC, resource=RESOURCE, points=points, labels=labels)


def condition(**changes):
    base = {
        "filter": FILTER, "period": 60, "aligner": "ALIGN_DELTA", "reducer": "REDUCE_SUM",
        "group_by": [], "comparison": "COMPARISON_GT", "threshold": 5, "duration": 0,
    }  # fmt: skip
    return base | changes


def test_a_filter_takes_what_has_all_its_terms():
    assert matches(series({}, a="1"), f'{FILTER} AND metric.labels.a="1"')
    assert matches(series({}, a="1"), f'{FILTER} AND metric.labels.a=one_of("0","1")')
    assert not matches(series({}, a="2"), f'{FILTER} AND metric.labels.a="1"')
    assert not matches(series({}), f'{FILTER} AND metric.labels.a="1"')
    assert not matches(series({}), 'metric.type="m/y" AND resource.type="r"')


@pytest.mark.parametrize(
    "text", ["", 'metric.type="x"', f'{FILTER} OR metric.labels.a="1"', f"{FILTER} AND a>1"]
)
def test_a_filter_that_is_not_understood_is_refused(text):
    with pytest.raises(ValueError, match=r"not understood|names one metric"):
        terms(text)


@pytest.mark.parametrize(
    ("aligner", "points", "value"),
    [
        ("ALIGN_DELTA", {30: 2, 60: 3, 61: 9}, 5),
        ("ALIGN_DELTA", {30: [1.0, 2.0], 60: [3.0]}, [1.0, 2.0, 3.0]),
        ("ALIGN_MAX", {0: 9, 30: 2, 60: 1}, 2),
        ("ALIGN_PERCENTILE_50", {30: [1.0, 2.0, 3.0]}, 2.0),
        ("ALIGN_PERCENT_CHANGE", {0: 10, 60: 15}, 50.0),
        ("ALIGN_PERCENT_CHANGE", {0: 0, 60: 15}, math.inf),
        ("ALIGN_PERCENT_CHANGE", {0: 0, 60: 0}, 0.0),
        ("ALIGN_PERCENT_CHANGE", {60: 15}, None),
        ("ALIGN_MAX", {100: 1}, None),
    ],
)
def test_a_series_is_aligned_to_the_period_that_ends_now(aligner, points, value):
    assert aligned(series(points), aligner, 60, 60) == value


def test_several_series_become_one():
    assert reduced([1, 2], "REDUCE_SUM") == 3
    assert reduced([[1.0], [2.0, 6.0]], "REDUCE_MEAN") == 3.0
    assert reduced([[1.0], [2.0, 6.0]], "REDUCE_PERCENTILE_50") == 2.0
    with pytest.raises(ValueError, match="not understood"):
        reduced([1], "REDUCE_OTHER")
    with pytest.raises(ValueError, match="not understood"):
        aligned(series({60: 1}), "ALIGN_OTHER", 60, 60)


def test_a_threshold_must_be_passed_all_the_time():
    always, once = series(dict.fromkeys(range(0, 601, 60), 6)), series({600: 6})
    assert met(condition(duration=300), [always], 600)
    assert not met(condition(duration=300), [once], 600)
    assert met(condition(), [once], 600)
    assert not met(condition(threshold=6), [once], 600)


def test_groups_are_kept_apart():
    one = Series(type=METRIC, resource=RESOURCE, points={60: 3}, resource_labels={"name": "a"})
    two = Series(type=METRIC, resource=RESOURCE, points={60: 3}, resource_labels={"name": "b"})
    assert met(condition(), [one, two], 60)
    assert not met(condition(group_by=["resource.label.name"]), [one, two], 60)


def test_a_ratio_needs_both_sides():
    ratio = condition(threshold=0.5, denominator='metric.type="m/y" AND resource.type="r"')
    below = Series(type="m/y", resource=RESOURCE, points={60: 10})
    assert met(ratio, [series({60: 6}), below], 60)
    assert not met(ratio, [series({60: 4}), below], 60)
    assert not met(ratio, [series({60: 6})], 60)


def test_only_what_was_there_can_be_absent():
    absent = {
        "filter": FILTER,
        "period": 60,
        "aligner": "ALIGN_DELTA",
        "reducer": "REDUCE_SUM",
        "group_by": [],
        "absent": 900,
    }
    assert not met(absent, [], 3600)
    assert met(absent, [series({60: 1})], 960)
    assert not met(absent, [series({60: 1, 900: 1})], 960)


def test_conditions_are_combined():
    high, low = condition(), condition(threshold=100)
    data = [series({60: 6})]
    assert fires({"combiner": "OR", "conditions": [high, low]}, data, 60)
    assert not fires({"combiner": "AND", "conditions": [high, low]}, data, 60)
    with pytest.raises(ValueError, match="not understood"):
        fires({"combiner": "NOR", "conditions": [high]}, data, 60)
