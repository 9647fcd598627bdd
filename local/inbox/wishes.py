"""What `dropscribe up` was told to ask for its inbox, now and before, remembered with the state.

Options are part of the key of a recording. Who starts `up` with others means what comes from now on: files
that were transcribed with the ones before are not done again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.messages import from_fields, to_fields
from shared.model import Options

if TYPE_CHECKING:
    from shared.ports import Records

COLLECTION, KEY = "local", "wishes"


def remember(options: Options, records: Records) -> tuple[Options, ...]:
    """Keep them; gives all that were ever kept, the defaults included, without their labels.

    Raises:
        Transient: the records did not answer.
    """
    known = (records.get(COLLECTION, KEY) or {}).get("ever", [])
    before = [from_fields(one, Options) for one in known]
    ever = dict.fromkeys([Options(), *before, replace(options, label=None)])
    fields = {"ever": [to_fields(one) for one in ever]}
    if not records.create(COLLECTION, KEY, fields):
        records.update(COLLECTION, KEY, lambda _: fields)
    return tuple(ever)
