"""What is changed in the graph of NeMo's export before OpenVINO runs it: the same frames in less time."""

from __future__ import annotations

import openvino
from openvino import opset13 as op


def prepare(model: openvino.Model, longest: int) -> None:
    """Change all of a model of NeMo's export, in place, for windows of up to `longest` frames."""
    _narrow_masks(model)
    _keep_channels_last(model)
    _know_positions(model, longest)
    model.validate_nodes_and_infer_types()


def _narrow_masks(model: openvino.Model) -> None:
    """Let the subsampling multiply by masks of one channel, and by each once.

    NeMo's export repeats the mask of padded frames for all 256 channels, before and after each activation. Of such a
    mask OpenVINO has one layout only, and reorders what the convolutions give it there and back: a twelfth of the
    encoder's time. What is multiplied stays the same, bit by bit: a product repeats a dimension of 1 anyway, and the
    ReLU of a frame of zeros is one.
    """
    for repeated in _of_type(model, "Broadcast"):
        for target in repeated.output(0).get_target_inputs():
            product = target.get_node()
            if product.get_type_name() == "Multiply" and _is_as_wide(product.input_value(0), repeated):
                target.replace_source_output(repeated.input_value(0))
    for product in _of_type(model, "Multiply"):
        relu, mask = product.input_value(0).get_node(), product.input_value(1)
        if relu.get_type_name() == "Relu" and _is_mask(mask):
            masked = relu.input_value(0).get_node()
            if masked.get_type_name() == "Multiply" and masked.input_value(1) == mask:
                for target in product.output(0).get_target_inputs():
                    target.replace_source_output(relu.output(0))


def _keep_channels_last(model: openvino.Model) -> None:
    """Let the linear layer behind the subsampling read its channels as the convolutions leave them: the last axis.

    NeMo puts them before the bands, which moves every number in memory. Instead the layer's weights are moved, once.
    """
    turned = next((node for node in _of_type(model, "Transpose") if _joins_channels_and_bands(node)), None)
    if turned is None:
        return
    (flat,) = _users(turned)
    (product,) = _users(flat)
    weights = product.input_value(1).get_node().data
    channels, bands = (turned.get_output_partial_shape(0)[axis].get_length() for axis in (2, 3))
    moved = weights.reshape(channels, bands, -1).swapaxes(0, 1).reshape(weights.shape)
    last = op.transpose(turned.input_value(0), op.constant([0, 2, 3, 1]))
    flat.input(0).replace_source_output(last.output(0))
    product.input(1).replace_source_output(op.constant(moved).output(0))


def _joins_channels_and_bands(node: openvino.Node) -> bool:
    """Whether `(windows, channels, frames, bands)` of a convolution are turned for one linear layer."""
    users = _users(node)
    return (
        _is_constant(node.input_value(1))
        and list(node.input_value(1).get_node().data) == [0, 2, 1, 3]
        and node.input_value(0).get_node().get_type_name() != "MatMul"
        and [one.get_type_name() for one in users] == ["Reshape"]
        and [one.get_type_name() for one in _users(users[0])] == ["MatMul"]
    )


def _know_positions(model: openvino.Model, longest: int) -> None:
    """Let each layer read what it makes of the positions of frames to each other, instead of computing it in each call.

    It depends on their number alone. Computed, it is a fiftieth of the encoder's time for four windows of 10 s, and a
    twentieth for one.
    """
    for product in _of_type(model, "MatMul"):
        positions, weights = (product.input_value(index).get_node() for index in range(2))
        if positions.get_type_name() != "Slice" or not _is_constant(positions.input_value(0)):
            continue
        table = positions.input_value(0).get_node().data
        # Distances from the longest one ahead to the longest one back; 0 is in the middle.
        first = table.shape[1] // 2 + 1 - longest
        known = table[:, first : first + 2 * longest - 1] @ weights.data
        bounds = [op.subtract(positions.input_value(index), op.constant([first])) for index in (1, 2)]
        read = op.slice(op.constant(known), *bounds, *(positions.input_value(index) for index in (3, 4)))
        for target in product.output(0).get_target_inputs():
            target.replace_source_output(read.output(0))


def _users(node: openvino.Node) -> list[openvino.Node]:
    return [target.get_node() for target in node.output(0).get_target_inputs()]


def _of_type(model: openvino.Model, name: str) -> list[openvino.Node]:
    return [node for node in model.get_ordered_ops() if node.get_type_name() == name]


def _is_constant(value: openvino.Output) -> bool:
    return str(value.get_node().get_type_name()) == "Constant"


def _is_as_wide(other: openvino.Output, repeated: openvino.Node) -> bool:
    """Whether a product with `other` has the same shape if its second factor is not repeated first."""
    shapes = [one.get_partial_shape() for one in (repeated.input_value(0), repeated.output(0), other)]
    if any(one.rank.is_dynamic or one.rank != shapes[0].rank for one in shapes):
        return False
    return all(wide in (narrow, given) for narrow, wide, given in zip(*shapes, strict=True))


def _is_mask(value: openvino.Output) -> bool:
    """Whether its values are 0 and 1 alone."""
    node = value.get_node()
    while node.get_type_name() in ("Unsqueeze", "Broadcast"):
        node = node.input_value(0).get_node()
    return (
        node.get_type_name() == "Convert" and str(node.get_input_element_type(0).get_type_name()) == "boolean"
    )
