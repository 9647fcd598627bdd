"""`dropscribe doctor`: what can run here, what is missing, and the command that fixes it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

import typer
from rich.text import Text

from gpu_job import loading
from gpu_job.speech.onnx import openvino_encoder
from gpu_job.weights import lookup, speakers
from gpu_job.weights.catalogue import SMALLER, Kind, Weights, by_name, catalogue
from local.commands import options  # noqa: TC001 - Typer reads it at run time
from local.commands.context import detect_engines, errors, use_state_dir
from local.commands.terminal import output, print_json, table
from shared.adapters.hosted_engines import has_library
from shared.audio import Sandbox
from shared.connect import settings_here
from shared.engines import PARAKEET_GPU, EngineSpec, hosted_specs
from shared.errors import ConfigurationError, ModelUnavailable
from shared.in_words import human_size
from shared.routing import weights
from shared.settings import Settings, unknown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


FREE_BYTES = 5_000_000_000
"""With less free disk space than this, say so: the real weights alone take half of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """The result of one check."""

    what: str
    """What was checked."""
    state: Literal["ok", "download", "optional", "missing"]
    """`missing`: something will not work; `download`: it will work after a download; `optional`: more could work."""
    found: str
    """What was found."""
    fix: str = ""
    """What to do; empty if there is nothing to do."""


STYLES = {"ok": "green", "download": "yellow", "optional": "", "missing": "red"}
"""Colours of the states of findings."""
TO_DO = {"missing": "To fix:", "download": "To download, once:", "optional": "For more:"}
"""Headings of what to do, by state."""


def command(*, as_json: options.AsJson = False, state_dir: options.StateDir = None) -> None:
    """Check what is installed and which engines can run here, and show the commands that fix what is missing."""
    with errors():
        use_state_dir(state_dir)
        detect_engines()
        findings = list(_look())
        if as_json:
            print_json([asdict(one) for one in findings])
        else:
            _show(findings)
        raise typer.Exit(1 if any(one.state == "missing" for one in findings) else 0)


def _look() -> Iterator[Finding]:
    found = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    yield Finding(what="this computer", state="ok", found=found)
    yield _package("av", "decoding")
    yield _package("onnxruntime", "Parakeet on the CPU")
    yield _decoder()
    try:
        settings = settings_here()
    except ConfigurationError as error:
        yield Finding(what="settings", state="missing", found=str(error), fix="change or unset the variable")
        return
    for name in unknown(os.environ):
        fix = "check the spelling, or unset it"
        yield Finding(what=name, state="missing", found="not a setting: it is ignored", fix=fix)
    yield _folder(settings.state_dir)
    yield _gpu(settings)
    yield _precision()
    for known in catalogue():
        yield _weights(known, settings)
    for name, model in weights.of_deployment(settings).items():
        if by_name(model) is None:
            yield _own_weights(name, model, loading.form(settings, model))
    if not settings.english_model and not loading.must_have_gpu(settings) and not loading.has_gpu():
        fix = f"export it (docs/models.md#smaller-for-english), and set {weights.ENGLISH} to its folder"
        yield Finding(what="recordings in English", state="optional", found=SMALLER, fix=fix)
    yield _speakers(settings.speaker_weights)
    yield from (_hosted(one, settings) for one in hosted_specs())


def _hosted(spec: EngineSpec, settings: Settings) -> Finding:
    what, hosted = spec.in_sentences, spec.hosted
    assert hosted is not None, "asked of hosted engines only"
    if not settings.api_keys.get(spec.name):
        found = f"no API key, so method {spec.method} is not available"
        fix = f"get a key at {hosted.console} and set {hosted.key_variable}"
        return Finding(what=what, state="optional", found=found, fix=fix)
    if not has_library(hosted):
        found = f"API key set, but the library {hosted.library} is not installed"
        fix = f"{sys.executable} -m pip install 'dropscribe[{hosted.extra}]'"
        return Finding(what=what, state="missing", found=found, fix=fix)
    address = f", for {settings.addresses[spec.name]}" if hosted.address else ""
    return Finding(what=what, state="ok", found=f"API key set (not tested){address}")


def _package(package: str, why: str) -> Finding:
    try:
        version = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        fix = f"{sys.executable} -m pip install {package}"
        return Finding(what=f"{package} ({why})", state="missing", found="not installed", fix=fix)
    return Finding(what=f"{package} ({why})", state="ok", found=version)


def _decoder() -> Finding:
    what = "decoder (for untrusted files)"
    try:
        with Sandbox() as sandbox:
            sandbox.start()
    except ConfigurationError as error:
        fix = "use Linux with seccomp filters (docs/security.md says what is needed)"
        return Finding(what=what, state="missing", found=str(error), fix=fix)
    if platform.system() == "Linux":
        return Finding(what=what, state="ok", found="sandboxed: no files, no network, no other process")
    found = "limited in memory and time, but not sandboxed: that needs Linux"
    return Finding(what=what, state="optional", found=found, fix="docs/security.md says what that means")


def _folder(folder: Path) -> Finding:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(there, os.W_OK):
        fix = "set DROPSCRIBE_STATE_DIR to a folder that you may write to"
        return Finding(what="state folder", state="missing", found=f"{folder}: not writable", fix=fix)
    free = shutil.disk_usage(there).free
    found = f"{folder}, {free / 1e9:.0f} GB free"
    if free > FREE_BYTES:
        return Finding(what="state folder", state="ok", found=found)
    fix = "free some space, or set DROPSCRIBE_STATE_DIR to a folder on another disk"
    return Finding(what="state folder", state="optional", found=found, fix=fix)


def _weights(known: Weights, settings: Settings) -> Finding:
    role = _role(known.name, settings)
    form = loading.form(settings, known.name)
    release, nemo = known.release(form), form == "nemo"
    what = f"weights {known.name}{' for the GPU' if nemo else ''}{role}"
    if release.on_disk() is not None:
        return Finding(what=what, state="ok", found=f"on this disk. {known.about} {known.licence}")
    command = f"dropscribe models pull {known.name}{' --nemo' if nemo else ''}"
    fix = f"{command}  # {human_size(release.size)}"
    if release.repository is None:
        fix = "install Dropscribe again"
    found = f"not on this disk. {known.about} {known.licence}"
    return Finding(what=what, state="download" if role else "optional", found=found, fix=fix)


def _role(model: str, settings: Settings) -> str:
    """What weights are for in this deployment, after their name; empty if for nothing in particular."""
    if model == settings.model:
        return ", the default for your files"
    return ", for recordings in English" if model == settings.english_model else ""


def _own_weights(setting: str, model: str, form: Kind) -> Finding:
    try:
        folder = lookup.locate(model, form).path
    except ModelUnavailable as error:
        fix = f"change or unset {setting}"
        return Finding(what=f"weights {setting}", state="missing", found=str(error), fix=fix)
    role = "the default for your files" if setting == weights.DEFAULT else "for recordings in English"
    return Finding(what=f"weights {model}, {role}", state="ok", found=str(folder))


def _speakers(folder: str) -> Finding:
    what, pull = "weights for speakers (--diarize)", f"dropscribe models pull {speakers.SPEAKERS}"
    if not folder and (needed := speakers.missing()):
        found = "not on this disk: downloaded when a recording first needs them"
        return Finding(what=what, state="optional", found=found, fix=f"{pull}  # {human_size(needed)}")
    try:
        located = speakers.locate(folder)
    except ModelUnavailable as error:
        fix = f"change or unset {speakers.VARIABLE}" if folder else pull
        return Finding(what=what, state="missing", found=str(error), fix=fix)
    return Finding(what=what, state="ok", found=f"on this disk, revision {located.revision}")


def _gpu(settings: Settings) -> Finding:
    what = "GPU"
    only = loading.must_have_gpu(settings)
    if not loading.has_gpu():
        found = "no NVIDIA GPU found: Parakeet runs on the CPU"
        if only:
            fix = "unset DROPSCRIBE_ENGINES, or use a machine with a GPU"
            return Finding(what=what, state="missing", found="no NVIDIA GPU found", fix=fix)
        return Finding(what=what, state="optional", found=found)
    if PARAKEET_GPU.name not in loading.here():
        fix = f"{sys.executable} -m pip install 'dropscribe[nemo]'"
        found = "NVIDIA GPU found, but torch and NeMo are not installed: Parakeet runs on the CPU"
        return Finding(what=what, state="missing" if only else "optional", found=found, fix=fix)
    if not settings.enable_gpu:
        found = "NVIDIA GPU found, but ENABLE_GPU_TRANSCRIPTION turns it off"
        return Finding(what=what, state="optional", found=found, fix="unset ENABLE_GPU_TRANSCRIPTION")
    found = "NVIDIA GPU found: Parakeet runs on it (`python -m gpu_job --check` tests it)"
    return Finding(what=what, state="ok", found=found)


def _precision() -> Finding:
    what = "speed on the CPU"
    if not openvino_encoder.has_bfloat16():
        found = "no bfloat16 on this CPU: large weights run faster in 8 bits, with slightly more errors"
        fix = "--model nvidia/parakeet-tdt-0.6b-v3:int8 (docs/models.md)"
        return Finding(what=what, state="optional", found=found, fix=fix)
    if openvino_encoder.is_installed():
        return Finding(what=what, state="ok", found="large weights run in bfloat16, with OpenVINO")
    fix = f"{sys.executable} -m pip install 'dropscribe[openvino]'"
    found = "this CPU has bfloat16, which makes large weights 1.6 times as fast; OpenVINO is not installed"
    return Finding(what=what, state="optional", found=found, fix=fix)


def _show(findings: list[Finding]) -> None:
    """A table, and below it what to do: commands on lines of their own, to be copied."""
    console = output(highlight=False, markup=False)
    shown = table("", "what", "found", whole=("",))
    # A name of weights is not broken.
    shown.columns[1].min_width = 28
    for one in findings:
        shown.add_row(Text(one.state, style=STYLES[one.state]), Text(one.what), Text(one.found))
    console.print(shown)
    for state, heading in TO_DO.items():
        if wanted := [one for one in findings if one.state == state and one.fix]:
            console.print(f"\n{heading}")
            for one in wanted:
                console.print(f"  {one.what}:\n    {one.fix}", soft_wrap=True)
