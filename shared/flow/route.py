"""Step 3. Choose who transcribes: a pure function, with its reason in words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.errors import BadRequest
from shared.model import Decision

if TYPE_CHECKING:
    from collections.abc import Collection

    from shared.model import Engine, Options
    from shared.settings import Settings


PUBLISHED_WEIGHTS = re.compile(r"tiny|[A-Za-z0-9][\w-]*/[A-Za-z0-9][\w.-]*")
"""Names that callers of a deployment may choose weights by; a path would let them look into the worker."""


def choose(options: Options, settings: Settings, engines: Collection[Engine]) -> Decision:
    """Method, engine and weights for one recording.

    Args:
        options: what the caller asked for; `auto` follows the deployment's setting.
        settings: the deployment's method and weights.
        engines: the engines that can run in this deployment now.

    Raises:
        BadRequest: a method was asked for that this deployment cannot run.
    """
    model = options.model or settings.model
    if settings.platform != "local" and options.model and not PUBLISHED_WEIGHTS.fullmatch(options.model):
        raise BadRequest(
            f"The model {options.model!r} is no published one. Name one as owner/name, e.g. "
            "nvidia/parakeet-tdt-0.6b-v3, or leave the choice to the deployment."
        )
    wanted = options.method if options.method != "auto" else settings.method
    if wanted in {"deepgram", "hybrid"} and "deepgram" not in engines:
        raise BadRequest(
            f"Method {wanted} was asked for, but this deployment has no Deepgram engine. "
            "Ask for parakeet, or leave the choice to auto."
        )
    parakeet: Engine | None = next((one for one in ("parakeet-gpu", "parakeet-cpu") if one in engines), None)
    if parakeet is None:
        raise BadRequest(
            "No engine can run here: `dropscribe doctor` says what is missing and how to install it."
        )
    where = "a GPU" if parakeet == "parakeet-gpu" else "this CPU"
    if wanted == "parakeet":
        reason = f"parakeet was asked for; it runs on {where}"
    else:
        reason = f"Parakeet on {where}: no other engine is set up"
    return Decision(method="parakeet", engine=parakeet, model=model, reason=reason)


def human_duration(seconds: float | None) -> str:
    """`2 h 41 min`, `12 min 5 s`, `3.2 s` or `unknown length`, for reasons and tables."""
    if seconds is None:
        return "unknown length"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
