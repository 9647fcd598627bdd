"""Names of models: OpenAI's mean the deployment's default, ours mean what they mean elsewhere.

whisper-1, gpt-…         the deployment's default: the router chooses
parakeet, …              a method of `shared/engines.py` that this deployment has
nova-3                   the weights of a hosted engine
nvidia/parakeet-…        weights of Parakeet, by the name that `--model` takes
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.openai.errors import ApiError
from shared.engines import AUTO, ENGINES, HYBRID, hosted_specs
from shared.model import Engine, Method

if TYPE_CHECKING:
    from collections.abc import Collection

    from shared.settings import Settings

OPENAIS = (
    *("whisper-1", "gpt-transcribe", "gpt-4o-transcribe", "gpt-4o-mini-transcribe"),
    *("gpt-4o-mini-transcribe-2025-12-15", "gpt-4o-transcribe-diarize"),
)
"""The names of OpenAI's client, for programs that look for them in the list. All beginning with `gpt-` are taken."""

_PARAKEET = re.compile(r"nvidia/parakeet-[A-Za-z0-9._-]{1,200}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """What a name of a model stands for."""

    method: Method = AUTO
    """The method; `auto`: the router chooses."""
    model: str | None = None
    """Weights of Parakeet; None: the deployment's default."""


def names(settings: Settings, engines: Collection[Engine]) -> tuple[str, ...]:
    """The names that `/v1/models` lists, OpenAI's first."""
    return (*OPENAIS, *_ours(settings, engines))


def choose(name: str, settings: Settings, engines: Collection[Engine]) -> Choice:
    """What a name stands for in this deployment.

    Raises:
        ApiError: 404, it stands for nothing here.
    """
    if name in OPENAIS or name.startswith("gpt-"):
        return Choice()
    if (found := _ours(settings, engines).get(name)) is not None:
        return found
    if _PARAKEET.fullmatch(name):
        return Choice(model=name)
    raise unknown(name, settings, engines)


def unknown(name: str, settings: Settings, engines: Collection[Engine]) -> ApiError:
    """The error for a name that stands for nothing here."""
    known = ", ".join(names(settings, engines))
    return ApiError(
        status=404,
        message=f"The model `{name[:200]}` does not exist in this deployment. Choose one of {known}.",
        param="model",
        code="model_not_found",
    )


def _ours(settings: Settings, engines: Collection[Engine]) -> dict[str, Choice]:
    here = [one for name, one in ENGINES.items() if name in engines]
    found = {settings.model: Choice()} if any(not one.hosted for one in here) else {}
    found |= {one.method: Choice(method=one.method) for one in here}
    if {bool(one.hosted) for one in here} == {True, False}:
        found[HYBRID] = Choice(method=HYBRID)
    hosted = {one.hosted.weights: Choice(method=one.method) for one in hosted_specs(engines) if one.hosted}
    return found | hosted
