"""The parts of NeMo that recognise speech, without the rest."""

from __future__ import annotations

import pytest

from tests.gpu_job.speech.hearing import nemo_tests

pytestmark = nemo_tests()


@pytest.mark.long
@pytest.mark.slow
def test_a_lean_import_leaves_room_for_the_whole_of_nemo_afterwards(whole_nemo):
    assert whole_nemo.done.returncode == 0, whole_nemo.done.stderr
