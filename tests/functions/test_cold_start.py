"""What a function loads before it serves its first event."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.functions.conftest import ROOT

HEAVY = [
    "torch",
    "nemo",
    "onnxruntime",
    "onnx_asr",
    "deepgram",
    "av",
    "numpy",
    "grpc",
    "google.cloud.storage",
]
FUNCTIONS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/main.py"))

LOAD = """
import json, sys, time
began = time.process_time()
import runpy
runpy.run_path(sys.argv[1])
seconds = time.process_time() - began
print(json.dumps({"seconds": seconds, "modules": sorted(sys.modules)}))
"""


@pytest.mark.parametrize("function", FUNCTIONS)
def test_importing_a_function_is_quick_and_loads_no_engine_and_no_client(function):
    path = ROOT / "functions" / function / "main.py"
    # Processor time, because wall time says more about what else the machine does.
    result = subprocess.run([sys.executable, "-c", LOAD, path], cwd=ROOT, capture_output=True, check=True)
    loaded = json.loads(result.stdout)
    assert loaded["seconds"] < 1.0
    assert [name for name in HEAVY if name in loaded["modules"]] == []


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_with_a_wrong_setting_says_so_in_one_line_and_ends(function):
    serve = ["--source", f"functions/{function}/main.py", "--target", "on_chunk", "--port", "0"]
    result = subprocess.run(
        [sys.executable, "-m", "functions_framework", *serve],
        cwd=ROOT, env=os.environ | {"GPU_BATCH_SIZE": "many"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "cannot start: GPU_BATCH_SIZE is 'many': it must be a whole number" in result.stderr


def test_in_a_project_the_client_of_cloud_run_is_not_loaded_before_a_call():
    """Most functions make none, and it takes nearly as long as all others."""
    load = "import sys, shared.adapters.google_ports; print('google.cloud.run_v2' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", load], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout == "False\n"


def test_every_function_is_looked_at():
    assert {"router", "merger", "sweeper"} <= set(FUNCTIONS)
