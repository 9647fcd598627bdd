import shutil

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from gpu_job.speech.onnx import onnx_engine
from gpu_job.weights import nemo_export
from gpu_job.weights.catalogue import BUNDLED, FILES
from gpu_job.weights.onnx_export import differing, quantise
from shared.errors import ConfigurationError
from tests.speech import sentences, word_errors


def test_quantised_weights_are_smaller_load_as_they_are_and_understand_as_much(tmp_path):
    folder = quantise(BUNDLED, tmp_path / "int8")
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    assert (folder / "encoder-model.onnx").stat().st_size < 0.7 * (
        BUNDLED / "encoder-model.onnx"
    ).stat().st_size
    chosen = sentences()[:60]
    engine = onnx_engine.load(str(folder))
    heard = engine.transcribe([one.samples.astype(np.float32) / 32768 for one in chosen])
    pairs = [
        (one.text, " ".join(word.text for word in words)) for one, words in zip(chosen, heard, strict=True)
    ]
    errors, words = (sum(column) for column in zip(*(word_errors(*pair) for pair in pairs), strict=True))
    assert errors / words < 0.02


def test_without_onnx_quantising_says_what_to_install(tmp_path, monkeypatch):
    def missing(name):
        raise ImportError("No module named 'onnx'")

    monkeypatch.setattr("gpu_job.weights.onnx_export.importlib.import_module", missing)
    with pytest.raises(ConfigurationError, match=r"pip install 'dropscribe\[models\]'"):
        quantise(BUNDLED, tmp_path / "int8")


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


def test_tensors_that_torch_wrote_to_a_file_each_come_into_one_beside_the_graph(tmp_path):
    values = [np.arange(2000, dtype=np.float32) + index for index in range(3)]
    names = [f"layer.{index}.weight" for index in range(3)]
    output = helper.make_tensor_value_info("sum", TensorProto.FLOAT, [2000])
    graph = helper.make_graph(
        [helper.make_node("Sum", names, ["sum"])],
        "graph",
        [],
        [output],
        [numpy_helper.from_array(value, name) for value, name in zip(values, names, strict=True)],
    )
    path = tmp_path / "encoder-model.onnx"
    onnx.save_model(
        helper.make_model(graph),
        path,
        save_as_external_data=True,
        all_tensors_to_one_file=False,
        size_threshold=0,
    )
    assert len(list(tmp_path.iterdir())) == 4
    small = shutil.copy(BUNDLED / "decoder_joint-model.onnx", tmp_path / "decoder_joint-model.onnx")
    before = small.read_bytes()
    nemo_export._gather(tmp_path)
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "decoder_joint-model.onnx",
        "encoder-model.onnx",
        "encoder-model.onnx.data",
    ]
    assert small.read_bytes() == before
    read = onnx.load(path)
    assert [numpy_helper.to_array(one).tolist() for one in read.graph.initializer] == [
        value.tolist() for value in values
    ]


def test_an_export_in_single_files_is_left_as_it_is(tmp_path):
    for name in FILES:
        shutil.copy(BUNDLED / name, tmp_path / name)
        if not name.endswith(".onnx"):
            (tmp_path / name).unlink()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    nemo_export._gather(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
