"""Dropscribe from Python: audio in, transcripts with word-level timestamps out, and what they cost.

    import dropscribe

    transcript = dropscribe.transcribe("talk.mp3")
    print(transcript.text, transcript.words[0].start, transcript.usd)

In reading order:

    here      `transcribe`, `transcribe_all`: on this machine, in this process
      run       the flow behind them
      engines   the weights that stay loaded
      progress  how far it is
    client    `Client`: ask a deployment
      over_http   by the API of its console
      over_queue  by its queue, records and buckets
    results   what both give
    options   what may be chosen
    errors    what may go wrong
    legacy    the two classes of klipstream-analysis, for programs that were written for it

This package and the command line are what stays the same from version to version. The other packages that come with it
(`shared`, `local`, `gpu_job`, `functions`, `console`, `deployment`) are its inside, and change without notice.
"""

from dropscribe.client import Client
from dropscribe.engines import unload
from dropscribe.errors import (
    BadRequest,
    CannotWrite,
    ConfigurationError,
    DropscribeError,
    ModelUnavailable,
    NotFound,
    OverLimit,
    Permanent,
    StoreUnavailable,
    TimedOut,
    TranscriptionFailed,
    Transient,
)
from dropscribe.here import transcribe, transcribe_all
from dropscribe.options import Options
from dropscribe.progress import Progress
from dropscribe.results import Part, Segment, Status, Transcript, Word
from dropscribe.run import Ended

__all__ = [
    "BadRequest",
    "CannotWrite",
    "Client",
    "ConfigurationError",
    "DropscribeError",
    "Ended",
    "ModelUnavailable",
    "NotFound",
    "Options",
    "OverLimit",
    "Part",
    "Permanent",
    "Progress",
    "Segment",
    "Status",
    "StoreUnavailable",
    "TimedOut",
    "Transcript",
    "TranscriptionFailed",
    "Transient",
    "Word",
    "transcribe",
    "transcribe_all",
    "unload",
]
