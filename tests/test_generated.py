"""What is made from the code is as the code is, and each change of the code's tables gets there."""

from __future__ import annotations

import pytest

from tests.generated.files import FILES, stale


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_made_from_the_code_is_as_the_code_is(name):
    assert stale(name) is None, f"{name} is older than what it is made from: `make generated` writes it anew"
