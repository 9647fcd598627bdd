"""Settings that can be changed at run time: a document in the records takes precedence over the environment.

`config/flags` holds values under the names of the environment variables, and under `since` when each was set.
It may also be written by hand; an invalid value is ignored and logged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, get_type_hints
from weakref import WeakKeyDictionary

import msgspec

from shared.engines import choices
from shared.errors import BadRequest, ConfigurationError, DropscribeError
from shared.settings import Settings, variable, wanted
from shared.telemetry import log

if TYPE_CHECKING:
    from shared.ports import Ports, Records

CONFIG, KEY = "config", "flags"
"""Collection and key of the document."""

SINCE = "since"
"""Its field that says when each flag was set."""

CACHED = 15.0
"""Seconds for which a process caches the flags."""

NAMES = {
    variable(name): name
    for name in (
        "method", "enable_gpu", "enable_fallback", "rollout_percent", "small_minutes", "short_hours",
        "long_hours", "small_mb", "short_mb", "long_mb", "cost_optimization", "cost_threshold",
        "wait_usd_per_minute", "canary_percent",
    )
}  # fmt: skip
"""The settings that can be flags, by their variables."""

_TYPES = get_type_hints(Settings)
_known: WeakKeyDictionary[Records, tuple[float, Flags]] = WeakKeyDictionary()


@dataclass(frozen=True, kw_only=True, slots=True)
class Flags:
    """The flags that are set."""

    values: Mapping[str, Any] = field(default_factory=dict)
    """Values by variable, of the right types."""
    since: Mapping[str, float] = field(default_factory=dict)
    """When each was set, seconds since 1970, by variable; 0 if it is not known."""

    def applied(self, settings: Settings) -> Settings:
        """The settings with the flags in place of the environment's values."""
        if not self.values:
            return settings
        try:
            return replace(settings, **{NAMES[name]: value for name, value in self.values.items()})
        except ConfigurationError:
            changed = settings
        for name, value in self.values.items():
            try:
                changed = replace(changed, **{NAMES[name]: value})
            except ConfigurationError as error:
                log.warning("ignored the flag %s: %s", name, error)
        return changed


def read(ports: Ports) -> Flags:
    """The flags, at most `CACHED` old. Never raises: without an answer the last known ones apply."""
    now = ports.clock.now()
    time, flags = _known.get(ports.records, (float("-inf"), Flags()))
    if 0 <= now - time < CACHED:
        return flags
    try:
        flags = _parsed(ports.records.get(CONFIG, KEY) or {})
    except DropscribeError as error:
        log.warning("cannot read the flags, so the last known ones apply: %s", error)
    _known[ports.records] = now, flags
    return flags


def change(assignments: Mapping[str, str], ports: Ports) -> Flags:
    """Set flags; an empty value removes a flag, so that the environment applies again.

    Raises:
        BadRequest: names the flag that is unknown or has an invalid value.
    """
    flags = check(assignments, ports)
    values, now = _values(assignments), ports.clock.now()

    def changed(fields: dict[str, Any]) -> dict[str, Any]:
        return _changed(fields, assignments, values, now)

    if not ports.records.create(CONFIG, KEY, changed({})):
        ports.records.update(CONFIG, KEY, changed)
    _known.pop(ports.records, None)
    return flags


def check(assignments: Mapping[str, str], ports: Ports) -> Flags:
    """The flags as `change` would leave them. Changes nothing.

    Raises:
        BadRequest: names the flag that is unknown or has an invalid value.
    """
    values = _values(assignments)
    stored = ports.records.get(CONFIG, KEY) or {}
    flags = _parsed(_changed(stored, assignments, values, ports.clock.now()))
    wrong = _wrong(flags.values, ports.settings)
    if wrong and _wrong(_parsed(stored).values, ports.settings):
        # What a person wrote wrongly into the document is ignored when it is read, and kept here.
        rest = Flags(values={name: value for name, value in flags.values.items() if name not in values})
        wrong = _wrong(values, rest.applied(ports.settings))
    if wrong:
        raise BadRequest(f"With this flag, {wrong}.")
    return flags


def _values(assignments: Mapping[str, str]) -> dict[str, Any]:
    """The values that are set, of the right types; those that are removed have none."""
    values: dict[str, Any] = {}
    for name, text in assignments.items():
        if name not in NAMES:
            raise BadRequest(f"There is no flag {name}. Choose from {', '.join(NAMES)}.")
        if text:
            values[name] = _value(name, text)
    return values


def _changed(
    fields: Mapping[str, Any], assignments: Mapping[str, str], values: Mapping[str, Any], now: float
) -> dict[str, Any]:
    """The document after a change."""
    times = fields.get(SINCE)
    since = dict(times) if isinstance(times, Mapping) else {}
    kept = {name: value for name, value in fields.items() if name != SINCE and name not in assignments}
    times = {name: time for name, time in since.items() if name not in assignments}
    return {**kept, **values, SINCE: {**times, **dict.fromkeys(values, now)}}


def _wrong(values: Mapping[str, Any], settings: Settings) -> str:
    """Why settings cannot have the values of these flags; empty if they can."""
    try:
        replace(settings, **{NAMES[name]: value for name, value in values.items()})
    except ConfigurationError as error:
        return str(error)
    return ""


def _value(name: str, text: object) -> Any:
    if NAMES[name] == "method" and text not in choices():
        raise BadRequest(f"{name} cannot be {text!r}: it must be one of {', '.join(choices())}.")
    try:
        return msgspec.convert(text, type=_TYPES[NAMES[name]], strict=False)
    except msgspec.ValidationError as error:
        raise BadRequest(f"{name} cannot be {text!r}: it must be {wanted(_TYPES[NAMES[name]])}.") from error


def _parsed(fields: Mapping[str, Any]) -> Flags:
    values: dict[str, Any] = {}
    for name, value in fields.items():
        if name == SINCE:
            continue
        if name not in NAMES:
            log.warning("config/flags: ignored %s, which is not a flag", name)
            continue
        try:
            values[name] = _value(name, value)
        except BadRequest as error:
            log.warning("config/flags: ignored an invalid value: %s", error)
    times = fields.get(SINCE)
    known = times if isinstance(times, Mapping) else {}
    return Flags(values=values, since={name: _time(known.get(name)) for name in values})


def _time(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
