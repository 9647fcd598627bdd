from __future__ import annotations

import pytest

from tests.measured import listening


@pytest.fixture
def told():
    """Everything that is measured, and the spans, while the test runs."""
    with listening() as told:
        yield told
