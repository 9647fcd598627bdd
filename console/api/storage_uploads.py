"""Uploads that bypass this server: to a URL of Cloud Storage (its resumable sessions).

Cloud Run takes 32 MiB a request (https://cloud.google.com/run/quotas), and Cloud Storage takes any. The options travel as
metadata of the object, and its notification starts the flow: this server does not see the end of the upload.
"""

from __future__ import annotations

import re
import threading
import time
from typing import TYPE_CHECKING

from console.api.types import Upload
from shared.messages import metadata_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shared.model import Options
    from shared.ports import Ports

LASTS = 3600.0
"""Seconds for which the name of an upload is not given to another one. Longer, and who begins anew gets another name."""
MOST_NAMES = 10_000
"""That are remembered; the oldest are forgotten first."""
MEDIA_TYPE = re.compile(r"[A-Za-z0-9.+_-]{1,64}/[A-Za-z0-9.+_-]{1,64}")


class Names:
    """Names that are given to uploads under way: two files of one name that are dropped together get two.

    Another instance of the server may give the same name: the later upload is refused at its end, and can be repeated.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._given: dict[str, float] = {}
        self._lock = threading.Lock()

    def take(self, name: str) -> bool:
        """Whether a name was free; it is taken then."""
        with self._lock:
            now = self._now()
            if now - self._given.pop(name, now - LASTS - 1) <= LASTS:
                self._given[name] = now
                return False
            while len(self._given) >= MOST_NAMES:
                del self._given[next(iter(self._given))]
            self._given[name] = now
            return True

    def give_back(self, name: str) -> None:
        """Let others have a name: no upload began under it."""
        with self._lock:
            self._given.pop(name, None)


def begin(
    free: Iterator[str], size: int, media_type: str, options: Options, origin: str, names: Names, ports: Ports
) -> Upload | None:
    """Where a browser or a program sends a file itself; None if it goes through this server.

    `free` are names for it, the best one first; `names` those that are given to other uploads; `size` counts bytes;
    `origin` is that of the page that asks, empty: a program.

    Raises:
        BadRequest: the name cannot be that of an object.
    """
    bucket = ports.settings.audio_bucket
    name = next(one for one in free if ports.store.stat(bucket, one) is None and names.take(one))
    kind = media_type if MEDIA_TYPE.fullmatch(media_type) else "application/octet-stream"
    url = None
    try:
        url = ports.store.upload_url(
            bucket, name, size=size, content_type=kind, metadata=metadata_of(options), origin=origin
        )
    finally:
        if url is None:
            names.give_back(name)
    if url is None:
        return None
    return Upload(id="", upload_url=url, method="PUT", headers={}, uri=f"gs://{bucket}/{name}")
