"""Terraform as a process: plan, apply, outputs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployment.target import ROOT, Target
from shared.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from deployment.rollout.state import Images

FOLDER = ROOT / "terraform"

LOCAL_STATE = 'terraform {\n  backend "local" {}\n}\n'
"""Makes a plan possible where there is no bucket for the state yet."""

OLDEST = (1, 9)
"""terraform/versions.tf asks for it."""
INSTALL = (
    "Install 1.9 or newer (https://developer.hashicorp.com/terraform/install), then run the same command again; "
    "nothing was changed."
)

PATIENT = "-lock-timeout=10m"
"""A rollout and a deployment that begin in the same second apply one after the other."""

CHANGES = 2
"""Exit status of `terraform plan -detailed-exitcode` if something would change."""


class Terraform:
    """The root of one deployment."""

    def __init__(self, target: Target, environ: Mapping[str, str] | None = None) -> None:
        self._target = target
        self._environ = {**(os.environ if environ is None else environ), "TF_IN_AUTOMATION": "1"}
        self._ready = False

    def check(self) -> None:
        """Find the program, before anything is changed that it should go on with.

        Raises:
            ConfigurationError: there is no terraform, or none that runs; or this is an installed package, without
                Terraform's files.
        """
        if not FOLDER.is_dir():
            raise ConfigurationError(
                f"{FOLDER.parent} is not a checkout of the project. Its terraform/ is needed to deploy: run this from a "
                "clone."
            )
        try:
            found = subprocess.run(
                [self._binary(), "version", "-json"],
                env=self._environ,
                capture_output=True,
                text=True,
                check=False,
            )
            said = found.stderr
            version = str(json.loads(found.stdout)["terraform_version"]) if not found.returncode else ""
        except (OSError, ValueError, LookupError) as error:
            version, said = "", str(error)
        if not version:
            raise ConfigurationError(f"terraform does not run here: {said.strip() or 'no output'}. {INSTALL}")
        if tuple(int(one) for one in re.findall(r"\d+", version)[:2]) < OLDEST:
            raise ConfigurationError(f"terraform is {version} here, which is too old. {INSTALL}")

    def plan(self, images: Images | None, canary: str = "") -> bool:
        """Show on the terminal what an apply would do; returns whether it would change anything.

        Args:
            images: what runs; None: the foundation only.
            canary: image of the next release's job; empty: that of all others.

        Raises:
            ConfigurationError: Terraform refused; it has said why.
        """
        self._init()
        with self._values(images, canary) as file:
            code = self._run(["plan", "-input=false", "-detailed-exitcode", f"-var-file={file}"], FOLDER)
        if code not in {0, CHANGES}:
            raise ConfigurationError("terraform plan failed: fix what it reports above first.")
        return code == CHANGES

    def plan_without_state(self) -> None:
        """Plan the foundation for an empty project: nothing is read from it and nothing is kept.

        Raises:
            ConfigurationError: Terraform refused; it has said why.
        """
        with tempfile.TemporaryDirectory(prefix="dropscribe-") as folder:
            copy = Path(folder) / "terraform"
            shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns(".terraform", "*.tfvars.json"))
            (copy / "backend_override.tf").write_text(LOCAL_STATE, "utf-8")
            self._checked(["init", "-input=false"], copy)
            with self._values(None) as file:
                self._checked(["plan", "-input=false", f"-var-file={file}"], copy)

    def apply(self, images: Images | None, canary: str = "", **more: Any) -> None:
        """Make it so. What has been done stays if it fails half-way, and the next apply goes on.

        Arguments as for `plan`; `more` are values of more variables.

        Raises:
            ConfigurationError: Terraform failed; it has said why.
        """
        self._init()
        with self._values(images, canary, **more) as file:
            self._checked(["apply", "-input=false", "-auto-approve", PATIENT, f"-var-file={file}"], FOLDER)

    def lay_secrets(self, images: Images) -> None:
        """Only the secrets: the functions that read them start when there is a key in them.

        Raises:
            ConfigurationError: Terraform failed; it has said why.
        """
        self._init()
        with self._values(images) as file:
            # All are `keys`; Terraform moves what was `webhook` only if that is named, too (secrets.tf).
            targets = [f"-target=google_secret_manager_secret.{one}" for one in ("keys", "webhook")]
            self._checked(["apply", "-input=false", "-auto-approve", *targets, f"-var-file={file}"], FOLDER)

    def destroy(self, **more: Any) -> None:
        """Destroy the foundation; everything else must be gone already.

        `more` are values of more variables.

        Raises:
            ConfigurationError: Terraform failed; it has said why.
        """
        self._init()
        with self._values(None, **more) as file:
            self._checked(["destroy", "-input=false", "-auto-approve", f"-var-file={file}"], FOLDER)

    def outputs(self) -> dict[str, Any]:
        """The root's outputs (terraform/README.md), by their names; empty before the first apply.

        Raises:
            ConfigurationError: Terraform failed.
        """
        self._init()
        command = [self._binary(), "output", "-json"]
        found = subprocess.run(
            command, cwd=FOLDER, env=self._environ, capture_output=True, text=True, check=False
        )
        if found.returncode:
            raise ConfigurationError(f"terraform output failed: {found.stderr.strip()}")
        return {name: one["value"] for name, one in json.loads(found.stdout or "{}").items()}

    def _init(self) -> None:
        if not self._ready:
            self._checked(
                [
                    "init",
                    "-input=false",
                    "-reconfigure",
                    f"-backend-config=bucket={self._target.state_bucket}",
                ],
                FOLDER,
            )
            self._ready = True

    @contextmanager
    def _values(self, images: Images | None, canary: str = "", **more: Any) -> Iterator[Path]:
        """A file with the values of all variables; nothing in it is secret."""
        with tempfile.TemporaryDirectory(prefix="dropscribe-") as folder:
            file = Path(folder) / "values.tfvars.json"
            file.write_text(json.dumps(values(self._target, images, canary, more)), "utf-8")
            yield file

    def _checked(self, arguments: Sequence[str], folder: Path) -> None:
        if self._run(arguments, folder):
            raise ConfigurationError(
                f"terraform {arguments[0]} failed; the reason is above. Fix it and run the same command again: "
                "it continues where it stopped."
            )

    def _run(self, arguments: Sequence[str], folder: Path) -> int:
        return subprocess.run(
            [self._binary(), *arguments], cwd=folder, env=self._environ, check=False
        ).returncode

    def _binary(self) -> str:
        found = shutil.which("terraform", path=self._environ.get("PATH"))
        if found is None:
            raise ConfigurationError(f"There is no terraform on this computer. {INSTALL}")
        return found


def values(target: Target, images: Images | None, canary: str, more: Mapping[str, Any]) -> dict[str, Any]:
    """The values of all variables. Pure."""
    deployed = None
    if images is not None:
        deployed = images.named
        if canary:
            deployed["gpu_canary"] = canary
    return {
        **target.variables,
        "project": target.project,
        "region": target.region,
        "images": deployed,
        **more,
    }
