"""The images of some sources: those in the registry, or new ones by Cloud Build (cloudbuild.yaml)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from deployment.rollout.state import Images
from deployment.target import ROOT, Target
from shared.errors import ConfigurationError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployment.api import Api
    from deployment.source import Source

CONFIG = ROOT / "cloudbuild.yaml"

PATIENCE = 3 * 3600.0
"""Most seconds of a build: the image of the workers holds torch and the weights."""
EVERY = 15.0
"""Seconds between two polls of a build."""


def built(source: Source, target: Target, api: Api) -> Images | None:
    """The images of some sources, or None if not all of them are in the registry.

    Raises:
        Refused: the registry may not be read.
    """
    found = {name: _digest(name, source.name, target, api) for name in target.images}
    if not all(found.values()):
        return None
    return Images(**{name: f"{target.registry}/{name}@{digest}" for name, digest in found.items()})


def build(source: Source, target: Target, api: Api, say: Callable[[str], None]) -> Images:
    """Build what is not in the registry yet.

    Raises:
        ConfigurationError: the build failed; says where its log is.
        StoreUnavailable: it has not ended; it goes on without us.
    """
    if (known := built(source, target, api)) is not None:
        say(f"The images of these sources ({source.name}) are there already.")
        return known
    api.call(
        "POST",
        f"storage.googleapis.com/upload/storage/v1/b/{target.sources_bucket}/o",
        params={"uploadType": "media", "name": _object(source)},
        data=source.content,
    )
    path = f"cloudbuild.googleapis.com/v1/projects/{target.project}/locations/{target.region}/builds"
    operation = api.call("POST", path, request(source, target, yaml.safe_load(CONFIG.read_text("utf-8"))))
    number = operation["metadata"]["build"]["id"]
    say(f"Cloud Build builds {', '.join(target.images)}: a quarter of an hour or more, the first time.")
    _wait(f"{path}/{number}", api)
    images = built(source, target, api)
    if images is None:
        raise ConfigurationError(
            f"Build {number} succeeded, but not all of its images are in {target.registry}: does cloudbuild.yaml push "
            f"{', '.join(target.images)} with the tag {source.name}?"
        )
    return images


def request(source: Source, target: Target, config: dict[str, Any]) -> dict[str, Any]:
    """The build, for Cloud Build's interface. Pure."""
    substitutions = {
        **config.get("substitutions", {}),
        "_REGISTRY": target.registry,
        "_TAG": source.name,
        "_MODEL": target.model,
        "_IMAGES": " ".join(target.images),
    }
    return {
        **config,
        "serviceAccount": f"projects/{target.project}/serviceAccounts/"
        f"dropscribe-build@{target.project}.iam.gserviceaccount.com",
        "source": {"storageSource": {"bucket": target.sources_bucket, "object": _object(source)}},
        "substitutions": substitutions,
        "tags": ["dropscribe", source.name],
    }


def _object(source: Source) -> str:
    return f"{source.name}.tar.gz"


def _wait(path: str, api: Api) -> None:
    def succeeded() -> bool:
        found = api.call("GET", path)
        status = str(found.get("status", ""))
        if status in {"FAILURE", "INTERNAL_ERROR", "TIMEOUT", "CANCELLED", "EXPIRED"}:
            raise ConfigurationError(
                f"The build ended as {status} ({found.get('statusDetail', 'no detail')}). Its log: "
                f"{found.get('logUrl', 'Cloud Build')}. Fix it and run the same command again."
            )
        return status == "SUCCESS"

    if not api.wait(succeeded, EVERY, PATIENCE):
        raise StoreUnavailable("The build is still running. Run the same command again later.")


def _digest(name: str, tag: str, target: Target, api: Api) -> str:
    found = api.get(
        f"artifactregistry.googleapis.com/v1/projects/{target.project}/locations/{target.region}"
        f"/repositories/dropscribe/packages/{name}/tags/{tag}"
    )
    return "" if found is None else str(found["version"]).rpartition("/")[2]
