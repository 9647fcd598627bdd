"""The fields of a request, validated, as one record.

The names, values and defaults are those of `transcription_create_params` in OpenAI's client. Lists come as `name[]`, as
`name[0]` or as `name`, several times. Unknown fields are ignored, as OpenAI does.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from console.openai import languages, models
from console.openai.errors import invalid
from shared.errors import BadRequest
from shared.messages import MUST_BE, options_of
from shared.model import Engine, Options
from shared.routing import speakers as routing_speakers

if TYPE_CHECKING:
    from shared.settings import Settings

Format = Literal["json", "text", "srt", "verbose_json", "vtt", "diarized_json"]
FORMATS: tuple[Format, ...] = get_args(Format)
STREAMED: tuple[Format, ...] = ("json", "text", "diarized_json")
"""Formats whose words can come one after another."""
GRANULARITIES = ("word", "segment")

Fields = Sequence[tuple[str, str]]
"""Names and values of the fields of a form, in order."""

_INDEX = re.compile(r"\[\d*\]$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What a request asks for."""

    options: Options
    """For the recording."""
    model: str
    """The name that the caller gave."""
    format: Format = "json"
    """Format of the answer."""
    words: bool = False
    """Whether `verbose_json` has words."""
    segments: bool = True
    """Whether `verbose_json` has segments."""
    logprobs: bool = False
    """Whether `json` has the probability of each word."""
    stream: bool = False
    """Whether the answer is a stream of events."""


def parse(fields: Fields, settings: Settings, engines: Collection[Engine]) -> Wanted:
    """What the fields of a form ask for.

    Raises:
        ApiError: names the first field that is wrong, what it must be, and what to do.
    """
    one, several = _by_name(fields)
    name = one.get("model", "").strip()
    if not name:
        raise invalid(
            "You must provide a model parameter, for example model=whisper-1.",
            "model",
            "missing_required_parameter",
        )
    chosen = models.choose(name, settings, engines)
    shape = _one_of(one.get("response_format") or "json", FORMATS, "response_format")
    stream = _is_true(one.get("stream", ""), "stream")
    if stream and shape not in STREAMED:
        raise invalid(
            f"A stream has the formats {', '.join(STREAMED)}; {shape} is written when the transcript is complete. "
            "Leave out stream, or choose another response_format.",
            "response_format",
        )
    granularities = several.get("timestamp_granularities", [])
    for granularity in granularities:
        _one_of(granularity, GRANULARITIES, "timestamp_granularities")
    if granularities and shape != "verbose_json":
        raise invalid(
            f"timestamp_granularities need response_format=verbose_json, not {shape}.",
            "timestamp_granularities",
        )
    _check_temperature(one.get("temperature", ""))
    return Wanted(
        options=_options(one, several, chosen, engines, speakers=shape == "diarized_json"),
        model=name,
        format=shape,
        words="word" in granularities,
        segments="segment" in granularities or not granularities,
        logprobs=_wants_logprobs(several.get("include", []), shape),
        stream=stream,
    )


def _by_name(fields: Fields) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The last value of each field, and all values of those that are lists."""
    one: dict[str, str] = {}
    several: dict[str, list[str]] = {}
    for name, value in fields:
        bare = _INDEX.sub("", name)
        one[bare] = value
        several.setdefault(bare, []).append(value)
    return one, several


def _options(
    one: Mapping[str, str],
    several: Mapping[str, list[str]],
    chosen: models.Choice,
    engines: Collection[Engine],
    *,
    speakers: bool,
) -> Options:
    for name in ("known_speaker_names", "known_speaker_references"):
        if several.get(name):
            raise invalid(
                f"{name} is not supported: speakers are named A, B, … in the order in which they speak. Leave it out.",
                name,
                "unsupported_parameter",
            )
    given = {
        "method": chosen.method,
        "model": chosen.model,
        "language": _language(one.get("language", ""), several.get("languages", [])),
        "keyterms": ", ".join(" ".join(term.split()) for term in several.get("keywords", []) if term.strip())
        or None,
        "diarize": speakers,
    }
    try:
        options = options_of({name: value for name, value in given.items() if value is not None})
        routing_speakers.check(options)
    except BadRequest as error:
        if "keyterms" in str(error):
            raise invalid(f"keywords must be {MUST_BE['keyterms']}.", "keywords") from error
        raise invalid(str(error), "response_format" if speakers else "model") from error
    if speakers:
        try:
            routing_speakers.check_engines(engines)
        except BadRequest as error:
            said = str(error).replace(
                "ask without speakers (diarize, channels)", "choose another response_format"
            )
            raise invalid(said, "response_format", "unsupported_value") from error
    return options


def _language(said: str, several: Sequence[str]) -> str | None:
    """The language of a request; None leaves it to the engine, also if the caller names several."""
    if said.strip():
        return _code(said, "language")
    codes = [_code(one, "languages") for one in several]
    return codes[0] if len(codes) == 1 else None


def _code(said: str, param: str) -> str:
    code = languages.code_of(said)
    if code is None:
        raise invalid(
            f"Invalid language '{said[:50]}'. Language parameter must be specified in ISO-639-1 format, such as en.",
            param,
            "invalid_language_format",
        )
    return code


def _one_of(value: str, allowed: Sequence[Format] | Sequence[str], param: str) -> Format:
    if value not in allowed:
        raise invalid(
            f"Invalid value: '{value[:50]}'. Supported values are: {', '.join(map(repr, allowed))}.", param
        )
    return value  # type: ignore[return-value]  # it is one of these


def _is_true(value: str, param: str) -> bool:
    if value.lower() in {"", "false", "0", "null", "none"}:
        return False
    if value.lower() in {"true", "1"}:
        return True
    raise invalid(f"Invalid value: '{value[:50]}'. {param} must be true or false.", param)


def _check_temperature(value: str) -> None:
    try:
        number = float(value or 0)
    except ValueError:
        number = math.nan
    if not 0 <= number <= 1:
        raise invalid(
            f"Invalid value: '{value[:50]}'. temperature must be a number from 0 to 1.", "temperature"
        )


def _wants_logprobs(include: Sequence[str], shape: Format) -> bool:
    for value in include:
        _one_of(value, ("logprobs",), "include")
    if include and shape != "json":
        raise invalid(f"logprobs need response_format=json, not {shape}.", "include")
    return bool(include)
