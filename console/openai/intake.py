"""A received file becomes an object, and its transcript is requested, once, however often the file is sent.

The object is named after the SHA-256 of its bytes: a program that gave up waiting and sends the same file again gets
the same object, and with it the same recording. Its options are fixed before it can be seen, so its event leads to
the requested recording (`shared/state/uploads.py`). A request with other options makes another recording
of the same object.
"""

from __future__ import annotations

import contextlib
import re
import uuid
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, BinaryIO

from shared import client
from shared.audio.containers import BY_NAME
from shared.audio.probing.sniff import sniff
from shared.errors import BadMedia
from shared.flow import refusals
from shared.in_words import printable
from shared.messages import metadata_of
from shared.model import Options, Recording, StoredObject, recording_id
from shared.state import documents, uploads

if TYPE_CHECKING:
    from console.openai.multipart import Received
    from shared.ports import Ports

FOLDER = "openai"
"""Where the objects are in the audio bucket."""

LONGEST_TITLE = 255
"""Characters of a recording's title."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """What is waited for."""

    recording: str
    """Key of the recording."""
    request: str = ""
    """Id of the request for it; empty if none was needed."""
    continues: int | None = None
    """The `life` that had ended without a transcript, which the request continues; None: there was no such end."""
    chunks: bool = False
    """Whether its chunks are of interest as well."""


def take(received: Received, file: BinaryIO, options: Options, ports: Ports) -> Ask:
    """Store a file, unless it is there, and ask for its transcript, unless that was done.

    The file is from `stage` of the store, for the audio bucket.

    Raises:
        OverLimit: it is larger than this deployment takes.
        Permanent: the store refuses it.
    """
    options = replace(options, title=_title(received.file_name))
    for number in count(1):
        name = object_name(received, number)
        source = ports.store.stat(ports.settings.audio_bucket, name)
        is_new = source is None
        if source is None:
            source = _create(name, received, file, options, ports)
        recording = documents.get_recording(ports.records, recording_id(source, options))
        # A generation that was deleted stays deleted, and a file of the inbox may have been edited.
        if source.size == received.size and (recording is None or recording.state != "DELETED"):
            return _ask(source, recording, options, ports, is_new=is_new)
    raise AssertionError("there is a number after every number")


def object_name(received: Received, number: int = 1) -> str:
    """The name of an object: `openai/SHA-256.SUFFIX`, from the second on `openai/SHA-256-2.SUFFIX`."""
    again = f"-{number}" if number > 1 else ""
    return f"{FOLDER}/{received.sha256}{again}{_suffix(received.head)}"


def _create(name: str, received: Received, file: BinaryIO, options: Options, ports: Ports) -> StoredObject:
    bucket = ports.settings.audio_bucket
    refusals.check_size(
        StoredObject(bucket=bucket, name=name, generation=0, size=received.size), ports.settings
    )
    made = ports.store.create_from(
        bucket,
        name,
        file,
        metadata=metadata_of(options),
        ahead=lambda source: uploads.fix(source, ports.records),
    )
    # Another client sent the same file a moment earlier.
    found = made or ports.store.stat(bucket, name)
    if found is None:
        raise BadMedia("missing", "The file was deleted while it was taken in. Send it again.")
    return replace(found, metadata={})


def _ask(
    source: StoredObject, recording: Recording | None, options: Options, ports: Ports, *, is_new: bool
) -> Ask:
    key = recording_id(source, options)
    if recording is not None and not recording.ended_without:
        return Ask(recording=key)
    if is_new and source.bucket not in ports.settings.request_bucket_set:
        # Its event is enough; only to continue one, or for other options, a request is needed.
        return Ask(recording=key)
    request = client.submit(
        source.uri, ports=ports, options=options, request_id=f"{FOLDER}-{key}-{uuid.uuid4().hex}"
    )
    return Ask(recording=key, request=request, continues=recording.life if recording else None)


def _title(file_name: str) -> str | None:
    """What lists call a file, by the name that its sender gave it, which may be a path of another system."""
    return printable(re.split(r"[/\\]", file_name.strip())[-1])[:LONGEST_TITLE] or None


def _suffix(head: bytes) -> str:
    with contextlib.suppress(BadMedia):
        container = sniff(head)
        if container == "matroska" and b"webm" in head[:64]:
            return ".webm"
        if container == "mov" and head[8:11] == b"M4A":
            return ".m4a"
        if container is not None:
            # The sender's own may differ from try to try.
            return next(iter(BY_NAME[container].suffixes), "")
    # They have no magic number: tags, or the first frame of a stream.
    frame = len(head) > 1 and head[0] == 0xFF
    if frame and head[1] & 0xF6 == 0xF0:
        return ".aac"
    return ".mp3" if head.startswith(b"ID3") or (frame and head[1] & 0xE0 == 0xE0) else ""
