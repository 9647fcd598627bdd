"""What is read from `.nemo` files, without NeMo."""

from __future__ import annotations

import gzip
import io
import tarfile

import pytest
import yaml

from gpu_job.speech.nemo.archive import CONFIG, WEIGHTS, opened
from gpu_job.weights.catalogue import BUNDLED
from shared.errors import ModelUnavailable

ARCHIVE = BUNDLED / "tiny-tdt.nemo"


def archive(tmp_path, change=lambda config: None, *, leave_out=""):
    """An archive with the bundled configuration, changed."""
    with opened(ARCHIVE) as original:
        config = dict(original.config)
    change(config)
    path = tmp_path / "mine.nemo"
    with tarfile.open(path, "w") as tar:
        for name, data in {CONFIG: yaml.safe_dump(config).encode(), WEIGHTS: b"tensors"}.items():
            if name != leave_out:
                info = tarfile.TarInfo(f"./{name}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return path


def test_the_network_is_described_with_what_nemo_fills_in_when_it_trains():
    with opened(ARCHIVE) as tiny:
        network = tiny.network()
        assert tiny.tokenizer()
    assert network.blank == len(network.pieces) == 256
    assert network.pieces[:4] == ("<unk>", " t", " f", " th")
    assert network.durations == (0, 1, 2, 3, 4)
    assert network.frame_seconds == pytest.approx(0.08)
    assert network.max_per_frame == 10
    assert network.joint["jointnet"]["encoder_hidden"] == network.encoder["d_model"] == 96
    assert network.decoder["vocab_size"] == network.joint["num_classes"] == 256


def test_classes_that_a_file_names_are_not_passed_on():
    with opened(ARCHIVE) as tiny:
        network = tiny.network()
    for arguments in (network.encoder, network.decoder, network.joint):
        assert not any(name.startswith("_") for name in arguments)


def test_weights_are_read_where_they_lie_and_from_a_compressed_archive_as_well(tmp_path):
    packed = tmp_path / "packed.nemo"
    packed.write_bytes(gzip.compress(ARCHIVE.read_bytes(), compresslevel=1))
    with (
        opened(ARCHIVE) as plain,
        opened(packed) as squeezed,
        plain.open(WEIGHTS) as one,
        squeezed.open(WEIGHTS) as other,
    ):
        assert other.seekable()
        assert one.read() == other.read()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda config: config.update(decoding={}, loss={"loss_name": "rnnt"}), "token-and-duration"),
        (lambda config: config["preprocessor"].update(normalize="all_features"), "normalize 'all_features'"),
        (lambda config: config["preprocessor"].update(sample_rate=8_000), "sample_rate 8000"),
        (lambda config: config.pop("joint"), "not that of a Parakeet-TDT"),
        (lambda config: config.update(decoder=None), "not that of a Parakeet-TDT"),
    ],
)
def test_a_model_of_another_kind_is_refused_with_the_reason(tmp_path, change, says):
    with opened(archive(tmp_path, change)) as other, pytest.raises(ModelUnavailable, match=says):
        other.network()


def test_dither_and_padding_of_training_do_not_matter(tmp_path):
    path = archive(tmp_path, lambda config: config["preprocessor"].update(dither=0.5, pad_to=16))
    with opened(path) as other:
        assert other.network().blank == 256


def test_a_file_that_is_no_archive_is_refused(tmp_path):
    path = tmp_path / "mine.nemo"
    path.write_bytes(b"half a download")
    with pytest.raises(ModelUnavailable, match=r"cannot be read as a \.nemo file"), opened(path):
        pass


@pytest.mark.parametrize("missing", [CONFIG, WEIGHTS])
def test_an_archive_that_lacks_a_member_is_refused(tmp_path, missing):
    with pytest.raises(ModelUnavailable, match=missing), opened(archive(tmp_path, leave_out=missing)):
        pass


@pytest.mark.parametrize("packed", [bytes, gzip.compress], ids=["plain", "compressed"])
def test_an_archive_that_breaks_off_is_refused_with_what_to_do(tmp_path, packed):
    path = tmp_path / "mine.nemo"
    whole = packed(ARCHIVE.read_bytes())
    path.write_bytes(whole[: len(whole) // 2])
    with (
        pytest.raises(ModelUnavailable, match=r"mine\.nemo cannot be read .*Download it again"),
        opened(path),
    ):
        pass


def laughs(levels):
    """A configuration of a few hundred bytes that stands for 10 to the power of `levels` letters."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join([*lines, f"preprocessor: {{sample_rate: *a{levels - 1}}}"])


def with_config(tmp_path, text):
    path = tmp_path / "mine.nemo"
    with tarfile.open(path, "w") as tar:
        for name, data in {CONFIG: text.encode(), WEIGHTS: b"tensors"}.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (laughs(9), "it has an alias"),
        ("a: &a {b: *a}", "it has an alias"),
        ("[" * 50_000, "cannot be read"),
        ("a: 0x" + "f" * 100_000, "number of more than 100 digits"),
        ("a: " + "x" * 2_000_001, "too large"),
        ("a: 1" + ":1" * 900_000, "number of more than 100 digits"),
        ("a: 1" + ":1" * 5000 + ".5", "number of more than 100 digits"),
        ("a: 2000-13-45", "cannot be read"),
        ("<<: {a: 1}\n" * 100_000, "it merges sections"),
        ("- a\n" * 110_000, "more than 100,000 values"),
        ("a: !!int 1" + ":1" * 900_000, "number of more than 100 digits"),
        ("a: !!binary x", "cannot be read"),
    ],
)
def test_a_configuration_that_was_made_to_take_memory_is_refused_in_a_few_words(tmp_path, text, says):
    path = with_config(tmp_path, text)
    with pytest.raises(ModelUnavailable, match=says) as refused, opened(path) as one:
        one.network()
    assert len(str(refused.value)) < 1000


def test_a_refusal_quotes_values_only_as_far_as_they_are_short(tmp_path):
    def change(config):
        config["preprocessor"] |= {"sample_rate": ["x"] * 1000, "window": "y" * 1000}

    with (
        pytest.raises(ModelUnavailable, match="sample_rate a list") as refused,
        opened(archive(tmp_path, change)) as one,
    ):
        one.network()
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize(
    "sizes",
    [
        {"n_layers": 2000},
        {"pos_emb_max_len": 10**9},
        {"n_heads": float("inf")},
        {"d_model": 90_000, "pos_emb_max_len": 90_000},
    ],
)
def test_a_network_of_more_parts_than_any_has_is_not_built(tmp_path, sizes):
    def change(config):
        config["encoder"] |= sizes

    with (
        opened(archive(tmp_path, change)) as one,
        pytest.raises(ModelUnavailable, match="implausibly large"),
    ):
        one.network()


@pytest.mark.parametrize("packed", ["w", "w:gz"])
def test_members_that_are_links_to_one_another_are_not_followed(tmp_path, packed):
    path = tmp_path / "mine.nemo"
    with tarfile.open(path, packed) as tar:
        for name, leads_to in {CONFIG: WEIGHTS, WEIGHTS: CONFIG}.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, leads_to
            tar.addfile(info)
    with pytest.raises(ModelUnavailable, match="is no file"), opened(path):
        pass


def test_a_tokenizer_that_is_not_there_is_told(tmp_path):
    def change(config):
        config["tokenizer"]["model_path"] = "nemo:" + "x" * 100

    with opened(archive(tmp_path, change)) as one, pytest.raises(ModelUnavailable, match="is no file"):
        one.tokenizer()
