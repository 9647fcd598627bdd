"""Deepgram's answers as words, and its refusals as errors that say what to do. Pure.

Response: https://developers.deepgram.com/reference/speech-to-text/listen-pre-recorded; errors:
https://developers.deepgram.com/docs/errors.
"""

from __future__ import annotations

import math
import re
from typing import Any

import msgspec

from shared.engines import DEEPGRAM
from shared.errors import DropscribeError, EngineFailed, EngineLimit, EngineRefused
from shared.in_words import encodable
from shared.messages import described
from shared.results import Heard, Word

assert DEEPGRAM.hosted is not None, "it is a hosted engine"
CONSOLE = DEEPGRAM.hosted.console
ABOUT_OPTIONS = re.compile(r"model|language|query|parameter|keyterm|tier", re.IGNORECASE)
"""A status 400 with one of these words is about the options, not about the audio."""
SIGNATURE = re.compile(r"(https?://[^\s?\"']+)\?[^\s\"']+")
"""An address with its query, which is the secret of a signed URL."""
LONGEST_QUOTE = 300
"""Most characters of Deepgram's own text in a message."""


class _Word(msgspec.Struct):
    word: str | None = None
    punctuated_word: str | None = None
    start: float | None = None
    end: float | None = None
    confidence: float | None = None
    speaker: float | None = None


class _Alternative(msgspec.Struct):
    transcript: str | None = None
    words: list[_Word] | None = None
    languages: list[str] | None = None


class _Channel(msgspec.Struct):
    alternatives: list[_Alternative]
    detected_language: str | None = None


class _Results(msgspec.Struct):
    channels: list[_Channel]


class _Metadata(msgspec.Struct):
    duration: float
    request_id: str = ""
    model_info: dict[str, Any] | None = None


class _Answer(msgspec.Struct):
    metadata: _Metadata
    results: _Results


def heard(
    answer: object, *, model: str, language: str | None, seconds: float, speakers: bool = False
) -> Heard:
    """The words of an answer.

    No word is lost: one whose time is missing or not a number starts at the end of the one before it, and one that
    starts before its predecessor starts with it. The order is that of the answer. `language` is None if Deepgram was to
    detect it; speakers are renumbered, see `Word`. `seconds` is the approximate length of the audio, for the bill if
    the answer is unusable.

    Raises:
        EngineFailed: code `answer`; it has been charged for anyway.
    """
    try:
        found = msgspec.convert(answer, type=described(_Answer))
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        raise unusable(str(error), seconds=seconds, request_id=_request_id(answer)) from error
    metadata, channels = found.metadata, found.results.channels
    known = math.isfinite(metadata.duration) and metadata.duration >= 0
    if not known or not channels or not channels[0].alternatives:
        wrong = "there is no transcript in it" if known else f"its duration is {metadata.duration}"
        raise unusable(wrong, seconds=seconds, request_id=_request_id(answer))
    best = channels[0].alternatives[0]
    words = _words(best.words or [], metadata.duration, speakers=speakers)
    if (best.transcript or "").strip() and not words:
        raise unusable("its text has no words with times", seconds=seconds, request_id=_request_id(answer))
    return Heard(
        words=words,
        seconds=metadata.duration,
        request_id=_request_id(answer),
        model=model,
        revision=_revision(metadata.model_info),
        language=language if language not in {None, "multi"} else _detected_language(channels[0], best),
    )


def unusable(what: str, *, seconds: float, request_id: str = "") -> EngineFailed:
    """The error for an answer that is unusable but charged for."""
    return EngineFailed(
        "answer",
        f"Deepgram's answer cannot be read: {what[:LONGEST_QUOTE]}. If this persists, check "
        "DROPSCRIBE_DEEPGRAM_URL.",
        billed_seconds=seconds,
        request_id=request_id,
    )


def refusal(status: int, body: object, *, retry_after: float | None = None) -> DropscribeError:
    """The error for an answer with a status other than success, which may ask for a pause (`retry_after`, seconds)."""
    said, request_id = quoted(body), _request_id(body)
    if status in {400, 411, 413, 415}:
        return _not_accepted(status, said)
    if status in {401, 402, 403}:
        return _access_refused(status, said)
    if status in {404, 405} or 300 <= status < 400:
        return EngineRefused(
            "address",
            f"There is no Deepgram at DROPSCRIBE_DEEPGRAM_URL (status {status}: {said}). Correct or unset it.",
        )
    code = {429: "rate", 408: "timeout", 504: "timeout"}.get(status, "server")
    advice = {
        "rate": "Lower DROPSCRIBE_DEEPGRAM_CONCURRENCY or the number of functions, or ask Deepgram for more.",
        "timeout": "Deepgram took too long. If this persists, use shorter chunks.",
        "server": "If this persists, see https://status.deepgram.com.",
    }[code]
    return EngineFailed(
        code,
        f"Deepgram answered {status}: {said}. {advice}",
        retry_after=retry_after,
        request_id=request_id,
    )


def quoted(body: object) -> str:
    """The text of a body, shortened, without the signature of any URL in it."""
    if isinstance(body, dict):
        parts = (body.get(one) for one in ("err_code", "category", "err_msg", "message", "details"))
        text = ", ".join(one for one in parts if isinstance(one, str) and one)
    else:
        text = body if isinstance(body, str) else ""
    return " ".join(SIGNATURE.sub(r"\1?…", text).split())[:LONGEST_QUOTE] or "no explanation"


def _not_accepted(status: int, said: str) -> EngineLimit:
    """Whatever it says of the audio or of the options is its own limit: our engines may do both."""
    if status == 413:
        return EngineLimit(f"Deepgram does not accept a recording of this size ({said}). Split it.")
    if ABOUT_OPTIONS.search(said):
        return EngineLimit(
            f"Deepgram does not accept these options ({said}). Correct the language or the keyterms, or ask for "
            "method parakeet."
        )
    return EngineLimit(
        f"Deepgram cannot read this audio ({said}). If it plays, convert it to another format (for example FLAC), "
        "or ask for method parakeet."
    )


def _access_refused(status: int, said: str) -> EngineRefused:
    if status == 402 or "PAYMENT" in said.upper() or "CREDIT" in said.upper():
        return EngineRefused(
            "credit", f"The Deepgram project has no credit left ({said}): add some at {CONSOLE}."
        )
    # Deepgram answers 401 both for an unknown key and for one that may not transcribe.
    if status == 403 or "PERMISSION" in said.upper():
        return EngineRefused(
            "forbidden",
            f"The key in DEEPGRAM_API_KEY may not do this ({said}): give it the role Member, and the project "
            f"access to the model, at {CONSOLE}.",
        )
    return EngineRefused(
        "key", f"Deepgram does not know the key in DEEPGRAM_API_KEY ({said}): set one from {CONSOLE}."
    )


def _words(given: list[_Word], longest: float, *, speakers: bool) -> tuple[Word, ...]:
    words: list[Word] = []
    start = end = 0.0
    numbers: dict[float, int] = {}
    speaker = None
    for one in given:
        texts = encodable(one.punctuated_word or one.word or "").split()
        if not texts:
            continue
        start = max(start, min(_number(one.start, end), longest))
        end = max(start, min(_number(one.end, start), longest))
        confidence = min(1.0, max(0.0, _number(one.confidence, 0.0)))
        # A word without a speaker counts as the current speaker's.
        if speakers and one.speaker is not None and math.isfinite(one.speaker):
            speaker = numbers.setdefault(one.speaker, len(numbers) + 1)
        # Smart formatting may put several words into one, as `5:00 PM`; here a word has no space.
        step = (end - start) / len(texts)
        for index, text in enumerate(texts):
            at, until = start + index * step, end if index + 1 == len(texts) else start + (index + 1) * step
            words.append(Word(text=text, start=at, end=until, confidence=confidence, speaker=speaker))
        start = words[-1].start
    return tuple(words)


def _number(given: float | None, instead: float) -> float:
    return given if given is not None and math.isfinite(given) else instead


def _revision(model_info: dict[str, Any] | None) -> str:
    """Name and version of the model that answered: `general 2025-04-17.21547`."""
    for one in (model_info or {}).values():
        if isinstance(one, dict):
            parts = [one[name] for name in ("name", "version") if isinstance(one.get(name), str)]
            return encodable(" ".join(parts)[:100])
    return ""


def _detected_language(channel: _Channel, alternative: _Alternative) -> str | None:
    languages = alternative.languages or []
    return encodable(channel.detected_language or (languages[0] if languages else "")) or None


def _request_id(answer: object) -> str:
    inner = answer.get("metadata") if isinstance(answer, dict) else None
    for one in (answer, inner):
        found = one.get("request_id") if isinstance(one, dict) else None
        if isinstance(found, str):
            return encodable(found[:100])
    return ""
