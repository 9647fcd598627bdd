from __future__ import annotations

import pytest

from deployment import destroy
from shared.errors import BadRequest
from tests.deployment.google import TARGET
from tests.deployment.lay import FakeTerraform


@pytest.fixture
def terraform(google):
    google.buckets["my-project-terraform"] = {}
    return FakeTerraform(google, foundation=True)


def test_what_runs_goes_and_data_stay(terraform):
    assert destroy.keep_data(TARGET, terraform, lambda _: True)
    assert (terraform.laid, terraform.destroyed) == ([(None, "")], False)


def test_a_no_changes_nothing(terraform):
    assert not destroy.keep_data(TARGET, terraform, lambda _: False)
    assert terraform.laid == []


def test_data_go_only_when_the_name_of_the_project_is_typed(terraform):
    for typed in ("", "yes", "my-projekt"):
        with pytest.raises(BadRequest, match="not the name of the project"):
            destroy.delete_data(TARGET, terraform, lambda _, typed=typed: typed)
    assert terraform.laid == []
    destroy.delete_data(TARGET, terraform, lambda _: " my-project\n")
    assert (terraform.laid, terraform.destroyed) == ([(None, "", ("delete_data", True))], True)
