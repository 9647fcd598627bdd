"""One decoding process for all tests of this folder."""

import pytest

from shared.audio import Limits, Sandbox


@pytest.fixture(scope="session")
def sandbox():
    with Sandbox(Limits(timeout_s=60)) as one:
        yield one
