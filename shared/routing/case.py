"""The input and the result of a decision about a recording."""

from __future__ import annotations

from dataclasses import dataclass

from shared.costs.prices import PriceTable
from shared.model import AudioInfo, Chunk, Decision, Engine, Options
from shared.routing.conditions import Conditions
from shared.settings import Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """The recording to decide about."""

    key: str
    """Key of the recording."""
    size: int
    """Bytes of the object."""
    audio: AudioInfo
    """What the probe found."""
    options: Options
    """What the caller asked for; `auto` follows the deployment's setting."""
    life: int = 0
    """How often it was tried before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """Everything else that a decision depends on."""

    settings: Settings
    """The deployment's settings, flags applied."""
    engines: frozenset[Engine]
    """The engines that this deployment has."""
    conditions: Conditions
    """The sweeper's last observation."""
    prices: PriceTable
    """The deployment's prices, US dollars."""
    now: float
    """Seconds since 1970."""
    asked_since: float = 0.0
    """When the flag ROLLOUT_PERCENT was set, seconds since 1970; 0 if it is the setting's value."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """The decision and the plan that goes with it."""

    decision: Decision
    """Method, engine and weights, with the reason."""
    chunks: tuple[Chunk, ...]
    """The chunks, each with its engine."""
