from __future__ import annotations

import io
import subprocess
import tarfile

import pytest

from deployment.source import BUILT_FROM, archive
from deployment.target import ROOT
from shared.errors import ConfigurationError


@pytest.fixture
def checkout(tmp_path):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    for name, text in {
        "shared/a.py": "a",
        "functions/b.py": "b",
        "docs/c.md": "c",
        "shared/.env": "k",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / ".gitignore").write_text(".env\n")
    return tmp_path


def test_what_the_images_are_built_from_names_them_and_nothing_else(checkout):
    first = archive("v3", checkout)
    with tarfile.open(fileobj=io.BytesIO(first.content)) as tar:
        assert tar.getnames() == ["cloudbuild.yaml", "functions/b.py", "shared/a.py"]
    (checkout / "docs/c.md").write_text("changed")
    assert archive("v3", checkout) == first
    assert archive("v2", checkout).name != first.name
    (checkout / "shared/a.py").write_text("changed")
    assert archive("v3", checkout).name != first.name


def test_outside_of_a_checkout_it_says_so(tmp_path):
    (tmp_path / "shared").mkdir()
    with pytest.raises(ConfigurationError, match="not a git checkout"):
        archive("v3", tmp_path)


def test_the_archive_has_what_the_dockerfiles_copy_and_no_more():
    copied = {
        path.rstrip("/")
        for name in ("Dockerfile.functions", "Dockerfile.gpu", "Dockerfile.console")
        for line in (ROOT / name).read_text("utf-8").splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for path in line.split()[1:-1]
    }
    sources = {one.rstrip("/") for one in BUILT_FROM if not one.startswith(("Dockerfile", "cloudbuild"))}
    within = {one: any(one == source or one.startswith(f"{source}/") for source in sources) for one in copied}
    assert {one for one, there in within.items() if not there} == set()
    assert {one for one in sources if not any(path.startswith(one) for path in copied)} == set()
