import pytest

from gpu_job.onnx_export import differing


@pytest.mark.parametrize(
    ("expected", "heard", "share"),
    [
        ("a b c d", "a b c d", 0.0),
        ("a b c d", "a x c d", 0.25),
        ("a b c d", "b c d", 0.25),
        ("a b", "a b c", 0.5),
        ("a b", "", 1.0),
        ("", "a", 1.0),
    ],
)
def test_the_share_of_differing_words_counts_edits(expected, heard, share):
    assert differing(expected.split(), heard.split()) == share
