"""The house: which floor may import which, how full a room may be, and where heavy libraries stay."""

from __future__ import annotations

import ast
import re
import shutil
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest

from shared.engines import hosted_specs

ROOT = Path(__file__).resolve().parent.parent
TOPS = ("shared", "functions", "gpu_job", "local", "deployment", "console", "dropscribe")
ALL = (*TOPS, "bench")
"""With what only measures the others."""

NO_FLOOR = {"tests", "samples", "images", "models"}
"""Folders with Python that nothing imports which is shipped."""

BASE = (
    "ports > settings topology > deployment_sizes messages > engines formats versions > "
    "errors machine results telemetry > bundled clock concurrency in_words languages model"
)
"""What everything may import of `shared`, the upper ones first, as in `ROOMS`."""

FLOORS = {
    "bench": ("bench",),
    "dropscribe": ("dropscribe",),
    "console": ("console",),
    "local": ("local",),
    "functions": ("functions",),
    "gpu_job": ("gpu_job",),
    "connect": ("shared.connect",),
    "client": ("shared.client",),
    "embedded": ("local.backend",),
    "deployment": ("deployment",),
    "rollout": ("deployment.rollout", "deployment.api"),
    "sweep": ("shared.sweep",),
    "hosted": ("shared.hosted",),
    "webhooks": ("shared.webhooks",),
    "recovery": ("shared.recovery",),
    "flow": ("shared.flow",),
    "routing": ("shared.routing",),
    "costs": ("shared.costs",),
    "planning": ("shared.planning",),
    "state": ("shared.state",),
    "google": ("shared.adapters.google_ports",),
    "engine adapters": ("shared.adapters.engines",),
    "adapters": ("shared.adapters",),
    "audio": ("shared.audio",),
    "outputs": ("shared.outputs",),
    "search": ("shared.search",),
    "base": ("shared", "shared.audio.types", *(f"shared.{name}" for name in BASE.replace(">", "").split())),
}
"""Packages by their floor, the upper ones first."""

STEPS = {"sweep", "hosted", "webhooks", "recovery", "flow", "routing", "costs", "planning", "state"}
LIBRARY = STEPS | {"audio", "outputs", "search", "base"}
"""What an entrypoint may always import: all but what opens a platform."""

BELOW = {
    "bench": set(FLOORS),
    "dropscribe": set(FLOORS) - {"bench"},
    "console": LIBRARY | {"connect", "client"},
    "local": LIBRARY
    | {
        "functions",
        "gpu_job",
        "connect",
        "client",
        "embedded",
        "deployment",
        "rollout",
        "google",
        "adapters",
    },
    "functions": LIBRARY | {"connect", "rollout"},
    "gpu_job": LIBRARY - {"sweep", "hosted", "webhooks"} | {"connect"},
    "connect": LIBRARY,
    "client": {"state", "base"},
    "embedded": {"flow", "state", "adapters", "audio", "outputs", "search", "base"},
    "deployment": {"rollout", "webhooks", "routing", "planning", "state", "adapters", "base"},
    "rollout": {"deployment", "webhooks", "routing", "planning", "state", "adapters", "base"},
    "sweep": {"recovery", "flow", "routing", "costs", "planning", "state", "base"},
    "hosted": {"recovery", "flow", "routing", "costs", "planning", "state", "base"},
    "webhooks": {"state", "base"},
    "recovery": {"flow", "routing", "costs", "planning", "state", "base"},
    "flow": {"routing", "costs", "planning", "state", "audio", "outputs", "base"},
    "routing": {"costs", "planning", "state", "base"},
    "costs": {"planning", "state", "base"},
    "planning": {"state", "base"},
    "state": {"base"},
    "google": {"adapters", "audio", "base"},
    "engine adapters": {"adapters", "audio", "base"},
    "adapters": {"search", "base"},
    "audio": {"base"},
    "outputs": {"base"},
    "search": {"base"},
    "base": set(),
}
"""What each floor may import, beside itself. Imports for the type checker count like all others."""

ROOMS = {
    "local": "cli > commands > evaluation > inbox > runtime > backend > exit_codes help wrong_options",
    "local.commands": (
        "deployment > operation > audio models open views > console flags lookup weight_files > context > "
        "downloads options terminal"
    ),
    "local.backend": "embedded_ports state_copy > copies > incoming > sqlite > remembered > files",
    "gpu_job": (
        "__main__ > check process > onnx_export pipeline > loading > voices > speech > weights > "
        "cores last_resort peak_memory start_up"
    ),
    "gpu_job.pipeline": (
        "worker > recogniser > batcher > consumer > committer > diarization > inflight > chunk_result > "
        "chunk_job > both_channels > loaded_engines > memory > summary"
    ),
    "gpu_job.speech": "nemo > onnx > words > alphabets packing transcriber windowing",
    "console": "__main__ > server > api openai > page_files slow_clients > bodies renditions results security",
    "deployment": (
        "deploy > build plans preflight smoke > rollout > apis quotas source > target > api variables"
    ),
    "functions": "guard hosted merger router sweeper webhooks > outcome > caller push time_limit",
    "dropscribe": (
        "__main__ legacy > client here > over_http over_queue run > engines results > errors options progress"
    ),
    "shared.flow": (
        "request same_content > forget upload > record retry > assemble reading redo > chunk speakers > "
        "backfill dispatch erase merge > "
        "attribution capacity diarization probe refusals seam transcript_files"
    ),
    "shared.adapters": (
        "google_ports > gcs pubsub > firestore signed_urls > "
        "bills cloud_run cloud_telemetry engines firestore_documents google_errors storage_errors > "
        "credentials hosted_engines object_search pubsub_messages web"
    ),
    "shared.audio": (
        "local_file pool > sandbox > decoding > channel_levels encode peaks rendition > probing > "
        "containers ffmpeg_check files types"
    ),
    "shared.audio.probing": (
        "audio_info > concatenated > avi ffmpeg wav > amr asf elementary isobmff riff > "
        "isobmff_codecs matroska sniff truncation > "
        "ebml flac flv isobmff_fragments mpeg_frames notices ogg"
    ),
    "bench": (
        "__main__ > engines > accuracy google load page probe router search telemetry worker > "
        "flow keeps_up > machine"
    ),
}
"""What stands in a package, the upper ones first: each may import what comes after a later `>`, and none what stands
beside it. Every package that holds packages is here; what stands in `shared` itself has `FLOORS` and `BASE`."""

MOST_MODULES = 20
"""In one folder, beside its `__init__`. Folders of tests are not counted: each mirrors one that is, and holds helpers."""


def modules(root=ROOT, tops=TOPS):
    """Path of each module by its dotted name."""
    return {
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path
        for top in tops
        for path in sorted((root / top).rglob("*.py"))
    }


KNOWN = modules(tops=ALL)
DOTTED = re.compile(rf"\b(?:{'|'.join(ALL)})(?:\.\w+)+")


@dataclass(frozen=True, kw_only=True)
class Said:
    """What the tests ask about the text of a module."""

    imported: list[tuple[int, str | None, str | None, str | None]]
    """Level and module, the name that is taken from it or None, and its name here or None."""
    read: set[str]
    """Names with their attributes: `time.sleep`."""
    called: set[str]
    """Functions: `eval`, and `.eval` where it is an attribute."""
    dotted: set[str]
    """What looks like a module of ours in its strings, but for docstrings."""
    started: set[str]
    """The packages of ours that a command starts: `[…, "-m", "gpu_job"]`."""


def imported(statements):
    """Every import in some statements, anywhere in them, as `Said` has them."""
    for one in statements:
        if isinstance(one, ast.Import):
            yield from ((0, alias.name, None, alias.asname) for alias in one.names)
        elif isinstance(one, ast.ImportFrom):
            yield from ((one.level, one.module, alias.name, alias.asname) for alias in one.names)
        for inner in ("body", "orelse", "finalbody", "handlers", "cases"):
            if isinstance(several := getattr(one, inner, ()), list):
                yield from imported(several)


def attribute(node):
    """An attribute and what it is read from, "" unless that begins with a name."""
    names = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(names)]) if isinstance(node, ast.Name) else ""


@cache
def said(text):
    """Each text is parsed once. Trees are not kept: they would be looked through for garbage again and again."""
    tree = ast.parse(text)
    of = defaultdict(list)
    for node in ast.walk(tree):
        of[type(node)].append(node)
    functions = [node.func for node in of[ast.Call]]
    docs = {id(node.value) for node in of[ast.Expr]}
    strings = [one.value for one in of[ast.Constant] if isinstance(one.value, str) and id(one) not in docs]
    lists = [
        [getattr(one, "value", None) for one in node.elts]
        for kind in (ast.List, ast.Tuple)
        for node in of[kind]
    ]
    return Said(
        imported=list(imported(tree.body)),
        read={attribute(node) for node in of[ast.Attribute]} - {""},
        called={f".{one.attr}" for one in functions if isinstance(one, ast.Attribute)}
        | {one.id for one in functions if isinstance(one, ast.Name)},
        dotted={name for one in strings for name in DOTTED.findall(one)},
        started={after for each in lists for flag, after in pairwise(each) if flag == "-m" and after in ALL},
    )


def absolute(imports, package=""):
    """What a module of a package imports: a module, the name that is taken from it or None, and its name here or None."""
    for level, module, name, here in imports:
        above = package.split(".")[: 1 - level or None] if level else []
        yield ".".join([*above, *filter(None, [module])]), name, here


@cache
def named(text, package=""):
    """The same as pairs, without its name here."""
    return [(module, name) for module, name, _ in absolute(said(text).imported, package)]


def attributes(text, package=""):
    """The dotted names that a module reads from what it imports: `shared.flow.upload` after `import shared.flow`."""
    stands_for = {}
    for module, name, here in absolute(said(text).imported, package):
        if name:
            stands_for[here or name] = f"{module}.{name}"
        else:
            stands_for[here or module.split(".")[0]] = module if here else module.split(".")[0]
    parts = [one.partition(".") for one in said(text).read]
    return {f"{stands_for[name]}.{rest}" for name, _, rest in parts if name in stands_for}


def nearest(name, known):
    """The innermost module among `known` that a dotted name leads to, "" if there is none."""
    while name and name not in known:
        name = name.rpartition(".")[0]
    return name


def package_of(module, known):
    """The package from which a module's relative imports start."""
    return module if known[module].name == "__init__.py" else module.rpartition(".")[0]


def imports(module, known):
    """The modules among `known` that one of them imports anywhere in it, or reads from what it imports."""
    text, package = known[module].read_text("utf-8"), package_of(module, known)
    pairs = named(text, package)
    inner = {f"{one}.{name}" if f"{one}.{name}" in known else one for one, name in pairs}
    read = {nearest(name, known) for name in attributes(text, package)} - {module}
    return {one for one in inner | read if one in known}


def in_strings(module, known):
    """The modules among `known` that one of them names in a string, as for `importlib` or a process."""
    text = known[module].read_text("utf-8")
    found = {nearest(name, known) for name in said(text).dotted} - {module, *ALL}
    return found | {f"{package}.__main__" for package in said(text).started}


CHOSEN, CHILD = "the platform of the settings, or what only its networks need", "starts a process of it"
BY_NAME = {
    ("shared.connect", "shared.adapters.google_ports"): CHOSEN,
    ("shared.connect", "shared.adapters.cloud_telemetry"): CHOSEN,
    ("shared.connect", "shared.adapters.web.webhook_call"): CHOSEN,
    ("shared.connect", "local.backend.embedded_ports"): CHOSEN,
    ("shared.connect", "local.runtime.prometheus"): CHOSEN,
    ("local.runtime.fork_server", "local.runtime.serve"): CHILD,
    ("local.runtime.processes", "console.__main__"): CHILD,
    ("deployment.smoke", "gpu_job.__main__"): "runs it in the project",
    **{("shared.engines", one.hosted.adapter): "the table of engines" for one in hosted_specs()},
}
"""Modules named in strings of what may not import them, each with the reason."""


def edges(module, known):
    """The modules that one imports, or names in a string without being in `BY_NAME`."""
    return imports(module, known) | {one for one in in_strings(module, known) if (module, one) not in BY_NAME}


def graph(known):
    """The edges of all modules."""
    return {module: edges(module, known) for module in known}


@cache
def drawn():
    """The edges of all modules as they are."""
    return graph(KNOWN)


@cache
def floor_of(module):
    """The floor with the longest prefix of a module's name."""
    found = [
        (len(prefix), floor)
        for floor, prefixes in FLOORS.items()
        for prefix in prefixes
        if module == prefix or (prefix != "shared" and module.startswith(f"{prefix}."))
    ]
    assert found, f"{module} is on no floor: name it in FLOORS, or move it"
    return max(found)[1]


def upward(graph):
    """Every import that goes to a floor it may not go to."""
    return [
        f"{module} ({floor_of(module)}) imports {name} ({floor_of(name)})"
        for module, names in graph.items()
        for name in sorted(names)
        if floor_of(name) not in BELOW[floor_of(module)] | {floor_of(module)}
    ]


def packages(module):
    """All packages that a module stands in."""
    return {module[: dot.start()] for dot in re.finditer(r"\.", module)}


def circle(graph):
    """Modules that import each other round, [] if there are none."""
    runs = {}
    for module, names in graph.items():
        # What stands in a package runs the package first; a package's own table of contents may name its modules.
        own = {module, *packages(module)}
        runs[module] = names | {over for one in names for over in packages(one) - own if over in graph}
    try:
        TopologicalSorter(runs).prepare()
    except CycleError as found:
        return found.args[1]
    return []


DYNAMIC = {
    "shared.connect": "PLATFORMS and TELEMETRY, which `BY_NAME` lists",
    "shared.adapters.hosted_engines": "the table of engines",
    "shared.audio.sandbox.warm_up": "all of its own package",
    "gpu_job.weights.int8": "a library",
    "local.cli": "one command of `local.commands`",
    "local.runtime.fork_server": "an entrypoint, in the process that serves it",
}
"""Modules that may import what only a run shows, each with what that is."""


def hidden(known):
    """Every import of which the text does not say what it brings, but for those of `DYNAMIC`."""
    functions = {"import_module", "run_module", "run_path", "__import__"}
    found = set()
    for module, path in known.items():
        text = path.read_text("utf-8")
        called = said(text).called
        names = {one.removeprefix(".") for one in called} & functions | called & {"exec", "eval"}
        names |= {name for one, name in named(text) if one in {"importlib", "runpy"}} & functions
        if module not in DYNAMIC:
            found |= {f"{module} calls {name}" for name in names}
        stars = {one for one, name in named(text, package_of(module, known)) if name == "*"}
        found |= {f"{module} takes all of {one}" for one in stars}
    return found


def outside(known):
    """Every import of what no image and no wheel has, as `tests`; what only measures may have it."""
    beside = {path.stem for path in ROOT.iterdir() if path.is_dir() or path.suffix == ".py"} - set(ALL)
    return {
        f"{module} imports {one}"
        for module, path in known.items()
        if module.split(".")[0] in TOPS
        for one, _ in named(path.read_text("utf-8"))
        if one.split(".")[0] in beside
    }


def backward(graph):
    """Every import that goes up in a package of `ROOMS`, or to what stands beside it."""
    place = {
        f"{package}.{name}": number
        for package, order in {"shared": BASE, **ROOMS}.items()
        for number, names in enumerate(order.split(" > "))
        for name in names.split()
    }

    def rooms(module, name):
        """What holds each of two modules in the package that holds both."""
        one, other = module.split("."), name.split(".")
        same = next((n for n, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), None)
        return [".".join(parts[: same + 1]) for parts in (one, other)] if same else []

    return [
        f"{module} imports {name}"
        for module, names in graph.items()
        for name in sorted(names)
        if (pair := [place[one] for one in rooms(module, name) if one in place])
        if len(pair) == 2 and pair[0] >= pair[1]
    ]


def unplaced(known):
    """What stands in a package that holds packages and not in `ROOMS`, and what stands only there."""
    holding = {module.rpartition(".")[0] for module, path in known.items() if path.name == "__init__.py"}
    wrong = set()
    for package in holding - {"", "shared"} | ROOMS.keys():
        inside = {one.removeprefix(f"{package}.") for one in known if one.startswith(f"{package}.")}
        there = {one.split(".")[0] for one in inside}
        wrong |= {
            f"{package}.{name}" for name in there ^ set(ROOMS.get(package, "").replace(">", "").split())
        }
    return wrong


def planted(folder, where, line):
    """A module with another line in it, as `modules` gives it."""
    module = ".".join(Path(where).with_suffix("").parts).removesuffix(".__init__")
    breach = folder / Path(where).name
    breach.write_text(f"{KNOWN[module].read_text('utf-8')}\n{line}\n", "utf-8")
    return {module: breach}


def drawn_of(breach):
    """The edges of what is planted: all others are those of `drawn`."""
    return {module: edges(module, KNOWN | breach) for module in breach}


def test_imports_go_down():
    assert upward(drawn()) == []


def test_nothing_imports_in_a_circle():
    assert circle(drawn()) == []


def test_only_what_needs_a_reason_is_named_without_an_edge():
    assert {(one, name) for one, name in BY_NAME if name not in in_strings(one, KNOWN)} == set()


def test_every_import_says_what_it_brings():
    assert hidden(KNOWN) == set()
    calls = {one for one in DYNAMIC if "import_module(" in KNOWN[one].read_text("utf-8")}
    assert calls == set(DYNAMIC), "take it out of DYNAMIC"


def absent(known, imports):
    """Every import of a module of ours that is not there, of files by name."""

    def there(module, name):
        package = known.get(module)
        if not name or f"{module}.{name}" in known or package is None or package.name != "__init__.py":
            return package is not None
        return re.search(rf"\b{name}\b", package.read_text("utf-8"))

    return {
        f"{file} imports {name} of {module}" if name else f"{file} imports {module}"
        for file, several in imports.items()
        for module, name, _ in absolute(several)
        if module.split(".")[0] in ALL and not there(module, name)
    }


def test_every_module_that_is_imported_is_there():
    imports = {path: said(path.read_text("utf-8")).imported for path in KNOWN.values()}
    for path in modules(tops=["tests"]).values():
        imports[path] = imported(ast.parse(path.read_text("utf-8")).body)
    assert absent(KNOWN, imports) == set()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("def f():\n    from shared.flow.steps import run", "run of shared.flow.steps"),
        ("from shared.flow import steps_of", "steps_of of shared.flow"),
        ("import shared.flow.steps", "shared.flow.steps"),
    ],
)
def test_an_import_of_what_is_not_there_is_found(line, told):
    assert absent(KNOWN, {"one.py": said(line).imported}) == {f"one.py imports {told}"}


def test_nothing_that_is_shipped_imports_what_is_not():
    assert outside(KNOWN) == set()


@pytest.mark.parametrize(
    ("where", "line", "told"),
    [
        ("shared/state/claims.py", "from shared.flow import upload", "claims (state) imports shared.flow.upload"),
        ("shared/state/claims.py", "from ..flow import upload", "claims (state) imports shared.flow.upload (flow)"),
        ("shared/state/__init__.py", "from ..flow.upload import run", "state (state) imports shared.flow.upload (flow)"),
        ("shared/state/claims.py", "x = import_module('shared.flow.upload')", "claims (state) imports shared.flow.upload"),
        ("shared/state/claims.py", "x = import_module('.upload', 'shared.flow')", "claims (state) imports shared.flow (flow)"),
        ("shared/flow/merge.py", "import shared.flow\nshared.sweep.sweep.run()", "merge (flow) imports shared.sweep.sweep (sweep)"),
        ("shared/flow/merge.py", "import shared\nx = shared.sweep.sweep", "merge (flow) imports shared.sweep.sweep (sweep)"),
        ("shared/flow/merge.py", "import shared as s\nx = s.sweep.sweep", "merge (flow) imports shared.sweep.sweep (sweep)"),
        ("shared/flow/merge.py", "from .. import sweep as s\nx = s.stuck", "merge (flow) imports shared.sweep.stuck (sweep)"),
        ("shared/sweep/sweep.py", "run([sys.executable, '-m', 'gpu_job'])", "sweep (sweep) imports gpu_job.__main__ (gpu_job)"),
        ("shared/sweep/sweep.py", "run(('python', '-m', 'console', '-x'))", "sweep (sweep) imports console.__main__ (console)"),
        ("gpu_job/weights/lookup.py", "from shared.adapters import gcs", "lookup (gpu_job) imports shared.adapters.gcs (adapters)"),
        ("gpu_job/weights/lookup.py", "from shared.sweep import stuck", "lookup (gpu_job) imports shared.sweep.stuck (sweep)"),
        ("shared/engines.py", "x = import_module('shared.routing.route')", "engines (base) imports shared.routing.route"),
        ("shared/engines.py", "X = 'shared.routing.route:choose'", "engines (base) imports shared.routing.route"),
        ("shared/costs/prices.py", "from shared.routing import route", "prices (costs) imports shared.routing.route"),
        ("shared/connect.py", "from shared.adapters import google_ports", "connect (connect) imports shared.adapters.google_ports"),
        ("shared/connect.py", "from local.commands import terminal", "connect (connect) imports local.commands.terminal"),
        ("shared/connect.py", "from dropscribe import client", "connect (connect) imports dropscribe.client"),
        ("shared/client.py", "from shared.connect import connect", "client (client) imports shared.connect (connect)"),
        ("local/backend/files/store.py", "from shared.connect import settings_here", "store (embedded) imports shared.connect"),
        ("local/backend/files/store.py", "from functions import caller", "store (embedded) imports functions.caller"),
        ("local/backend/files/store.py", "from dropscribe import client", "store (embedded) imports dropscribe.client"),
        ("local/help.py", "from bench import machine", "help (local) imports bench.machine"),
        ("local/help.py", "from dropscribe import client", "help (local) imports dropscribe.client"),
        ("local/help.py", "from console import bodies", "help (local) imports console.bodies"),
        ("console/bodies.py", "from local.runtime import push", "bodies (console) imports local.runtime.push"),
        ("console/bodies.py", "from functions import push", "bodies (console) imports functions.push (functions)"),
        ("console/bodies.py", "from gpu_job.pipeline import worker", "bodies (console) imports gpu_job.pipeline.worker"),
        ("console/bodies.py", "from shared.adapters import gcs", "bodies (console) imports shared.adapters.gcs"),
        ("gpu_job/pipeline/worker.py", "from local.runtime import push", "worker (gpu_job) imports local.runtime.push"),
        ("gpu_job/pipeline/worker.py", "from console.api import rows", "worker (gpu_job) imports console.api.rows"),
        ("gpu_job/pipeline/worker.py", "from functions import push", "worker (gpu_job) imports functions.push"),
        ("functions/router/main.py", "from local.commands import terminal", "main (functions) imports local.commands.terminal"),
        ("functions/router/main.py", "from gpu_job.speech import packing", "main (functions) imports gpu_job.speech.packing"),
        ("functions/router/main.py", "from deployment import deploy", "main (functions) imports deployment.deploy"),
        ("deployment/smoke.py", "from local.commands import terminal", "smoke (deployment) imports local.commands.terminal"),
        ("shared/adapters/gcs.py", "from shared.audio import pool", "gcs (adapters) imports shared.audio.pool (audio)"),
        ("shared/adapters/gcs.py", "from shared.adapters.engines import deepgram", "gcs (adapters) imports shared.adapters.engines.deepgram"),
        ("shared/model.py", "import shared.ports", ""),
        ("shared/telemetry/metrics.py", "from shared.telemetry import log", ""),
        ("shared/routing/matrix.py", "from shared.routing.pick import Picked", ""),
        ("local/runtime/exit_with_parent.py", "X = 'local.runtime.fork_server'", ""),
        ("bench/engines/job.py", "def f():\n    from bench.engines import contest", ""),
    ],
)  # fmt: skip
def test_a_planted_breach_is_found(tmp_path, where, line, told):
    found = drawn_of(planted(tmp_path, where, line))
    assert any(told in one for one in upward(found)) if told else circle(drawn() | found)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("import_module('..sweep.sweep', __package__)", "calls import_module"),
        ("importlib.import_module(f'{PACKAGE}.sweep')", "calls import_module"),
        ("from importlib import import_module as load", "calls import_module"),
        ("__import__('.'.join(['shared', 'sweep']))", "calls __import__"),
        ("exec('from shared import sweep')", "calls exec"),
        ("runpy.run_module(name)", "calls run_module"),
        ("from shared import *", "takes all of shared"),
        ("from ..sweep import *", "takes all of shared.sweep"),
    ],
)
def test_an_import_that_hides_what_it_brings_is_found(tmp_path, line, told):
    assert hidden(planted(tmp_path, "shared/flow/merge.py", line)) == {f"shared.flow.merge {told}"}


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("from tests import acme", "tests"),
        ("def f():\n    import tests.world", "tests.world"),
        ("from samples import make", "samples"),
        ("from images import parts", "images"),
        ("import setup", "setup"),
    ],
)
def test_an_import_of_what_is_not_shipped_is_found(tmp_path, line, name):
    assert outside(planted(tmp_path, "shared/flow/merge.py", line)) == {f"shared.flow.merge imports {name}"}


def test_in_every_package_imports_go_down():
    assert unplaced(KNOWN) == set(), "give it its place in ROOMS, or take it out"
    assert backward(drawn()) == []


@pytest.mark.parametrize(
    ("where", "line", "told"),
    [
        ("gpu_job/pipeline/committer", "from gpu_job.pipeline.consumer import Consumer", "gpu_job.pipeline.consumer"),
        ("gpu_job/pipeline/committer", "from .recogniser import Recogniser", "gpu_job.pipeline.recogniser"),
        ("gpu_job/pipeline/committer", "from . import recogniser", "gpu_job.pipeline.recogniser"),
        ("gpu_job/pipeline/committer", "import_module('gpu_job.pipeline.recogniser')", "gpu_job.pipeline.recogniser"),
        ("gpu_job/pipeline/committer", "from gpu_job.pipeline import batcher", "gpu_job.pipeline.batcher"),
        ("gpu_job/pipeline/committer", "def f():\n    import gpu_job.pipeline.recogniser", "gpu_job.pipeline.recogniser"),
        ("gpu_job/pipeline/inflight", "if TYPE_CHECKING:\n    from gpu_job.pipeline.committer import Committer", "gpu_job.pipeline.committer"),
        ("gpu_job/pipeline/consumer", "from gpu_job.pipeline.batcher import Batch", "gpu_job.pipeline.batcher"),
        ("gpu_job/voices/core", "from gpu_job.loading import load", "gpu_job.loading"),
        ("gpu_job/speech/onnx/mel", "from gpu_job.voices import features", "gpu_job.voices.features"),
        ("gpu_job/speech/words", "from gpu_job.speech.onnx.tdt import State", "gpu_job.speech.onnx.tdt"),
        ("gpu_job/weights/lookup", "def f():\n    from gpu_job.speech.onnx import onnx_engine", "gpu_job.speech.onnx.onnx_engine"),
        ("local/evaluation/accuracy", "from local.commands.terminal import table", "local.commands.terminal"),
        ("local/runtime/one_shot", "from local.commands.audio import inputs", "local.commands.audio.inputs"),
        ("local/runtime/export", "from local.inbox import watcher", "local.inbox.watcher"),
        ("local/backend/remembered", "from local.runtime import push", "local.runtime.push"),
        ("local/backend/files/store", "from local.backend.sqlite.records import SqliteRecords", "local.backend.sqlite.records"),
        ("local/commands/views/cost", "from local.commands.operation import retry", "local.commands.operation.retry"),
        ("console/renditions", "from console.api.rows import row", "console.api.rows"),
        ("console/openai/models", "from console.api import answers", "console.api.answers"),
        ("deployment/target", "from deployment.rollout import state", "deployment.rollout.state"),
        ("functions/outcome", "from functions.router import main", "functions.router.main"),
        ("shared/audio/probing/wav", "from shared.audio.decoding import decode", "shared.audio.decoding.decode"),
        ("shared/flow/merge", "from shared.flow import retry", "shared.flow.retry"),
        ("shared/model", "def f():\n    from shared.settings import Settings", "shared.settings"),
        ("shared/engines", "from shared import messages", "shared.messages"),
        ("shared/machine/stop_signals", "from shared.telemetry import log", "shared.telemetry"),
    ],
)  # fmt: skip
def test_an_import_up_in_a_package_is_found(tmp_path, where, line, told):
    assert backward(drawn_of(planted(tmp_path, f"{where}.py", line))) == [
        f"{where.replace('/', '.')} imports {told}"
    ]


def test_a_module_without_a_place_in_its_package_is_found():
    new = {"local.newcomer": KNOWN["local.cli"], "dropscribe.legacy.inner": KNOWN["dropscribe.legacy"]}
    known = KNOWN | new
    del known["gpu_job.cores"]
    legacy = {one for one in known if one.startswith("dropscribe.legacy.")}
    assert unplaced(known) == {"local.newcomer", "gpu_job.cores"} | legacy


def overfull(known):
    """Folders with more modules than somebody reads at a glance."""
    count = Counter(path.parent for path in known.values() if path.name != "__init__.py")
    return {str(folder): number for folder, number in count.items() if number > MOST_MODULES}


def test_a_folder_has_few_enough_modules_to_be_read_at_a_glance():
    assert overfull(KNOWN) == {}


def bare(known):
    """Folders with modules that are no packages."""
    return {path.parent for path in known.values() if not (path.parent / "__init__.py").exists()}


def test_every_folder_with_modules_is_a_package():
    assert bare(KNOWN) == set()


def test_a_folder_that_is_no_package_is_found(tmp_path):
    (tmp_path / "shared" / "extra").mkdir(parents=True)
    (tmp_path / "shared" / "__init__.py").touch()
    (tmp_path / "shared" / "extra" / "discount.py").touch()
    assert bare(modules(tmp_path)) == {tmp_path / "shared" / "extra"}


def unknown_tops(root=ROOT):
    """Folders beside the packages that have Python too."""
    return {path.parent.name for path in root.glob("[!.]*/*.py")} - {*ALL, *NO_FLOOR}


def test_every_folder_with_python_is_on_a_floor_or_known_to_be_on_none():
    assert unknown_tops() == set()
    assert {name for name in (*ALL, *NO_FLOOR) if not (ROOT / name).is_dir()} == set()


def test_a_new_package_beside_the_others_is_found(tmp_path):
    for name in ("shared", "toolkit", ".venv"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "one.py").touch()
    assert unknown_tops(tmp_path) == {"toolkit"}


def test_every_package_says_what_lives_in_it():
    for path in KNOWN.values():
        if path.name == "__init__.py":
            assert ast.get_docstring(ast.parse(path.read_text("utf-8"))), path


ADAPTERS = "shared/adapters/engines"
"""Where the table of engines says what each module is."""


def unlisted(root=ROOT):
    """Modules and packages that the docstring of their package does not name."""
    missing = []
    for top in ALL:
        for init in sorted((root / top).rglob("__init__.py")):
            names = {path.stem for path in init.parent.glob("*.py")} - {"__init__", "__main__"}
            names |= {path.parent.name for path in init.parent.glob("*/__init__.py")}
            text = ast.get_docstring(ast.parse(init.read_text("utf-8"))) or ""
            # The table of engines names these, and one module needs no list.
            if init.parent == root / ADAPTERS or len(names) == 1:
                continue
            missing += [
                f"{init.parent.relative_to(root)} does not name {name}"
                for name in sorted(names)
                if not re.search(rf"\b{name}\b", text)
            ]
    return missing


def test_every_package_names_its_modules():
    assert unlisted() == []


@pytest.mark.parametrize("init", [one for one in KNOWN.values() if one.name == "__init__.py"], ids=str)
def test_each_line_of_a_packages_table_begins_with_what_is_there(init):
    told = ast.get_docstring(ast.parse(init.read_text("utf-8")))
    rows = re.findall(r"^ *([a-z_]+)(?:\.py|/)? {2,}", told, re.MULTILINE)
    inside = {path.stem for path in init.parent.glob("*.py")}
    assert set(rows) <= inside | {path.parent.name for path in init.parent.glob("*/__init__.py")}


def test_a_module_that_its_package_does_not_name_is_found(tmp_path):
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "__init__.py").write_text('"""alpha.py does something."""', "utf-8")
    for name in ("alpha", "beta"):
        (tmp_path / "shared" / f"{name}.py").touch()
    assert unlisted(tmp_path) == ["shared does not name beta"]


def test_the_adapter_of_a_new_engine_needs_no_place_of_its_own(tmp_path):
    folder = tmp_path / ADAPTERS
    shutil.copytree(ROOT / ADAPTERS, folder)
    shutil.copy(ROOT / "tests" / "acme.py", folder / "acme.py")
    (folder / "acme_answers.py").write_text("from shared.results import Heard", "utf-8")
    with (folder / "acme.py").open("a", encoding="utf-8") as file:
        file.write(
            "\nfrom shared.adapters.engines import acme_answers\nfrom shared.audio.encode import flac\n"
        )
    copied = modules(tmp_path, ["shared"])
    known = KNOWN | copied
    drawn_too = graph(known)
    assert {"shared.adapters.engines.acme", "shared.adapters.engines.acme_answers"} <= known.keys()
    assert (upward(drawn_too), backward(drawn_too), circle(drawn_too), unplaced(known)) == ([], [], [], set())
    assert (unlisted(tmp_path), overfull(copied)) == ([], {})


MENTION = re.compile(r"(?<![\w/.$])[\w/.]*\b\w+\.py\b")
FOREIGN = {"speech_to_text_streaming_infer_rnnt.py"}
"""Files of other projects."""


def mentioned(path):
    """The Python files that a text names."""
    return set(MENTION.findall(path.read_text("utf-8"))) - FOREIGN


@pytest.mark.parametrize("folder", [*ALL, "docs"])
def test_every_file_that_a_text_names_is_there(folder):
    """A bare name stands for a file in the same folder or below it; anything else is a path from the root."""
    for path in (ROOT / folder).rglob("*.*"):
        if path.suffix in {".py", ".md"} and "decisions" not in path.parts:
            for name in mentioned(path):
                here = any(path.parent.rglob(name)) if "/" not in name else (path.parent / name).exists()
                assert here or (ROOT / name).exists(), f"{path.relative_to(ROOT)} names {name}"


NO_TEST_OF_ITS_OWN = {
    # Records and constants: whoever uses them tests them.
    "shared.audio.types": "records",
    "shared.results": "records",
    "shared.routing.case": "records",
    "gpu_job.weights.located": "a record, which every test of `lookup` reads",
    "gpu_job.speech.transcriber": "a protocol, and the errors of engines",
    "gpu_job.voices.diarizer": "a protocol",
    "console.api.types": "declarations, which test_openapi compares with real answers",
    "console.api.routes": "a table, which test_openapi compares with what is answered",
    "console.api.answers": "what every test of the API reads: errors as sentences",
    "console.api.rows": "how every list of the API shows a recording: test_recordings",
    "local.backend.sqlite.schema": "the statements with which every test of the database begins",
    "shared.concurrency": "names of the standard library, which tests/simulation replaces",
    # Composition: nothing is left where its parts are replaced.
    "shared.adapters.google_ports": "composes the adapters: tests/google runs them together",
    "gpu_job.speech.nemo.nemo_parts": "imports: every test of the NeMo engine is one of them",
    "dropscribe.run": "what transcribe and transcribe_all do: dropscribe/test_here",
    "local.runtime.one_shot": "composes a run: test_transcribe and test_half_an_hour run it",
    "local.runtime.submission": "how a run begins: test_transcribe, and test_contents for renamed files",
    # One half of something that is called as a whole.
    "shared.routing.pick": "the order of precedence in `route.choose`: test_route",
    "gpu_job.pipeline.recogniser": "a thread between batcher and committer: test_worker",
    "local.commands.weight_files": "what stands behind `dropscribe models`: test_models",
    "local.commands.views.status_screen": "how it is shown: test_status",
    # Measured by people: their arithmetic is tested where it is shared.
    **dict.fromkeys(
        ("bench.flow", "bench.engines.job", "bench.engines.speed", "bench.engines.random_weights"),
        "what contenders do, and what they are given: bench/engines/test_contest",
    ),
    **dict.fromkeys(("bench.google", "bench.probe", "bench.router"), "its command line: bench/test_main"),
    **dict.fromkeys(
        (f"bench.page.{name}" for name in ("console", "console_page", "console_sound")),
        "what it takes from the tests: bench/test_main",
    ),
    "bench.engines.contenders": "starts engines side by side: test_contest holds two of them",
    **dict.fromkeys(
        ("bench.search", "bench.worker", "bench.engines.processors", "bench.engines.real_size"),
        "prints what it measured",
    ),
    "bench.engines.nemo_script": "what NeMo's own example does, to be compared with",
}
"""Modules without a test file at the mirrored place, each with where it is tested or why there is nothing to test."""


def mirrored(module):
    """Where the test file of a module stands."""
    *folders, name = module.removeprefix("shared.").split(".")
    return ROOT.joinpath("tests", *folders, f"test_{name}.py")


def has_tests(path):
    """Whether a file is there and has a test."""
    return path.exists() and bool(re.search(r"^def test_", path.read_text("utf-8"), re.MULTILINE))


def with_a_test(known):
    """Whether each module has a test file of its own; entrypoints need none."""
    return {
        module: has_tests(mirrored(module))
        for module, path in known.items()
        if path.stem not in {"__init__", "__main__"} and not re.fullmatch(r"functions\.\w+\.main", module)
    }


def test_every_module_has_a_test_file_of_its_own():
    tested = with_a_test(KNOWN)
    assert {module for module, has_one in tested.items() if not has_one} - set(NO_TEST_OF_ITS_OWN) == set()
    gone = {one for one in NO_TEST_OF_ITS_OWN if tested.get(one, True)}
    assert gone == set(), "take it out of the list: it has a test now, or is no module any more"


def test_a_module_without_a_test_is_found(tmp_path):
    found = with_a_test({"shared.costs.main": tmp_path / "main.py", "functions.x.main": tmp_path / "main.py"})
    assert found == {"shared.costs.main": False}


def test_a_file_without_a_test_is_none(tmp_path):
    path = tmp_path / "test_one.py"
    assert not has_tests(path)
    path.write_text('"""Nothing yet."""\n', "utf-8")
    assert not has_tests(path)
    path.write_text("def test_one():\n    assert one() == 1\n", "utf-8")
    assert has_tests(path)


ONLY_HERE = {
    "onnxruntime": {
        "gpu_job/speech/onnx/encoder.py",
        "gpu_job/speech/onnx/onnx_engine.py",
        "gpu_job/speech/onnx/session.py",
        "gpu_job/voices/networks.py",
    },
    "starlette": "console",
    "openvino": {"gpu_job/speech/onnx/openvino_encoder.py", "gpu_job/speech/onnx/openvino_graph.py"},
    "torch": "gpu_job/speech/nemo",
    # The engine builds the parts it needs; an export needs NeMo's whole model class.
    "nemo": {"gpu_job/speech/nemo/nemo_parts.py", "gpu_job/speech/nemo/nemo_export.py"},
    "deepgram": {"shared/adapters/engines/deepgram.py", "shared/adapters/bills/deepgram_bill.py"},
    "opentelemetry": {"shared/adapters/cloud_telemetry.py"},
    "prometheus_client": {"local/runtime/prometheus.py"},
    "google.cloud": "shared/adapters",
    "av": "shared/audio",
}
"""Files, or the folder, that alone may import a heavy library."""


def imports_library(text, library):
    """Whether a text imports a library, or something of it."""
    names = {f"{module}.{name}" if name else module for module, name in named(text)}
    return any(name == library or name.startswith(f"{library}.") for name in names)


@pytest.mark.parametrize("library", ONLY_HERE)
def test_a_heavy_library_is_imported_in_its_own_files_only(library):
    allowed = ONLY_HERE[library]
    found = {
        path.relative_to(ROOT).as_posix()
        for module, path in KNOWN.items()
        if module.split(".")[0] in TOPS and imports_library(path.read_text("utf-8"), library)
    }
    if isinstance(allowed, str):
        assert all(one.startswith(f"{allowed}/") for one in found), found
    else:
        assert found <= allowed


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("from google import cloud", True),
        ("from google.cloud import storage", True),
        ("def f():\n    import google.cloud.storage", True),
        ("from google import genai", False),
        ("import google.cloudy", False),
    ],
)
def test_an_import_of_a_heavy_library_is_found(line, found):
    assert imports_library(line, "google.cloud") is found


def test_the_library_of_a_hosted_engine_stays_in_its_adapter():
    """Only its adapter loads it; one that everything has, such as httpx, may be anywhere."""
    assert {one.hosted.library for one in hosted_specs()} - {*ONLY_HERE, "httpx"} == set()


FLOW = ("gpu_job/pipeline", "local/runtime", *(f"shared/{floor}" for floor in ("state", "planning", "costs")))
FLOW += tuple(
    f"shared/{floor}" for floor in ("routing", "flow", "recovery", "hosted", "sweep", "webhooks", "search")
)
"""Folders whose threads, time and chance `tests/simulation/` decides."""


def real(path):
    """What a file gets elsewhere than from `shared/concurrency.py`: threads, queues, passing time, or chance."""
    text = path.read_text("utf-8")
    names = {f"{module}.{name}" if name else module for module, name in named(text)}
    passing = {f"time.{one}" for one in ("monotonic", "perf_counter", "sleep")}
    roots = {"threading", "queue", "concurrent", "uuid", "random"}
    return {one for one in names if one.split(".")[0] in roots} | passing & (names | said(text).read)


def simulated(root=ROOT):
    """The files of the flow."""
    files = [path for folder in FLOW for path in (root / folder).rglob("*.py")]
    return files + [root / "gpu_job" / f"{name}.py" for name in ("process", "start_up")]


def test_files_in_a_folder_of_the_flow_belong_to_it(tmp_path):
    path = tmp_path / "shared" / "flow" / "reading" / "live.py"
    path.parent.mkdir(parents=True)
    path.touch()
    assert path in simulated(tmp_path)


def test_the_flow_gets_threads_time_and_chance_in_one_place():
    files = simulated()
    found = {path.relative_to(ROOT).as_posix(): real(path) for path in files}
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("import threading", "threading"),
        ("from concurrent.futures import wait", "concurrent.futures.wait"),
        ("import time\ntime.sleep(1)", "time.sleep"),
        ("from time import monotonic", "time.monotonic"),
    ],
)
def test_a_real_thread_or_clock_is_found(tmp_path, line, name):
    path = tmp_path / "one.py"
    path.write_text(line, "utf-8")
    assert real(path) == {name}


def test_nothing_imports_an_entrypoint():
    known = modules()
    for module in known:
        for name in imports(module, known):
            assert not (name.startswith("functions.") and name.endswith(".main")), f"{module} imports {name}"
            assert name != "gpu_job.__main__"


def test_entrypoints_are_short():
    for path in [*(ROOT / "functions").glob("*/main.py"), ROOT / "gpu_job" / "__main__.py"]:
        assert len(path.read_text("utf-8").splitlines()) <= 60, path


CHANGES_DOCUMENTS = {
    "shared/state/documents.py",
    # Its document is a mapping of settings, and it keeps those that it does not know.
    "shared/routing/flags.py",
    # Nobody else knows its document, which says which shards count.
    "shared/adapters/object_search.py",
}
"""Files that alone may call `Records.update`: a change must keep the fields of a newer version."""


def changes_documents(text):
    """Whether a text has `Records.update`, called or not."""
    return bool(re.search(r"records\.update\b", text))


def test_documents_are_changed_in_one_place():
    found = {
        path.relative_to(ROOT).as_posix()
        for module, path in KNOWN.items()
        if module.split(".")[0] in TOPS and changes_documents(path.read_text("utf-8"))
    }
    assert found == CHANGES_DOCUMENTS


def test_a_change_of_a_document_under_another_name_is_found():
    assert changes_documents("change = ports.records.update\nchange('recordings', key, fields)")
    assert not changes_documents("ports.records.updated()")
