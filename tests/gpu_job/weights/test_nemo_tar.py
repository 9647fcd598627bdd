"""Archives that claim, or unpack to, more than they are."""

from __future__ import annotations

import contextlib
import gzip
import io
import random
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


def pax(records, member_type=tarfile.XHDTYPE):
    """A header that extends the next one."""
    header = tarfile.TarInfo("pax")
    header.type, header.size = member_type, len(records)
    return header.tobuf() + records + bytes(-len(records) % 512)


def record(name, value):
    length = next(n for n in range(10_000) if len(f"{n} {name}={value}\n".encode()) == n)
    return f"{length} {name}={value}\n".encode()


HEADERS = {
    "digits that a number has no room for": pax(b"9" * 20_000 + b" size=1\n"),
    "digits for which a search takes long": b"".join(pax(b"1" * 65_024) for _ in range(100)),
    "a length of more digits than Python reads": pax(b"9" * 1900 + b" size=1\n"),
    "a negative size": pax(record("size", "-1024")) + tarfile.TarInfo("x").tobuf(),
    "a negative size in the header itself": None,
    "nested": pax(b"", tarfile.XHDTYPE) * 5000,
    "nested long names": pax(b"", tarfile.GNUTYPE_LONGNAME) * 5000,
    "nothing after a header that promises something": pax(record("path", "x")),
    "sparse, by its own list": pax(
        record("GNU.sparse.map", "0,1,5,1") + record("GNU.sparse.size", "99999999999")
    )
    + tarfile.TarInfo("x").tobuf(),
    "sparse, with a list of millions": pax(
        record("GNU.sparse.major", "1") + record("GNU.sparse.minor", "0") + record("GNU.sparse.realsize", "9")
    )
    + tarfile.TarInfo("x").tobuf()
    + b"2000000\n"
    + b"1\n" * 4_000_000,
    "nonsense": bytes(range(256)) * 100,
}
NEGATIVE = bytearray(tarfile.TarInfo("x").tobuf(format=tarfile.GNU_FORMAT))
NEGATIVE[124:136] = b"\xff" * 10 + b"\xfe\x00"
NEGATIVE[148:156] = b" " * 8
NEGATIVE[148:156] = b"%06o\0 " % sum(NEGATIVE)
HEADERS["a negative size in the header itself"] = bytes(NEGATIVE)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
@pytest.mark.parametrize("what", HEADERS)
@pytest.mark.timeout(20)
def test_headers_that_nobody_writes_are_refused_soon(tmp_path, what, packed):
    data = HEADERS[what] + bytes(1024)
    (tmp_path / "a").write_bytes(gzip.compress(data) if packed else data)
    refused(tmp_path / "a", ".")


@pytest.mark.parametrize("seed", range(300))
def test_damaged_headers_are_opened_or_refused_and_nothing_else(tmp_path, seed):
    """Bytes are exchanged, mostly digits and marks, with their sums put right."""
    chance = random.Random(seed)
    data = bytearray(
        pax(record("path", "y" * 120) + record("mtime", "1.5"))
        + tarfile.TarInfo("x").tobuf()
        + pax(b"n" * 200, tarfile.GNUTYPE_LONGNAME)
        + tarfile.TarInfo("z").tobuf(format=tarfile.GNU_FORMAT)
        + bytes(1024)
    )
    for _ in range(chance.randrange(1, 30)):
        data[chance.randrange(len(data) - 1024)] = chance.choice(b"0123456789-=\n LKSgx\x00\x80\xff")
    for start in range(0, len(data) - 1024, 512):
        if chance.random() < 0.9 and start // 512 in {0, 2, 3, 5}:
            data[start + 148 : start + 156] = b" " * 8
            data[start + 148 : start + 156] = b"%06o\0 " % sum(data[start : start + 512])
    (tmp_path / "a").write_bytes(data)
    with contextlib.suppress(tarfile.TarError), open_tar(tmp_path / "a") as tar:
        assert all(member.size >= 0 for member in tar.getmembers())


def test_a_sparse_member_that_stands_for_many_zeros_is_refused(tmp_path):
    sparse = tarfile.TarInfo("x")
    sparse.type = tarfile.GNUTYPE_SPARSE
    block = bytearray(sparse.tobuf(format=tarfile.GNU_FORMAT))
    block[483:495] = b"77777777777\0"  # the size that it has when it is unpacked
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    (tmp_path / "a").write_bytes(bytes(block) + bytes(10_240))
    refused(tmp_path / "a", "no length, or not the one")


def test_archives_of_too_many_members_are_refused(tmp_path):
    refused(archive(tmp_path / "a", *(member(f"x{n}") for n in range(2000))), "bytes of headers")


def test_as_many_members_as_a_tokenizer_for_each_language_needs_are_fine(tmp_path):
    many = [member(f"{n}_tokenizer.model", b"x", mtime=1.5) for n in range(150)]
    with open_tar(archive(tmp_path / "a", *many)) as tar:
        assert len(tar.getmembers()) == 150


@pytest.mark.parametrize("mode", ["w:xz", "w:bz2"])
def test_other_compressions_are_no_archives_of_nemo(tmp_path, mode):
    with pytest.raises(tarfile.TarError), open_tar(archive(tmp_path / "a", member("x", b"y"), mode=mode)):
        pass
