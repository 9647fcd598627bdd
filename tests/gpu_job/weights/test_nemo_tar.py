"""Archives that claim, or unpack to, more than they are."""

from __future__ import annotations

import gzip
import io
import tarfile
import tracemalloc

import pytest

from gpu_job.weights import nemo_tar
from gpu_job.weights.nemo_tar import is_packed, open_tar


def member(name, data=b"", **fields):
    one = tarfile.TarInfo(name)
    one.size = len(data)
    for field, value in fields.items():
        setattr(one, field, value)
    return one, data


def archive(path, *members, mode="w"):
    with tarfile.open(path, mode) as tar:
        for one, data in members:
            tar.addfile(one, io.BytesIO(data))
    return path


def refused(path, why="unpacks to more than"):
    tracemalloc.start()
    try:
        with pytest.raises(tarfile.TarError, match=why), open_tar(path):
            pass
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("mode", "packed"), [("w", False), ("w:gz", True)])
def test_an_archive_is_opened_whether_it_is_compressed_or_not(tmp_path, mode, packed):
    with open_tar(archive(tmp_path / "a", member("x", b"data"), mode=mode)) as tar:
        assert (tar.getnames(), is_packed(tar)) == (["x"], packed)
        assert tar.extractfile("x").read() == b"data"


def test_a_little_gzip_that_stands_for_much_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(nemo_tar, "SLACK", 100_000)
    refused(archive(tmp_path / "a", member("x", bytes(3_000_000)), mode="w:gz"))


def test_members_that_are_each_small_enough_are_counted_together(tmp_path, monkeypatch):
    monkeypatch.setattr(nemo_tar, "SLACK", 100_000)
    refused(archive(tmp_path / "a", *(member(f"x{n}", bytes(40_000)) for n in range(4)), mode="w:gz"))


@pytest.mark.parametrize("packed", [False, True])
def test_a_header_that_asks_for_more_than_there_is_gets_no_memory(tmp_path, packed):
    header = tarfile.TarInfo("pax")
    header.type, header.size = tarfile.XHDTYPE, 8_000_000_000
    data = header.tobuf() + bytes(1024)
    (tmp_path / "a").write_bytes(gzip.compress(data) if packed else data)
    refused(tmp_path / "a", "unpacks to more than")


def test_a_sparse_member_that_stands_for_many_zeros_is_refused(tmp_path):
    sparse = tarfile.TarInfo("x")
    sparse.type = tarfile.GNUTYPE_SPARSE
    block = bytearray(sparse.tobuf(format=tarfile.GNU_FORMAT))
    block[483:495] = b"77777777777\0"  # the size that it has when it is unpacked
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    (tmp_path / "a").write_bytes(bytes(block) + bytes(10_240))
    refused(tmp_path / "a")


def test_archives_of_too_many_members_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(nemo_tar, "MOST_MEMBERS", 3)
    refused(archive(tmp_path / "a", *(member(f"x{n}") for n in range(4))), "3 files")


@pytest.mark.parametrize("mode", ["w:xz", "w:bz2"])
def test_other_compressions_are_no_archives_of_nemo(tmp_path, mode):
    with pytest.raises(tarfile.TarError), open_tar(archive(tmp_path / "a", member("x", b"y"), mode=mode)):
        pass
