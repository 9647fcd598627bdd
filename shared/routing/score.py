"""Step 3, in dollars: what each method would cost, waiting included. Pure.

score = usd + minutes of waiting × price of a minute        (lower is better)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING

from shared.engines import HYBRID, EngineSpec, spec
from shared.in_words import dollars
from shared.model import AudioInfo, Chunk, Considered, Engine, Method, Options
from shared.planning import plan
from shared.routing import hybrid
from shared.routing.pace import as_recognised, lengths_of, pace_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.costs.prices import PriceTable
    from shared.routing.conditions import Conditions
    from shared.settings import Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class Prospect:
    """One method for one recording, with its plan."""

    method: Method
    """The method; for a `hybrid` see `of_one_engine`."""
    engine: Engine
    """Engine of the chunks, in a hybrid that of the first chunk."""
    chunks: tuple[Chunk, ...]
    """The plan."""
    usd: float
    """Expected cost, US dollars."""
    wait: float
    """Seconds until the transcript is ready."""
    score: float
    """US dollars, waiting included."""
    usd_per_hour: float
    """`usd` per hour of audio."""
    split: str = ""
    """How a hybrid is split, in words."""

    @property
    def of_one_engine(self) -> bool:
        """True for a hybrid whose chunks all go to one engine: it is the same as that engine's method."""
        return self.method == HYBRID and len({chunk.engine for chunk in self.chunks}) == 1

    def considered(self, why_not: str = "") -> Considered:
        """The same without the plan, as it is stored."""
        return Considered(method=self.method, usd=self.usd, wait=self.wait, score=self.score, why_not=why_not)

    def told(self) -> str:
        """`parakeet $0.0312 and 46 s`, for reasons."""
        return f"{self.method} {dollars(self.usd)} and {self.wait:.0f} s"


def prospects(
    audio: AudioInfo,
    size: int,
    parakeet: Engine | None,
    *,
    hosted: Sequence[EngineSpec],
    conditions: Conditions,
    settings: Settings,
    prices: PriceTable,
    options: Options,
) -> dict[Method, Prospect]:
    """Every method that can run, with its plan.

    `parakeet` is the engine that would run Parakeet, None if none can; of `hosted` the preferred one is the first.
    """
    options = as_recognised(options, audio)
    ours = [spec(parakeet)] if parakeet is not None else []
    found: dict[Method, Prospect] = {}
    for one in (*ours, *hosted):
        chunks = chunks_of(audio, size, one, settings, options)
        lengths, pace = lengths_of(chunks), pace_of(one.name, conditions, settings, prices, options)
        found[one.method] = _prospect(
            one.method,
            one.name,
            chunks,
            pace.usd(sum(lengths)),
            pace.wait(sum(lengths), max(lengths)),
            settings,
        )
    if parakeet is not None and hosted:
        chunks = found[spec(parakeet).method].chunks
        split = hybrid.split(
            chunks,
            pace_of(parakeet, conditions, settings, prices),
            pace_of(hosted[0].name, conditions, settings, prices, options),
            settings.cost_threshold * _hours(chunks),
        )
        both = _prospect(HYBRID, split.chunks[0].engine, split.chunks, split.usd, split.wait, settings)
        found[HYBRID] = replace(both, split=split.reason)
    return found


def chunks_of(
    audio: AudioInfo, size: int, engine: EngineSpec, settings: Settings, options: Options
) -> tuple[Chunk, ...]:
    """The plan of a recording that one engine transcribes.

    With `diarize` a hosted engine gets it in one piece, because two calls would number the speakers independently.
    """
    whole = options.diarize and engine.hosted is not None
    length = inf if whole else plan.chunk_seconds(audio, engine.name, settings)
    return plan.split(audio, size, length, engine.name)


def _prospect(
    method: Method, engine: Engine, chunks: tuple[Chunk, ...], usd: float, wait: float, settings: Settings
) -> Prospect:
    return Prospect(
        method=method,
        engine=engine,
        chunks=chunks,
        usd=usd,
        wait=wait,
        score=usd + wait / 60 * settings.wait_usd_per_minute,
        usd_per_hour=usd / _hours(chunks),
    )


def _hours(chunks: tuple[Chunk, ...]) -> float:
    """Planned hours of the recording, at least one second, so that the price per hour stays finite."""
    return max(1.0, chunks[-1].end or 0.0) / 3600
