"""A deployment that Terraform creates wrongly transcribes nothing: `make seeded-faults`, some minutes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.emulators import or_skip
from tests.google.deployment import LAID, deployed
from tests.terraform.seeded import missing_variable, planted, swapped_topics, without_fault, wrong_model

pytestmark = [pytest.mark.seeded, pytest.mark.timeout(300)]

SAMPLE = Path(__file__).resolve().parent.parent.parent / "samples" / "voice-note.opus"
PATIENCE = 25.0
"""Seconds in which the same deployment without a fault has a transcript many times over."""


@pytest.mark.parametrize("fault", [without_fault, swapped_topics, missing_variable, wrong_model])
def test_a_deployment_transcribes_only_without_a_fault(fault, tmp_path):
    with or_skip(deployed(tmp_path, planted(LAID, fault))) as deployment:
        deployment.upload("a.opus", SAMPLE)
        try:
            ended = deployment.wait("a.opus", PATIENCE).state
        except TimeoutError:
            ended = "not at all"
    assert (ended == "DONE") == (fault is without_fault), ended
