"""The price table of a deployment: the list prices, with the changes of the file in `DROPSCRIBE_PRICES`.

The file is TOML; `docs/costs.md` shows one. A deployment that has no file beside it gives the same as JSON.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
import re
import tomllib
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Any

from shared.costs.prices import TABLE, PriceTable, Rule
from shared.engines import Price, hosted_specs
from shared.errors import ConfigurationError
from shared.settings import Settings, is_text


def engine_prices() -> dict[str, Price]:
    """The list prices of hosted engines, by their names in a price file."""
    return {
        f"{one.name}_{what}": price
        for one in hosted_specs()
        if one.hosted
        for what, price in one.hosted.prices.items()
    }


def entries() -> dict[str, Price | Rule]:
    """Everything that a file may set beside `name` and `date`, with its default."""
    own = [one.name for one in fields(PriceTable) if one.name not in {"version", "of_engines"}]
    return {**engine_prices(), **{name: getattr(TABLE, name) for name in own}}


def table(settings: Settings) -> PriceTable:
    """The prices that this deployment pays.

    Raises:
        ConfigurationError: the file cannot be read or is invalid; names the line or the key.
    """
    return load(settings.prices) if settings.prices else TABLE


@cache
def load(prices: str) -> PriceTable:
    """The list prices with the changes of a TOML file, or of the same as JSON text; read once per process.

    Raises:
        ConfigurationError: names the file and the line or the key.
    """
    if is_text(prices):
        return _from_text(prices)
    path = Path(prices)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"DROPSCRIBE_PRICES names {path}, which cannot be read ({error.strerror})"
        ) from error
    try:
        found = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"DROPSCRIBE_PRICES: {path} is not TOML: {error}") from error
    try:
        return _changed(found, path.name, hashlib.sha256(data).hexdigest()[:8])
    except ValueError as error:
        raise ConfigurationError(f"DROPSCRIBE_PRICES: in {path}, {error}") from error


def _from_text(prices: str) -> PriceTable:
    digest = hashlib.sha256(prices.encode()).hexdigest()[:8]
    try:
        return _changed(json.loads(prices), "DROPSCRIBE_PRICES", digest)
    except json.JSONDecodeError as error:
        raise ConfigurationError(f"DROPSCRIBE_PRICES is not JSON: {error}") from error
    except ValueError as error:
        raise ConfigurationError(f"DROPSCRIBE_PRICES: {error}") from error


def _changed(found: dict[str, Any], file: str, digest: str) -> PriceTable:
    name = found.pop("name", file.removesuffix(".toml"))
    if not (isinstance(name, str) and re.fullmatch(r"[\w.-]{1,60}", name)):
        raise ValueError(f"name must be 1 to 60 letters, digits, dots, dashes and underscores, not {name!r}")
    date = _date(found.pop("date", TABLE.version), "date")
    listed = entries()
    if unknown := sorted(set(found) - set(listed)):
        raise ValueError(f"{unknown[0]} is unknown; the prices are {', '.join(listed)}")
    changed = {key: _entry(key, listed[key], value, file, date) for key, value in found.items()}
    hosted = engine_prices()
    of_engines = {key: one for key, one in changed.items() if isinstance(one, Price) and key in hosted}
    others: dict[str, Any] = {key: one for key, one in changed.items() if key not in of_engines}
    return replace(TABLE, version=f"{name}-{digest}", of_engines=of_engines, **others)


def _entry(key: str, entry: Price | Rule, value: Any, file: str, date: str) -> Price | Rule:
    unit = "usd" if isinstance(entry, Price) else "seconds"
    given = dict(value) if isinstance(value, dict) else {unit: value}
    figure, source = given.pop(unit, None), given.pop("source", file)
    date = _date(given.pop("date", date), f"{key}.date")
    if given:
        raise ValueError(f"{key}.{min(given)} is unknown; the keys are {unit}, source and date")
    if not isinstance(figure, int | float) or isinstance(figure, bool) or not 0 <= figure < math.inf:
        raise ValueError(f"{key}: {unit} must be a number, 0 or more, not {figure!r}")
    if key == "task_step" and figure == 0:
        raise ValueError(f"{key}: {unit} must be more than 0")
    change: dict[str, Any] = {unit: float(figure), "source": str(source), "date": date}
    if isinstance(entry, Price):
        change["least"] = None
    return replace(entry, **change)


def _date(value: object, key: str) -> str:
    try:
        return (value if isinstance(value, dt.date) else dt.date.fromisoformat(str(value))).isoformat()
    except ValueError:
        raise ValueError(f"{key} must be a date such as 2026-10-01, not {value!r}") from None
