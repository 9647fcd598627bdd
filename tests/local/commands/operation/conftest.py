"""The command line of an operator."""

from __future__ import annotations

import pytest


@pytest.fixture
def call(ask):
    return ask
