from __future__ import annotations

import pytest

from tests.faults.scenarios import made


@pytest.fixture(scope="session")
def recordings(once):
    """A folder of recordings, and what comes of them where nothing goes wrong."""
    return once("undisturbed", made)
