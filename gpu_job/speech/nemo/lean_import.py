"""Import the few modules of NeMo that recognise speech, without the many that train.

Importing any part of NeMo's speech collection imports all of it, and with it Lightning, torchmetrics, transformers,
pandas, lhotse and some 3,000 other modules. That takes longer than loading the weights, and reads them from the image
at every cold start. Inside `lean()` those modules are empty stand-ins. Their names can be imported and subclassed; what
the engine calls (encoder, prediction network, joint network, decoder) uses none of them. Afterwards neither the
stand-ins nor what was imported on top of them stays in `sys.modules`, so all of NeMo can be imported later in the same
process.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import logging
import sys
from abc import ABCMeta
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LIBRARIES = (
    "aistore", "braceexpand", "datasets", "kaldialign", "lhotse", "librosa", "lightning", "matplotlib", "numba",
    "nv_one_logger", "onnx", "pandas", "pytorch_lightning", "sacrebleu", "scipy", "sklearn", "soundfile",
    "tensorboard", "torchmetrics", "transformers", "wandb", "webdataset", "whisper_normalizer",
)  # fmt: skip

_PARTS = (
    "nemo.collections.asr.data",
    "nemo.collections.asr.losses",
    "nemo.collections.asr.metrics",
    "nemo.collections.asr.models",
    "nemo.collections.asr.modules.audio_preprocessing",
    "nemo.collections.asr.modules.beam_search_decoder",
    "nemo.collections.asr.modules.conv_asr",
    "nemo.collections.asr.modules.ssl_modules",
    "nemo.collections.asr.modules.transformer_encoder",
    "nemo.collections.asr.parts.context_biasing.context_biasing_utils",
    "nemo.collections.asr.parts.preprocessing",
    "nemo.collections.audio",
    "nemo.collections.common.data",
    "nemo.core.classes.modelPT",
    "nemo.core.config",
    "nemo.lightning",
)


@contextmanager
def lean(**stand_ins: Any) -> Iterator[None]:
    """Import NeMo's modules inside; if NeMo has been imported already, it is used as it is.

    Args:
        stand_ins: what certain names in the left-out modules stand for, if a module builds on them.
    """
    if "nemo" in sys.modules:
        yield
        return
    before = set(sys.modules)
    finder = _Finder(stand_ins)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in set(sys.modules) - before:
            if name.split(".")[0] == "nemo" or isinstance(sys.modules[name], _Empty):
                del sys.modules[name]


def as_a_library() -> None:
    """Make NeMo's logger behave like that of any library, once NeMo has been imported.

    By default it writes to standard output, keeps every message in memory, and sets the level of all handlers that its
    logger has. Here only errors remain, for the handlers of the root logger.
    """
    logger = logging.getLogger("nemo_logger")
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
    logger.setLevel(logging.ERROR)
    logger.propagate = True


class _Kind(ABCMeta):
    """Metaclass of stand-in classes: they have every attribute, and work in unions and subscripts."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith(("__", "_abc")):
            raise AttributeError(name)
        return _StandIn

    def __or__(cls, other: Any) -> Any:
        return cls

    __ror__ = __or__

    def __getitem__(cls, key: Any) -> Any:
        return cls


class _StandIn(metaclass=_Kind):
    """Stands for any class, function or decorator; used as a decorator it changes nothing."""

    def __new__(cls, *arguments: Any, **_named: Any) -> Any:
        if cls is _StandIn and len(arguments) == 1 and callable(arguments[0]):
            return arguments[0]
        return super().__new__(cls)

    def __init__(self, *_arguments: Any, **_named: Any) -> None:
        """Accept anything."""

    def __call__(self, *arguments: Any, **_named: Any) -> Any:
        return arguments[0] if arguments else self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _StandIn


class _Empty(ModuleType):
    """A module in which every name is a stand-in."""

    __version__ = "0"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _StandIn


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the modules that are left out."""

    def __init__(self, stand_ins: dict[str, Any]) -> None:
        self._stand_ins = stand_ins

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        del path, target
        unused = fullname.split(".", maxsplit=1)[0] in _LIBRARIES or f"{fullname}.".startswith(
            tuple(f"{part}." for part in _PARTS)
        )
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True) if unused else None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        module = _Empty(spec.name)
        module.__path__ = []
        return module

    def exec_module(self, module: ModuleType) -> None:
        vars(module).update(self._stand_ins)
