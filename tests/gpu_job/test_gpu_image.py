"""Dockerfile.gpu and its lock file: what is in the image is pinned, enough, and no more."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent.parent
DOCKERFILE = (ROOT / "Dockerfile.gpu").read_text("utf-8")
LOCK = (ROOT / "requirements" / "gpu.txt").read_text("utf-8")
LOCKED = dict(re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)", LOCK, re.MULTILINE))
FROM_SOURCE = {"antlr4-python3-runtime", "srt"}
"""Pure Python, on PyPI as source only."""


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def instructions(word):
    """All of one kind, continued lines joined."""
    text = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n", "", DOCKERFILE, flags=re.MULTILINE))
    return [line.split(None, 1)[1] for line in text.splitlines() if line.startswith(f"{word} ")]


def wanted():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    return [Requirement(line) for line in [*project["dependencies"], *extras["gpu"], *extras["google"]]]


def test_the_lock_file_holds_what_the_project_asks_for_in_versions_that_satisfy_it():
    for one in wanted():
        assert normal(one.name) in LOCKED, f"{one.name} is missing: make lock"
        assert one.specifier.contains(LOCKED[normal(one.name)]), f"{one}: make lock"


def test_every_locked_file_has_its_hash():
    for block in re.split(r"\n(?=[a-z0-9])", LOCK):
        if "==" in block.splitlines()[0]:
            assert "--hash=sha256:" in block


def test_cuda_is_of_the_major_version_that_cloud_runs_driver_starts():
    """Driver 535 starts every build for CUDA 12 and none for 13."""
    cuda = {name: version for name, version in LOCKED.items() if "cuda" in name or name.endswith("-cu12")}
    assert LOCKED["nvidia-cuda-runtime-cu12"].startswith("12.")
    assert LOCKED["cuda-bindings"].startswith("12.")
    assert not [name for name in cuda if name.endswith("-cu13")]


def test_nothing_that_compiles_is_installed():
    (install,) = [line for line in instructions("RUN") if "requirements/gpu.txt" in line]
    assert "--require-hashes" in install
    assert "--only-binary=:all:" in install
    allowed = re.search(r"--no-binary=(\S+)", install)
    assert set(allowed[1].split(",")) == FROM_SOURCE
    assert "texterrors" not in LOCKED
    assert not re.search(r"apt-get|build-essential|gcc|nvcc|-devel", "".join(instructions("RUN")))


def test_the_base_image_is_named_once_by_digest_and_is_that_of_the_functions_too():
    (base,) = instructions("ARG")[:1]
    assert re.fullmatch(r"BASE=python:3\.11\.\d+-slim-\w+@sha256:[0-9a-f]{64}", base)
    assert f"ARG {base}\n" in (ROOT / "Dockerfile.functions").read_text("utf-8")
    assert {line.split()[0] for line in instructions("FROM")} == {"${BASE}"}


def test_it_runs_as_somebody_without_rights():
    final = DOCKERFILE[DOCKERFILE.rindex("FROM ") :]
    user = re.findall(r"^USER (\S+)", final, re.MULTILINE)[-1]
    assert re.fullmatch(r"\d+(:\d+)?", user)
    assert int(user.split(":")[0]) > 0
    assert final.index("USER ") < final.index("ENTRYPOINT ")


@pytest.mark.parametrize("file", ["Dockerfile.gpu", "Dockerfile.functions", "Dockerfile.console"])
def test_whoever_it_runs_as_has_a_name(file):
    """torch asks for it when it makes its first tensor of positions, and `getpass` fails where there is none."""
    text = (ROOT / file).read_text("utf-8")
    users = re.findall(r"^(.*)\nUSER (\d+):\d+$", text, re.MULTILINE)
    assert users
    for before, user in users:
        assert before.startswith(f"RUN useradd --uid {user} --home-dir /tmp --no-create-home ")


def test_what_is_copied_exists_and_holds_no_tests_and_no_other_entrypoint():
    sources = [
        source
        for line in instructions("COPY")
        if "--from=" not in line
        for source in [part for part in line.split() if not part.startswith("--")][:-1]
    ]
    assert sources
    for source in sources:
        assert (ROOT / source).exists(), source
        allowed = {"gpu_job", "shared", "local", "samples", "models", "requirements"}
        assert source.split("/")[0] in allowed | {"pyproject.toml", "README.md", "LICENSE", "NOTICE"}, source


def test_the_health_check_is_the_workers_own():
    (check,) = instructions("HEALTHCHECK")
    assert '"gpu_job", "--check"' in check


def test_the_check_finds_all_it_needs_in_what_is_copied(tmp_path):
    """As in the image: this project is not installed, and decoding processes start outside its folder."""
    app, environment = tmp_path / "app", tmp_path / "venv"
    venv.create(environment, symlinks=True)
    packages = environment / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    # The packages of this environment, but not what is known of the project, which only the image itself can install.
    for one in Path(sysconfig.get_path("purelib")).iterdir():
        if not one.name.startswith(("dropscribe", "__editable__", "__pycache__")) and one.suffix != ".pth":
            (packages / one.name).exists() or (packages / one.name).symlink_to(one)
    if [line for line in instructions("RUN") if line.endswith(" /project")]:
        about = packages / "dropscribe-0.1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: dropscribe\nVersion: 0.1.0\n")
    (tells,) = [line for line in instructions("RUN") if ".pth" in line]
    tells = tells.replace("/opt/venv", str(environment)).replace("/app", str(app))
    subprocess.run(["sh", "-c", tells], check=True)
    final = DOCKERFILE[DOCKERFILE.rindex("FROM ") :]
    for sources, target in re.findall(r"^COPY (?!--)(.*) (\S+)$", final, re.MULTILINE):
        for source in sources.split():
            there = Path(target.replace("/app", str(app), 1))
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, there, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                there.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / source, there)
    shutil.copytree(ROOT / "models" / "tiny-tdt", tmp_path / "weights")
    ran = subprocess.run(
        [environment / "bin" / "python", "-m", "gpu_job", "--check"],
        cwd=app,
        env={"PATH": os.environ["PATH"], "PARAKEET_MODEL_NAME": str(tmp_path / "weights")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "my brother lost the ticket" in ran.stdout, ran.stdout + ran.stderr
    assert ran.returncode == 0


@pytest.mark.nemo
@pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="torch is not installed: `make test` installs it"
)
@pytest.mark.slow
def test_the_engine_runs_with_nothing_but_what_is_locked():
    """Every other installed package is hidden, as if this were the image."""
    script = f"""
import importlib.metadata, sys
locked = {sorted(map(normal, LOCKED))!r}
normal = lambda name: name.replace("_", "-").replace(".", "-").lower()
owners = importlib.metadata.packages_distributions()
class OnlyLocked:
    def __init__(self, finder):
        self.finder = finder
    def __getattr__(self, name):
        return getattr(self.finder, name)
    def find_spec(self, name, path=None, target=None):
        top = name.split(".")[0]
        hidden = top in owners and not {{normal(one) for one in owners[top]}} & {{*locked, "dropscribe"}}
        return None if hidden else self.finder.find_spec(name, path, target)
sys.meta_path[:] = map(OnlyLocked, sys.meta_path)
import numpy
from gpu_job.speech.nemo import nemo_engine
engine = nemo_engine.load("tiny", device="cpu")
engine.warm_up()
engine.transcribe([numpy.random.default_rng(0).standard_normal(16_000, dtype="float32")], ["zulu"])
print("heard")
"""
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert ran.stdout.strip().endswith("heard"), ran.stderr


@pytest.mark.parametrize("file", ["Dockerfile.gpu", "Dockerfile.functions"])
def test_an_image_says_which_weights_it_holds_and_leaves_the_choice_to_the_deployment(file):
    """An image that chose would agree with itself, and get chunks for other weights from the router."""
    text = (ROOT / file).read_text("utf-8")
    assert 'DROPSCRIBE_IMAGE_MODEL="${MODEL}"' in text
    assert "PARAKEET_MODEL_NAME=" not in text
