"""The column of shards in Cloud Storage for the contract tests: often folded, so that several shards are searched."""

from __future__ import annotations

import contextlib
import time
from functools import partial

from shared.adapters.object_search import ObjectSearch
from tests.contract import cloud_storage, fire_store


def column(request, folder):
    """How to open the port on buckets and documents of its own, and how to let time pass."""
    store, _ = cloud_storage.column(request, folder)
    records, _ = fire_store.column(request, folder)
    return partial(reopen, store, records), time.sleep


@contextlib.contextmanager
def reopen(store, records):
    """Open the port."""
    with store() as opened_store, records() as opened_records:
        opened = ObjectSearch(opened_store, opened_records, "work", each=3, full=60)
        try:
            yield opened
        finally:
            opened.close()
