import numpy as np
import pytest
from onnx_asr.preprocessors.numpy_preprocessor import NemoPreprocessorNumpy

from gpu_job.speech.onnx.mel import LogMel
from tests.speech import sentences


@pytest.mark.parametrize("features", [80, 128])
@pytest.mark.parametrize("count", [16_000, 12_345, 320, 30 * 16_000])
def test_features_are_those_of_the_original_to_a_thousandth(features, count):
    speech = np.concatenate([sentence.samples for sentence in sentences()[:20]])[:count] / np.float32(32768)
    original = NemoPreprocessorNumpy(f"nemo{features}")
    expected, lengths = original(speech[None], np.array([count]))
    got = np.empty((features, count // 160), np.float32)
    LogMel.of(original._melscale_fbanks)(speech, out=got)
    assert lengths.tolist() == [count // 160]
    assert np.abs(got - expected[0, :, : count // 160]).max() < 1e-3


def test_silence_gives_numbers():
    got = np.empty((80, 100), np.float32)
    LogMel.of(NemoPreprocessorNumpy("nemo80")._melscale_fbanks)(np.zeros(16_000, np.float32), out=got)
    assert np.isfinite(got).all()


def test_a_filter_without_weight_hears_nothing_of_its_neighbours():
    filters = np.zeros((257, 3), np.float32)
    filters[10, 0] = filters[20, 2] = 1.0
    random = np.random.default_rng(0).standard_normal(16_000).astype(np.float32)
    got = np.empty((3, 100), np.float32)
    LogMel.of(filters)(random, out=got)
    assert np.ptp(got[1]) == 0
    assert got[0].std() > 0.9
    assert got[2].std() > 0.9


@pytest.mark.parametrize("features", [80, 128])
def test_the_filter_bank_is_nemo_s(features):
    theirs = LogMel.of(NemoPreprocessorNumpy(f"nemo{features}")._melscale_fbanks)
    ours = LogMel.slaney(features)
    assert ours.bins.tolist() == theirs.bins.tolist()
    assert ours.starts.tolist() == theirs.starts.tolist()
    assert ours.weights == pytest.approx(theirs.weights, abs=1e-7)
