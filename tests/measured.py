"""Sinks that remember what they were told."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.telemetry import metrics, spans

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Told:
    """What was measured in this process."""

    values: list[tuple[str, float, dict[str, str]]] = field(default_factory=list)
    spans: list[spans.Span] = field(default_factory=list)
    flushed: list[float] = field(default_factory=list)

    def __call__(self, metric, value, labels):
        assert set(labels) == set(metric.labels), f"{metric.name} has other labels: {labels}"
        self.values.append((metric.name, value, dict(labels)))

    def of(self, name):
        """The values and labels of a metric."""
        return [(value, labels) for one, value, labels in self.values if one == name]

    def ended(self, span):
        self.spans.append(span)

    def flush(self, seconds):
        self.flushed.append(seconds)


@contextmanager
def listening() -> Iterator[Told]:
    """Listen to all measurements and spans."""
    told = Told()
    metrics.add_sink(told)
    spans.add_sink(told)
    try:
        yield told
    finally:
        metrics._sinks.clear()
        spans._sinks.clear()
