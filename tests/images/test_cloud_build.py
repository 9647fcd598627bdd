"""cloudbuild.yaml, with a `docker` that only notes what it is asked."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
BUILD = yaml.safe_load((ROOT / "cloudbuild.yaml").read_text("utf-8"))
STEPS = {one["id"]: one for one in BUILD["steps"]}
VALUES = BUILD["substitutions"] | {"_REGISTRY": "here/dropscribe", "_TAG": "t1"}

DOCKER = """#!/bin/sh
echo "$@" >> "$CALLS"
while [ $# -gt 1 ]; do [ "$1" = --metadata-file ] && echo '{"containerimage.digest": "sha256:0a1b"}' > "$2"; shift; done
"""


@pytest.fixture
def build(tmp_path):
    """Run both scripts of the build; gives what they printed and the calls of docker."""
    docker = tmp_path / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    calls = tmp_path / "calls"
    calls.touch()

    def run(**values):
        said = ""
        for step in ("images", "digests"):
            script = STEPS[step]["script"].replace("/workspace", str(tmp_path))
            environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "CALLS": str(calls), **VALUES, **values}
            ran = subprocess.run(
                ["bash", "-c", script], env=environ, cwd=ROOT, capture_output=True, text=True, check=False
            )
            said += ran.stdout + ran.stderr
            if ran.returncode:
                break
        return said, calls.read_text().splitlines()

    return run


def test_each_image_is_built_from_its_target_with_the_deployments_weights_and_pushed_with_attestations(build):
    _, calls = build(_IMAGES="functions gpu cpu console", _MODEL="acme/v9")
    assert [re.findall(r"--(?:file|target|tag) (\S+)", one) for one in calls] == [
        ["Dockerfile.functions", "functions", "here/dropscribe/functions:t1"],
        ["Dockerfile.gpu", "here/dropscribe/gpu:t1"],
        ["Dockerfile.functions", "cpu-worker", "here/dropscribe/cpu:t1"],
        ["Dockerfile.console", "here/dropscribe/console:t1"],
    ]
    for one in calls:
        assert {"MODEL=acme/v9", "--sbom=true", "--provenance=mode=max", "--push"} <= set(one.split())
        file = (ROOT / re.search(r"--file (\S+)", one)[1]).read_text("utf-8")
        target = re.search(r"--target (\S+)", one)
        assert target is None or re.search(rf"^FROM \S+ AS {target[1]}$", file, re.MULTILINE)


def test_its_last_lines_are_the_digests(build):
    said, _ = build(_IMAGES="functions gpu")
    assert said.splitlines() == ["here/dropscribe/functions@sha256:0a1b", "here/dropscribe/gpu@sha256:0a1b"]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"_TAG": ""}, "Name the registry and the tag"),
        ({"_IMAGES": "functions web"}, "There is no image web"),
    ],
)
def test_what_is_asked_wrongly_ends_the_build_before_anything_is_pushed_for_it(build, values, says):
    said, calls = build(**values)
    assert says in said
    assert not [one for one in calls if "web" in one or not VALUES["_TAG"]]


def test_it_has_time_and_room_for_torch_and_the_weights_and_logs_without_a_bucket():
    assert int(BUILD["timeout"].removesuffix("s")) >= 3600
    assert BUILD["options"]["diskSizeGb"] >= 100
    assert BUILD["options"]["logging"] == "CLOUD_LOGGING_ONLY"
    assert BUILD["options"]["automapSubstitutions"] is True
    assert BUILD["options"]["substitutionOption"] == "ALLOW_LOOSE"


def test_what_the_dockerfiles_copy_is_let_into_their_context():
    for file in ("Dockerfile.functions", "Dockerfile.gpu", "Dockerfile.console"):
        allowed = re.findall(r"^!(\S+)$", (ROOT / f"{file}.dockerignore").read_text("utf-8"), re.MULTILINE)
        for sources in re.findall(r"^COPY (?!--)(.*) \S+$", (ROOT / file).read_text("utf-8"), re.MULTILINE):
            for source in sources.split():
                assert any(source == one or source.startswith(f"{one}/") for one in allowed), (file, source)
                assert (ROOT / source).exists()
