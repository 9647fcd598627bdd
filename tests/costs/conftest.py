from __future__ import annotations

import pytest

from tests.world import World


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path, chunk_minutes=0.5, model="tiny")
    yield world
    world.close()
