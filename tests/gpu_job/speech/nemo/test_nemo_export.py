"""What NeMo wrote, as it is loaded."""

from __future__ import annotations

import shutil

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from gpu_job.speech.nemo import nemo_export
from gpu_job.weights.catalogue import BUNDLED, FILES


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
