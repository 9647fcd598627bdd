"""Deepgram, through its SDK: one call for a chunk or a whole recording.

A call asks for smart formatting, punctuation and paragraphs; the language, or language detection; keyterms, filler
words and speakers if the caller wants them; `mip_opt_out`, so that nothing is kept for training; and the key of the
chunk as tag. Audio is sent as an address if there is one, else as FLAC.

The SDK's own two retries and its timeout of a minute are switched off, because a call may be charged by then. Here a
call is retried only if Deepgram has certainly not begun with it.
"""

from __future__ import annotations

import email.utils
import random
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
from deepgram import DeepgramClient, DeepgramClientEnvironment
from deepgram.core.api_error import ApiError

from shared.adapters.engines import deepgram_answers as answers
from shared.audio.encode import flac
from shared.engines import DEEPGRAM
from shared.errors import DropscribeError, EngineFailed, EngineRefused
from shared.telemetry import log, measure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.ports import HostedJob
    from shared.results import Heard
    from shared.settings import Settings

MOST_TRIES = 4
"""Most calls for one job, as long as Deepgram has not begun with it."""
SHORTEST_PAUSE, LONGEST_PAUSE = 1.0, 20.0
"""Bounds of the pause before the second try and before later ones, seconds: full jitter below a bound that
doubles (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/)."""
LONGEST_RETRY_AFTER = 45.0
"""Longest Retry-After to wait for, seconds; after a longer one the message is given back instead."""
LONGEST_SILENCE = 300.0
"""Longest time without calls to Deepgram, seconds, whatever it asks for: the longest back-off of its messages."""
CONNECT, SEND = 10.0, 60.0
"""Seconds to connect, and for each part of the upload."""
ANSWER, ANSWER_A_SECOND = 60.0, 0.2
"""Seconds to wait for the answer: a minimum, and more for each second of audio. Deepgram is said to take half a
minute for an hour, and gives up after ten minutes."""
MOST_BYTES = 256 * 1024 * 1024
"""Most bytes of an answer: twelve hours of speech take about 40 MB."""


def open_engine(settings: Settings, key: str) -> DeepgramEngine:
    """The adapter, as named in the table of engines."""
    return DeepgramEngine(settings, key)


class DeepgramEngine:
    """Implements `shared.ports.HostedEngine`. Thread-safe."""

    def __init__(self, settings: Settings, key: str) -> None:
        self._key = key
        self._slots = threading.BoundedSemaphore(settings.open_calls[DEEPGRAM.name])
        self._silent_until = 0.0
        url = settings.addresses[DEEPGRAM.name].rstrip("/")
        self._client = DeepgramClient(
            api_key=self._key,
            environment=DeepgramClientEnvironment(base=url, production=url, agent=url, agent_rest=url),
            max_retries=0,
            httpx_client=httpx.Client(
                # The server may close an idle connection, which looks like a lost answer.
                limits=httpx.Limits(max_keepalive_connections=0),
                event_hooks={"response": [_bound]},
            ),
        )

    def transcribe(self, job: HostedJob) -> Heard:
        """See the port."""
        give_up_at = time.monotonic() + job.patience
        tries = 0
        while True:
            tries += 1
            try:
                return self._try(job, give_up_at)
            except EngineFailed as error:
                self._pause_calls(error.retry_after)
                pause = _pause(error, tries)
                if pause is None or time.monotonic() + pause > give_up_at:
                    raise
                log.info("Deepgram, try %d of %s: %s; again in %.1f s", tries, job.tag, error, pause)
            time.sleep(pause)

    def _try(self, job: HostedJob, give_up_at: float) -> Heard:
        if not self._slots.acquire(timeout=max(0.0, give_up_at - time.monotonic())):
            raise EngineFailed(
                "rate", "All calls that DROPSCRIBE_DEEPGRAM_CONCURRENCY allows were busy for too long."
            )
        try:
            # While this call waited for a slot, Deepgram may have asked for a pause.
            if (left := self._silent_until - time.monotonic()) > 0:
                raise EngineFailed("rate", f"Deepgram asks for a pause of {left:.0f} s.", retry_after=left)
            return self._measured(job, give_up_at - time.monotonic())
        finally:
            self._slots.release()

    def _measured(self, job: HostedJob, patience: float) -> Heard:
        began, outcome = time.monotonic(), "ok"
        try:
            return self._call(job, patience)
        except DropscribeError as error:
            outcome = str(getattr(error, "code", "")) or "refused"
            raise
        finally:
            took = time.monotonic() - began
            measure("hosted_call_seconds", took, engine=DEEPGRAM.name, outcome=outcome)

    def _pause_calls(self, retry_after: float | None) -> None:
        """Pause all calls for a while: the limit is the project's, so Retry-After of one call applies to all."""
        if retry_after is not None:
            until = time.monotonic() + min(retry_after, LONGEST_SILENCE)
            self._silent_until = max(self._silent_until, until)

    def _call(self, job: HostedJob, patience: float) -> Heard:
        wanted = min(max(patience, 1.0), ANSWER + job.seconds * ANSWER_A_SECOND)
        timeout = httpx.Timeout(wanted, connect=min(CONNECT, wanted), write=min(SEND, wanted))
        arguments = _parameters(job) | {"request_options": {"max_retries": 0, "timeout": timeout}}
        media = self._client.listen.v1.media.with_raw_response
        audio = b"" if job.url is not None else flac(job.samples)
        try:
            if job.url is not None:
                response = media.transcribe_url(url=job.url, **arguments)
            else:
                response = media.transcribe_file(request=audio, **arguments)
            answer = response.data.model_dump(warnings="none")
        except ApiError as error:
            raise self._refusal(error, job) from None  # its text may contain secrets
        except httpx.HTTPError as error:
            raise _broken(error, job) from error
        except httpx.InvalidURL as error:
            raise _no_address(str(error)) from error
        except Exception as error:
            # The SDK raises anything for an answer that it cannot parse.
            raise answers.unusable(type(error).__name__, seconds=job.seconds) from error
        heard = answers.heard(
            answer,
            model=job.model,
            language=_language(job),
            seconds=job.seconds,
            speakers=job.options.diarize,
        )
        return heard if job.url is not None else replace(heard, sent_bytes=len(audio))

    def _refusal(self, error: ApiError, job: HostedJob) -> DropscribeError:
        status = error.status_code or 0
        if 200 <= status < 300:
            return answers.unusable("it is not JSON", seconds=job.seconds)
        body = _without(self._key, error.body)
        return answers.refusal(status, body, retry_after=_retry_after(error.headers or {}))


def _language(job: HostedJob) -> str | None:
    """The language by its name there: several in one recording are `mul` in BCP 47, `multi` in Deepgram."""
    language = job.options.language
    return "multi" if language is not None and language.lower() == "mul" else language


def _parameters(job: HostedJob) -> dict[str, Any]:
    options = job.options
    language = _language(job)
    chosen: dict[str, Any] = {"language": language} if language else {"detect_language": True}
    if options.phrases:
        chosen["keyterm"] = list(options.phrases)
    if options.filler_words:
        chosen["filler_words"] = True
    if options.diarize:
        chosen["diarize_model"] = "latest"
    return {
        **chosen,
        "model": job.model,
        "smart_format": not job.plain,
        "punctuate": True,
        "paragraphs": True,
        "mip_opt_out": True,
        "tag": job.tag,
    }


def _pause(error: EngineFailed, tries: int) -> float | None:
    """Seconds until the next try, None if there is none."""
    if error.billed_seconds is not None or tries >= MOST_TRIES or error.code == "timeout":
        return None
    jitter = random.uniform(0, min(LONGEST_PAUSE, SHORTEST_PAUSE * 2 ** (tries - 1)))  # noqa: S311 - no secret
    if error.retry_after is None:
        return jitter
    return None if error.retry_after > LONGEST_RETRY_AFTER else error.retry_after + jitter


def _retry_after(headers: dict[str, str]) -> float | None:
    """Seconds of a Retry-After header, which has a number or a date (RFC 9110, 10.2.3)."""
    text = next((value for name, value in headers.items() if name.lower() == "retry-after"), "").strip()
    if text.isdecimal():
        return float(text[:9])
    try:
        when = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, when.timestamp() - time.time())


def _broken(error: httpx.HTTPError, job: HostedJob) -> DropscribeError:
    """The error for a call without an answer; if the request may have arrived whole, it may be charged for."""
    what = f"{type(error).__name__} {error}".strip()
    if isinstance(error, (httpx.UnsupportedProtocol, httpx.LocalProtocolError)):
        return _no_address(what)
    if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)):
        return EngineFailed(
            "unreachable",
            f"No connection to Deepgram ({what}). Check that this computer can reach DROPSCRIBE_DEEPGRAM_URL.",
        )
    if isinstance(error, (httpx.WriteError, httpx.WriteTimeout, httpx.PoolTimeout)):
        return EngineFailed("unreachable", f"The audio could not be sent to Deepgram ({what}).")
    code, how = ("timeout", "was late") if isinstance(error, httpx.TimeoutException) else ("lost", "was lost")
    return EngineFailed(code, f"Deepgram's answer {how} ({what}).", billed_seconds=job.seconds)


def _no_address(what: str) -> EngineRefused:
    return EngineRefused("address", f"DROPSCRIBE_DEEPGRAM_URL is invalid ({what}). Correct or unset it.")


def _without(secret: str, body: object) -> object:
    """The body without the key, because a server may quote its request."""
    if isinstance(body, dict):
        return {name: _without(secret, value) for name, value in body.items()}
    return body.replace(secret, "…") if isinstance(body, str) else body


def _bound(response: httpx.Response) -> None:
    """Limit the time and size of a response's body.

    The timeout of httpx applies to each part, so a server that sends a byte now and then would never end.
    """
    assert isinstance(response.stream, httpx.SyncByteStream), "our client is not asynchronous"
    response.stream = _Bounded(response.stream, response.request)


class _Bounded(httpx.SyncByteStream):
    def __init__(self, stream: httpx.SyncByteStream, request: httpx.Request) -> None:
        self._stream = stream
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        seconds = self._request.extensions["timeout"]["read"]
        ends, size = time.monotonic() + seconds, 0
        for part in self._stream:
            size += len(part)
            if time.monotonic() > ends:
                raise httpx.ReadTimeout(f"it took more than {seconds:.0f} s", request=self._request)
            if size > MOST_BYTES:
                raise httpx.ReadError(f"it has more than {MOST_BYTES} bytes", request=self._request)
            yield part

    def close(self) -> None:
        self._stream.close()
