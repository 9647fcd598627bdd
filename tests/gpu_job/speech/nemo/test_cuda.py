"""What is told of a GPU, with torch's own calls to it replaced: there is none where these run."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from gpu_job.pipeline.memory import MemoryModel
from shared.errors import ConfigurationError, ModelUnavailable
from tests.gpu_job.speech.hearing import during, nemo_tests

pytestmark = nemo_tests()
GB = 10**9


@pytest.fixture(scope="module")
def cuda():
    from gpu_job.speech.nemo import cuda  # noqa: PLC0415 - not importable everywhere

    return cuda


def test_a_shortage_of_memory_is_found_behind_the_error_that_ends_a_capture(cuda, torch):
    hidden = during(
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has …"),
        torch.AcceleratorError("CUDA error: operation failed due to a previous error during capture"),
    )
    assert cuda.shortage(hidden) == "CUDA out of memory"


@pytest.mark.parametrize(
    ("said", "short"),
    [
        ("CUDA error: out of memory\nSearch for `cudaErrorMemoryAllocation'", "CUDA error: out of memory"),
        ("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`", "CUDA error: CUBLAS"),
        ("CUDA error: device-side assert triggered", ""),
        ("", ""),
    ],
)
def test_libraries_that_lack_memory_are_told_from_those_that_broke(cuda, said, short):
    found = cuda.shortage(RuntimeError(said))
    assert found.startswith(short)
    assert bool(found) == bool(short)


def test_a_small_batch_after_a_large_one_is_not_taken_for_as_large(cuda, torch, monkeypatch):
    """Torch keeps what the large one took, reserved for the next: only tensors count."""
    tensors = {"allocated": GB, "peak": GB}
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda: tensors["allocated"])
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: tensors["peak"])
    monkeypatch.setattr(torch.cuda, "max_memory_reserved", lambda: 16 * GB)
    monkeypatch.setattr(
        torch.cuda, "reset_peak_memory_stats", lambda: tensors.update(peak=tensors["allocated"])
    )
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(total_memory=24 * GB))
    model = MemoryModel.of(cuda.memory(), 20.0)
    tensors["peak"] = 15 * GB
    model = model.fitted(2000.0, cuda.memory())
    capacity = model.capacity
    tensors["peak"] = GB + 70_000_000
    assert model.fitted(10.0, cuda.memory()).capacity == pytest.approx(capacity)


def test_a_card_that_is_there_and_cannot_be_used_is_a_matter_of_the_deployment(cuda, torch, monkeypatch):
    def busy(*_, **__):
        raise torch.AcceleratorError(
            "CUDA error: CUDA-capable device(s) is/are busy or unavailable\nCUDA kernel …"
        )

    monkeypatch.setattr(torch.cuda, "init", lambda: None)
    monkeypatch.setattr(torch, "zeros", busy)
    with pytest.raises(ConfigurationError, match=r"cannot use the GPU: .* busy or unavailable\. Check that"):
        cuda.check(torch.device("cuda"))


@pytest.mark.parametrize(
    ("capability", "dtype"), [((7, 5), "float32"), ((8, 0), "bfloat16"), ((8, 9), "bfloat16")]
)
def test_cards_that_compute_in_bfloat16_have_their_weights_in_it(cuda, torch, monkeypatch, capability, dtype):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
    assert cuda.precision() == getattr(torch, dtype)


def test_weights_that_do_not_fit_the_card_are_not_called_damaged(torch, monkeypatch):
    from gpu_job.speech.nemo import nemo_engine  # noqa: PLC0415 - not importable everywhere

    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 16.00 MiB. GPU 0 has …")

    monkeypatch.setattr(nemo_engine.Networks, "of", full)
    with pytest.raises(
        ModelUnavailable, match=r"do not fit the memory of the GPU \(CUDA out of memory\)"
    ) as raised:
        nemo_engine.load("tiny", device="cpu")
    assert "damaged" not in str(raised.value)


@pytest.mark.parametrize(("limit_gb", "share"), [(6.0, 0.25), (20.0, 20 / 24), (80.0, 1.0)])
def test_torch_may_take_no_more_of_a_card_than_the_limit(cuda, torch, monkeypatch, limit_gb, share):
    set_to = []
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", set_to.append)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(total_memory=24 * GB))
    cuda.limit(limit_gb)
    assert set_to == [pytest.approx(share)]
