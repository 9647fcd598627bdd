"""The words of a recording, its waveform and its files."""

from __future__ import annotations

import base64
import re
from itertools import accumulate
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.responses import Response

from console.api.answers import ApiError, bad_request
from console.api.rows import find
from console.api.types import Peaks, WordColumns, Words
from shared.flow.reading import live, output_files, peaks, revision
from shared.formats import FILES
from shared.outputs.printable import milliseconds, tidy
from shared.outputs.segments import in_reading_order, paragraphs, sentences
from shared.results import PEAK_RATE, Word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request

    from shared.ports import Ports

MOST_REVISION = 5
"""Digits of its number."""


def words(request: Request, ports: Ports) -> Words:
    """`GET /recordings/ID/words`: the transcript, or what there is of it."""
    one = find(request, ports)
    if one.state == "DONE":
        number = revision_of(request)
        if number is None:
            number = revision.newest(one.id, ports)
        found = revision.transcript(one, number, ports)
        return shown(tidy(found.words), found.speakers, number=number)
    if one.ended:
        raise ApiError(404, "no_transcript", one.reason or "It was deleted, and has no transcript any more.")
    if not one.chunks:
        return shown((), {}, complete=False)
    now = live.words(one, request.app.state.results.of(one, ports))
    return shown(now.words, {}, complete=False, gaps=now.gaps)


def shown(
    found: Sequence[Word],
    names: Mapping[int, str],
    *,
    number: int = 0,
    complete: bool = True,
    gaps: Sequence[tuple[float, float]] = (),
) -> Words:
    """Words as the API shows them: paragraph after paragraph, which is their order but where people talk at once.

    The words are tidy; speakers are named by number from 1; in the gaps, seconds, words will come.
    """
    heard = sorted({each.speaker for each in found if each.speaker is not None} | set(names))
    place = {speaker: index for index, speaker in enumerate(heard)}
    blocks = paragraphs(found, sentences(found))
    found = in_reading_order(found, blocks)
    starts = [0, *accumulate(each.count for each in blocks)][:-1]
    # A paragraph ends where words are missing.
    for _, end in gaps:
        after = next((index for index, each in enumerate(found) if each.start >= end), None)
        starts += [] if after is None else [after]
    return Words(
        complete=complete,
        revision=number,
        words=WordColumns(
            text=[each.text for each in found],
            start=[milliseconds(each.start) for each in found],
            end=[milliseconds(each.end) for each in found],
            confidence=[round(100 * each.confidence) for each in found],
            speaker=[None if each.speaker is None else place[each.speaker] for each in found],
        ),
        paragraphs=sorted(set(starts)),
        gaps=[(milliseconds(start), milliseconds(end)) for start, end in gaps],
        speakers=[names.get(speaker, f"Speaker {speaker}") for speaker in heard],
    )


def waveform(request: Request, ports: Ports) -> Peaks:
    """`GET /recordings/ID/peaks`."""
    one = find(request, ports)
    found = peaks.kept(one, ports) if one.ended else None
    if found is None and one.chunks and not one.ended:
        found = peaks.merged(one, request.app.state.results.of(one, ports))
    if one.ended and one.state != "DELETED" and one.chunks and (found is None or found.gaps):
        # A hosted engine read the audio from its address; it has not been decoded here yet.
        request.app.state.renditions.draw(one, ports)
    if found is None:
        return Peaks(rate=PEAK_RATE, encoding="base64", peaks="", gaps=[])
    return Peaks(
        rate=PEAK_RATE,
        encoding="base64",
        peaks=base64.b64encode(found.levels).decode(),
        gaps=[(milliseconds(start), milliseconds(end)) for start, end in found.gaps],
    )


def output(request: Request, ports: Ports) -> Response:
    """`GET /recordings/ID/outputs/NAME`: a file, as a download."""
    one, name = find(request, ports), request.path_params["format"]
    file = next((each for each in FILES if name in {each.name, each.format}), None)
    if file is None or one.state != "DONE":
        there = ", ".join(each.name for each in FILES) if one.state == "DONE" else "none yet"
        raise ApiError(404, "not_found", f"This recording has no file {name[:40]!r}. It has: {there}.")
    number = revision_of(request) or 0
    data = output_files.content(one, file.name, ports, number=number)
    stem = one.called.rpartition("/")[2].rpartition(".")[0] or one.id
    return Response(data, headers=download(f"{stem}.{file.name}"), media_type=file.content_type)


def download(name: str) -> dict[str, str]:
    """Headers with which a browser saves a file under a name (RFC 6266)."""
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", name)[-150:]
    exact = quote(name.encode("utf-8", "replace")[-180:], safe="")
    return {"Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{exact}"}


def revision_of(request: Request) -> int | None:
    """The number of the revision that is asked for; None: the newest.

    Raises:
        ApiError: it is no number.
    """
    given = request.query_params.get("revision")
    if given is None:
        return None
    if not given.isdecimal() or len(given) > MOST_REVISION:
        raise bad_request(f"{given[:20]!r} is not the number of a revision. Choose one that is listed.")
    return int(given)
