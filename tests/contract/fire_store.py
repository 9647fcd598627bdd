"""The Firestore column for the contract tests: a project of its own for each test."""

from __future__ import annotations

import contextlib
import os
import time
from functools import partial
from unittest import mock

from test_utils.prefixer import Prefixer

from shared.adapters.firestore import FirestoreRecords

NAMES = Prefixer("dropscribe", "contract", separator="-")


def column(request, _folder):
    """How to open the port on a project of its own, and how to let time pass."""
    address = request.getfixturevalue("firestore_address")
    return partial(reopen, address, NAMES.create_prefix()), time.sleep


@contextlib.contextmanager
def reopen(address, project):
    """Open the port on a project."""
    with mock.patch.dict(os.environ, {"FIRESTORE_EMULATOR_HOST": address}):
        opened = FirestoreRecords(project)
        try:
            yield opened
        finally:
            opened.close()
