"""Transcripts of existing objects, and quotes."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from console.api.answers import bad_request, json_of
from console.api.changes import who
from console.api.recordings import considered
from console.api.rows import row
from console.api.types import Quote, QuoteBody, RequestBody
from shared import client
from shared.audio.containers import BY_NAME, BY_SUFFIX
from shared.flow import refusals
from shared.flow import request as requests
from shared.messages import options_of
from shared.model import AudioInfo, Options, StoredObject, recording_id
from shared.routing import route
from shared.routing.case import Case
from shared.state import audit, documents

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from shared.ports import Ports

LARGEST = 5 * 2**40
"""Bytes of the largest object in Cloud Storage (cloud.google.com/storage/quotas)."""
LONGEST = 1e7
"""Seconds of the longest recording that is planned for a quote: four months."""
SCHEMES = ("gs", "file")


def submit(body: RequestBody, request: Request, ports: Ports) -> Response:
    """`POST /recordings`: ask for the transcript of an object; 202 with its recording, or with its key until there is one."""
    scheme = body.uri.partition("://")[0]
    if scheme not in SCHEMES:
        raise bad_request(
            "A URI is gs://bucket/name, or file:///path on the machine of the server. Upload other files with "
            "POST /api/v1/uploads."
        )
    requests.check_bucket(body.uri, ports.settings)
    source = requests.locate(body.uri, ports)
    refusals.check_size(source, ports.settings)
    wanted = requests.want(source, options_of(body.options) if body.options else None, ports)
    requests.check_quota(wanted.options, ports)
    audit.note("submit", (wanted.key,), ports, who=who(request))
    # With these options the request is about the recording that is named here, whatever is stored meanwhile.
    client.submit(body.uri, ports=ports, options=wanted.options)
    one = documents.get_recording(ports.records, wanted.key)
    return json_of(
        {"id": wanted.key, "uri": source.uri, "state": "ACCEPTED"} if one is None else row(one, ports), 202
    )


def quote(body: QuoteBody, _: Request, ports: Ports) -> Quote:
    """`POST /quotes`: who would transcribe a file, and for how much; nothing is stored."""
    options = options_of(body.options)
    source = StoredObject(
        bucket=ports.settings.audio_bucket, name=body.name, generation=0, size=max(1, body.size)
    )
    refusals.check_size(source, ports.settings)
    refusals.check_seconds(body.seconds, ports.settings)
    if body.size > LARGEST or (body.seconds or 0) > LONGEST:
        raise bad_request("No store takes a file of that size, or of that length. Give those of the file.")
    exact = body.seconds is not None and body.seconds > 0
    seconds = body.seconds if exact and body.seconds else _guess(body)
    choice = route.choose(_case(source, options, seconds), route.known(ports))
    chosen = choice.decision.considered[0] if choice.decision.considered else None
    usd = chosen.usd if chosen else None
    return Quote(
        method=choice.decision.method,
        sentence=choice.decision.reason,
        # Without its length the price is between that of half and of twice the guess.
        usd_low=usd if usd is None or exact else usd / 2,
        usd_high=usd if usd is None or exact else usd * 2,
        table=considered(choice.decision.considered),
    )


def _case(source: StoredObject, options: Options, seconds: float) -> Case:
    audio = AudioInfo(
        format="mp3", codec="mp3", sample_rate=44_100, channels=2, duration=seconds, exact=False, splittable_by="time"
    )  # fmt: skip
    return Case(key=recording_id(source, options), size=source.size, audio=audio, options=options)


def _guess(body: QuoteBody) -> float:
    """Seconds by the size of the file and the usual bit rate of its kind."""
    kind = BY_SUFFIX.get(PurePosixPath(body.name).suffix.lower(), BY_NAME["mp3"])
    return min(LONGEST, max(1.0, body.size * 8 / (kind.kbps * 1000)))
