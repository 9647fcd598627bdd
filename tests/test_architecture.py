"""The direction of imports, where the linter's per-folder rules are too coarse."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CODE = [
    path for folder in ("shared", "functions", "gpu_job", "local") for path in (ROOT / folder).rglob("*.py")
]

ONLY_HERE = {
    "onnx_asr": {"gpu_job/speech/onnx/onnx_engine.py"},
    "torch": {
        f"gpu_job/parakeet{part}.py"
        for part in ("", "_cuda", "_mel", "_nemo", "_networks", "_phrases", "_search")
    },
    # The engine builds the parts it needs; an export needs NeMo's whole model class.
    "nemo": {"gpu_job/speech/nemo/nemo_parts.py", "gpu_job/weights/nemo_export.py"},
    "deepgram": {"shared/adapters/deepgram.py"},
    "av": {path.relative_to(ROOT).as_posix() for path in (ROOT / "shared" / "audio").glob("*.py")},
}


def imports(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("library", ONLY_HERE)
def test_a_heavy_library_is_imported_in_its_own_files_only(library):
    found = {
        path.relative_to(ROOT).as_posix()
        for path in CODE
        if any(name == library or name.startswith(library + ".") for name in imports(path))
    }
    assert found <= ONLY_HERE[library]


def test_the_flow_imports_nothing_but_the_library_it_stands_on():
    allowed = (
        "shared.flow",
        "shared.routing",
        "shared.costs",
        "shared.outputs",
        "shared.model",
        "shared.results",
        "shared.messages",
        "shared.errors",
        "shared.ports",
    )
    allowed += ("shared.audio", "shared.costs.prices", "shared.settings", "shared.telemetry")
    packages = ("flow", "routing", "costs")
    for path in (path for one in packages for path in (ROOT / "shared" / one).glob("*.py")):
        for name in imports(path):
            ours = name.split(".")[0] in {"shared", "local", "functions", "gpu_job"}
            assert not ours or name == "shared" or name.startswith(allowed), f"{path.name} imports {name}"


def test_nothing_imports_an_entrypoint():
    for path in CODE:
        for name in imports(path):
            assert not (name.startswith("functions.") and name.endswith(".main")), f"{path} imports {name}"
            assert name != "gpu_job.__main__"


def test_entrypoints_are_short():
    for path in [*(ROOT / "functions").glob("*/main.py"), ROOT / "gpu_job" / "__main__.py"]:
        assert len(path.read_text("utf-8").splitlines()) <= 60, path
