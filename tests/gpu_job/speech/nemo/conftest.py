from __future__ import annotations

import pytest

from tests import whole_nemo as nemo


@pytest.fixture(scope="session")
def whole_nemo(once):
    """NeMo after a lean import: how its process ended, some sound and its features of that, and what it hears."""
    return once("whole-nemo", nemo.run)
