"""Other people's modules are those that were published, with their licences named."""

from __future__ import annotations

import hashlib
import json

from tests.console.page.fake import PAGE

VENDOR = PAGE / "vendor"
LIST = json.loads((VENDOR / "vendor.json").read_text("utf-8"))
LICENCES = {"preact": "MIT", "htm": "Apache-2.0", "wavesurfer.js": "BSD-3-Clause", "uplot": "MIT"}


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def test_every_file_is_pinned_by_its_digest():
    assert {one["file"]: one["sha256"] for one in LIST} == {
        path.name: sha256(path.read_bytes()) for path in VENDOR.iterdir() if path.suffix in {".js", ".css"}
    }


def test_names_have_the_version_because_browsers_keep_them_for_ever():
    assert all(f"-{one['version']}." in one["file"] for one in LIST)


def test_what_was_replaced_gives_back_the_published_file():
    changed = [one for one in LIST if "replaced" in one]
    for one in changed:
        text = (VENDOR / one["file"]).read_text("utf-8")
        for before, after in one["replaced"].items():
            assert text.count(after) == 1
            text = text.replace(after, before)
        assert sha256(text.encode()) == one["sha256_in_package"]
    assert [one["package"] for one in changed] == ["preact"]


def test_licences_are_named_in_notice():
    assert {one["package"]: one["licence"] for one in LIST} == LICENCES
    notice = (PAGE.parents[1] / "NOTICE").read_text("utf-8")
    for one in LIST:
        assert f"{one['package']} {one['version']}" in notice
        assert (VENDOR / "licences" / f"{one['package']}.txt").stat().st_size > 900
