"""A renamed file gets the transcript of its content (`local/runtime/contents.py`), and nothing is paid again."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from local.runtime import contents
from shared.engines import AUTO
from shared.errors import Permanent
from shared.flow import same_content
from shared.model import Options, Recording, StoredObject, recording_id
from shared.routing import flags, weights
from shared.state import uploads

if TYPE_CHECKING:
    from shared.ports import Ports


def reuse(ports: Ports, source: StoredObject) -> bool:
    """Give a new file of the inbox the transcript of a finished one with its content and options, if there is one.

    Either way its content is known from then on.

    Returns:
        False if it has to be transcribed.
    """
    asks = uploads.fix(source, ports.records)
    if asks.problem:
        return False
    try:
        key = contents.key_of(source, asks.options, ports)
    except Permanent:  # it has just changed, or cannot be read: transcribing it says so
        return False
    earlier = contents.find(key, ports, partial(_fits, asks.options, ports))
    done = earlier is not None and same_content.reuse(source, asks.options, earlier, ports)
    contents.remember(key, recording_id(source, asks.options), ports, done=earlier)
    return done


def _fits(options: Options, ports: Ports, earlier: Recording) -> bool:
    """Whether a recording has the method and the weights that apply now: those of `up` are no options of its uploads."""
    settings = flags.read(ports).applied(ports.settings)
    method = settings.method if options.method == AUTO else options.method
    if method != AUTO and earlier.decision is not None and earlier.decision.method != method:
        return False
    now = weights.each(options, settings, ports.engines)
    return all(now.get(engine, name) == name for engine, name in earlier.weights.items())
