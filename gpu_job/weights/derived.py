"""What is made once from weights that are here: other forms of them, kept beside them.

A form appears whole or not at all, whoever makes it at the same time. It is named by what it is and by the revision of
the weights, so that other weights in the same folder never get it.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

if TYPE_CHECKING:
    from collections.abc import Callable

    from gpu_job.weights.located import Located


def derived(located: Located, form: str, make: Callable[[Path], object]) -> Path:
    """The folder of a form of some weights; made if it is not there yet.

    It is beside the weights, or in the user's cache where nothing can be written there.

    Args:
        located: the weights; a folder.
        form: name of the form.
        make: fills an empty folder.

    Raises:
        OSError: it cannot be written.
    """
    name = f"{form}-{located.revision.replace(':', '-')}"
    places = (located.path, Path(platformdirs.user_cache_dir("dropscribe"), "weights"))
    for place in places:
        if (place / name).is_dir():
            return place / name
    target = (places[0] if os.access(places[0], os.W_OK) else places[1]) / name
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=target.parent) as beside:
        made = Path(beside, "made")
        made.mkdir()
        make(made)
        for file in made.iterdir():
            with file.open("rb") as written:
                os.fsync(written.fileno())
        with contextlib.suppress(OSError):
            made.rename(target)
        if not target.is_dir():
            raise OSError(f"{target} could not be made.")
    return target
