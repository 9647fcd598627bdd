"""The recordings that a command line names."""

from __future__ import annotations

import pytest

from local.commands.operation import found
from shared.errors import BadRequest


def test_each_is_found_once_in_the_order_given(deployment):
    first, second = deployment.upload("a.wav"), deployment.upload("b.wav")
    keys = [second.id, first.id, second.id]
    assert [one.id for one in found.by_key(keys, deployment.ports.records)] == [second.id, first.id]


def test_an_unknown_key_is_named_with_where_to_find_keys(deployment):
    with pytest.raises(BadRequest, match=r"no recording nonsense.*status --keys"):
        found.by_key(["nonsense"], deployment.ports.records)
