"""Would an alert fire? The rules of Cloud Monitoring for threshold and absence conditions, on made-up data. Pure.

https://cloud.google.com/monitoring/alerts/concepts-indepth and
https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.alertPolicies#Aggregation. It covers what
`terraform/alerts.json` uses and refuses everything else, so that an alert cannot pass unread.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property
from statistics import fmean

STEP = 60
"""Seconds between two looks at the conditions."""


@dataclass(frozen=True, kw_only=True)
class Series:
    """A time series: points of one metric, one resource and one set of labels."""

    type: str
    """Type of the metric."""
    resource: str
    """Type of the monitored resource."""
    points: dict[int, float | list[float]]
    """Values by second; a list has the values of a distribution in that interval."""
    labels: dict[str, str] = field(default_factory=dict)
    """Labels of the metric."""
    resource_labels: dict[str, str] = field(default_factory=dict)
    """Labels of the resource."""

    @cached_property
    def times(self) -> list[int]:
        """When there are points, rising."""
        return sorted(self.points)

    @cached_property
    def values(self) -> list:
        """The points in the same order."""
        return [self.points[at] for at in self.times]


TERM = re.compile(r"(?P<name>[\w.]+)=(?:\"(?P<one>[^\"]*)\"|one_of\((?P<several>[^)]*)\))")


def terms(text: str) -> dict[str, set[str]]:
    """A filter as names with the values that each may have.

    Raises:
        ValueError: it has something that this does not know.
    """
    found = {}
    for part in text.split(" AND "):
        match = TERM.fullmatch(part)
        if match is None:
            raise ValueError(f"not understood: {part}")
        values = (
            {match["one"]} if match["one"] is not None else set(re.findall(r'"([^"]*)"', match["several"]))
        )
        found[match["name"]] = values
    if not {"metric.type", "resource.type"} <= set(found) or any(
        len(found[one]) > 1 for one in found if one.endswith(".type")
    ):
        raise ValueError(f"a filter names one metric and one resource: {text}")
    return found


def matches(series: Series, text: str) -> bool:
    """Whether a filter takes a series."""
    has = {
        "metric.type": series.type,
        "resource.type": series.resource,
        **{f"metric.labels.{name}": value for name, value in series.labels.items()},
        **{f"resource.labels.{name}": value for name, value in series.resource_labels.items()},
    }
    return all(has.get(name) in values for name, values in terms(text).items())


def flat(points):
    """All values of points, those of distributions included."""
    return [value for one in points for value in (one if isinstance(one, list) else [one])]


def percentile(values, share):
    """The nearest-rank percentile; Cloud Monitoring interpolates in buckets, which is near to it."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def between(series: Series, after: int, until: int) -> list:
    """The points after one time and until another."""
    return series.values[bisect_right(series.times, after) : bisect_right(series.times, until)]


def percent_change(old: float, new: float) -> float:
    """By how many percent a value has changed."""
    if old == new:
        return 0.0
    return math.inf if old == 0 else 100 * (new - old) / old


def aligned(series: Series, aligner: str, now: int, period: int):
    """The value of one series for the period that ends now; None without points."""
    inside = between(series, now - period, now)
    if not inside:
        return None
    match aligner:
        case "ALIGN_DELTA":
            return flat(inside) if isinstance(inside[0], list) else sum(inside)
        case "ALIGN_MAX":
            return max(flat(inside))
        case "ALIGN_PERCENTILE_50" | "ALIGN_PERCENTILE_99":
            return percentile(flat(inside), int(aligner.rpartition("_")[2]) / 100)
        case "ALIGN_PERCENT_CHANGE":
            before = between(series, now - 2 * period, now - period)
            return percent_change(fmean(before), fmean(inside)) if before else None
    raise ValueError(f"not understood: {aligner}")


def reduced(values, reducer: str) -> float:
    """One value of the aligned ones of several series."""
    match reducer:
        case "REDUCE_SUM":
            return sum(values)
        case "REDUCE_MAX":
            return max(flat(values))
        case "REDUCE_MEAN":
            return fmean(flat(values))
        case "REDUCE_PERCENTILE_50":
            return percentile(flat(values), 0.5)
    raise ValueError(f"not understood: {reducer}")


def group_of(series: Series, fields) -> tuple:
    """The labels by which series are kept apart."""
    known = {f"resource.label.{name}": value for name, value in series.resource_labels.items()}
    known |= {f"metric.label.{name}": value for name, value in series.labels.items()}
    return tuple(known.get(one, "") for one in fields)


def values_at(condition: dict, mine: list[Series], now: int) -> dict[tuple, float]:
    """The value of each group of series now."""
    groups: dict[tuple, list] = {}
    for one in mine:
        value = aligned(one, condition["aligner"], now, condition["period"])
        if value is not None:
            groups.setdefault(group_of(one, condition["group_by"]), []).append(value)
    return {group: reduced(values, condition["reducer"]) for group, values in groups.items()}


@dataclass(kw_only=True)
class Watched:
    """A condition and the series that it takes; remembers what it has looked at."""

    condition: dict
    """As in the file."""
    data: list[Series]
    """All series."""
    seen: dict[int, frozenset[tuple]] = field(default_factory=dict)
    """The groups over the threshold at a time."""

    def __post_init__(self):
        self.above = [one for one in self.data if matches(one, self.condition["filter"])]
        denominator = self.condition.get("denominator")
        self.below = [one for one in self.data if denominator and matches(one, denominator)]
        if self.condition.get("comparison", "COMPARISON_GT") != "COMPARISON_GT":
            raise ValueError(f"not understood: {self.condition['comparison']}")

    def violated(self, now: int) -> frozenset[tuple]:
        """The groups over the threshold now."""
        if now not in self.seen:
            found = values_at(self.condition, self.above, now)
            if "denominator" in self.condition:
                below = values_at(self.condition, self.below, now)
                found = {group: value / below[group] for group, value in found.items() if below.get(group)}
            over = self.condition["threshold"]
            self.seen[now] = frozenset(group for group, value in found.items() if value > over)
        return self.seen[now]

    def met(self, now: int) -> bool:
        """Whether it holds now: in some group over the threshold all the time, or absent all the time."""
        if "absent" in self.condition:
            # A series that was never there cannot be missed.
            seen = [at for one in self.above for at in one.points if at <= now]
            return bool(seen) and now - max(seen) >= self.condition["absent"]
        still = self.violated(now)
        for at in range(now - STEP, now - self.condition["duration"] - 1, -STEP):
            if not still:
                break
            still &= self.violated(at)
        return bool(still)


def met(condition: dict, data: list[Series], now: int) -> bool:
    """Whether a condition holds at `now`, seconds."""
    return Watched(condition=condition, data=data).met(now)


def fires(alert: dict, data: list[Series], now: int) -> bool:
    """Whether an alert is open at `now`, seconds."""
    return fired(alert, data, [now])


def fired(alert: dict, data: list[Series], times) -> bool:
    """Whether an alert was open at any of these times, seconds."""
    every = {"AND": all, "OR": any}.get(alert["combiner"])
    if every is None:
        raise ValueError(f"not understood: {alert['combiner']}")
    conditions = [Watched(condition=one, data=data) for one in alert["conditions"]]
    return any(every(one.met(now) for one in conditions) for now in times)
