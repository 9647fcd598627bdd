"""Which weights our engines use for a recording, and whether these know its language. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared import languages
from shared.engines import AUTO, ENGINES, hosted_specs

if TYPE_CHECKING:
    from collections.abc import Collection

    from shared.model import Engine, Options
    from shared.settings import Settings


DEFAULT, ENGLISH = "PARAKEET_MODEL_NAME", "PARAKEET_ENGLISH_MODEL"
"""The settings that name weights."""


def of_deployment(settings: Settings) -> dict[str, str]:
    """Those that the recordings of a deployment may need without a wish of their own, by their settings."""
    named = {DEFAULT: settings.model, ENGLISH: settings.english_model}
    return {setting: name for setting, name in named.items() if name}


def default(options: Options, settings: Settings) -> str:
    """Those of the deployment: for recordings in English the ones for English, if it has any."""
    english = options.language is not None and languages.primary(options.language) == "en"
    return settings.english_model if english and settings.english_model else settings.model


def chosen(options: Options, settings: Settings) -> str:
    """Those that the caller asks for, else those of the deployment."""
    return options.model or default(options, settings)


def asked(options: Options, settings: Settings) -> bool:
    """Whether the caller asks for others than the deployment would use."""
    return bool(options.model) and options.model != default(options, settings)


def each(options: Options, settings: Settings, engines: Collection[Engine]) -> dict[Engine, str]:
    """Those that each engine of the deployment uses for a recording."""
    ours = chosen(options, settings)
    return {
        one.name: one.hosted.weights if one.hosted else ours
        for one in ENGINES.values()
        if one.name in engines
    }


def named(options: Options, settings: Settings) -> Options:
    """Options that name the weights of our engines, for a file that is no upload.

    They are part of the key of its recording, because the same file may be transcribed with others later. Where only
    hosted engines are asked for, they do not matter, and none are named.
    """
    method = settings.method if options.method == AUTO else options.method
    hosted = method in {one.method for one in hosted_specs()}
    return replace(options, model=None if hosted else chosen(options, settings))


def lack(options: Options, settings: Settings, *, brief: bool = False) -> str:
    """Why they do not fit the language that was asked for, as part of a sentence; empty if they do, or if that is unknown.

    `brief`: without the languages that they know, which may be many.
    """
    weights = chosen(options, settings)
    if not languages.lacking(options.language, weights):
        return ""
    assert options.language is not None, "else nothing lacks"
    known = languages.of_weights(weights) or ()
    if languages.primary(options.language) == languages.SEVERAL:
        return f"the weights {weights} know {languages.listed(known)} only"
    about = "" if brief else f": they know {languages.listed(known)}"
    return f"the weights {weights} do not know {languages.listed((options.language,))}{about}"
