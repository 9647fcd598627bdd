"""What an hour of audio costs at several speeds and batch sizes, from the price table. Pure.

    lived  = start-up + hours × 3600 / RTFx + the wait for more work before a worker ends
    billed = lived, rounded up as Cloud Run does, at least a minute
    usd    = billed × price of a second

The table shows each for one hour of audio.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.costs.prices import PriceTable, reference
from shared.engines import PARAKEET_GPU
from shared.planning.worker_pools import IDLE_EXIT

if TYPE_CHECKING:
    from shared.settings import Settings

SPEEDS = (40, 120, 222, 1358)
"""Real-time factors: a cautious one; the one at which a start of 30 s costs as much as one hour of audio; NeMo's
on long recordings on an L4; and that of the best published batch server on an L4."""

BATCHES = (1, 10, 100)
"""Hours of audio in one execution."""

AROUND = PARAKEET_GPU.expected.start + IDLE_EXIT
"""Seconds of start-up, and of the wait for more work, that each execution costs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One row of the table. All seconds and dollars are for one hour of audio."""

    rtfx: int
    """Seconds of audio per second."""
    hours: int
    """Hours of audio in one execution; 0: a worker that is running already and always has work."""
    work: float
    """Seconds of recognition."""
    around: float
    """Seconds of start-up and waiting."""
    billed: float
    """Seconds that are billed."""
    usd: float
    """US dollars."""
    saving: float
    """Share saved against `prices.reference`, at most 1."""


def lines(prices: PriceTable, settings: Settings) -> list[Line]:
    """The table, for the worker's shape in the settings."""
    return [_line(rtfx, hours, prices, settings) for rtfx in SPEEDS for hours in (0, *BATCHES)]


def _line(rtfx: int, hours: int, prices: PriceTable, settings: Settings) -> Line:
    work, around = 3600 / rtfx, (AROUND / hours if hours else 0.0)
    billed = prices.task_seconds((work + around) * hours) / hours if hours else work
    usd = billed * prices.gpu_second(settings)
    saving = 1 - usd / prices.hosted(reference().name, 3600, lowest=True)
    return Line(rtfx=rtfx, hours=hours, work=work, around=around, billed=billed, usd=usd, saving=saving)


def markdown(prices: PriceTable, settings: Settings) -> str:
    """The table in Markdown, as it is in `docs/costs.md`."""
    rows = [
        (
            "| speed | hours in one execution | work, s | start and wait, s | billed, s | $ | "
            f"saved against {reference().in_sentences} |"
        ),
        "|---|---|---|---|---|---|---|",
    ]
    rows += [
        f"| {one.rtfx:,}× | {one.hours or 'already running'} | {one.work:.1f} | {one.around:.1f} | {one.billed:.1f} | "
        f"{one.usd:.4f} | {one.saving:.1%} |"
        for one in lines(prices, settings)
    ]
    return "\n".join(rows) + "\n"
