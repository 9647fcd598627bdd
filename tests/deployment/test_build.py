from __future__ import annotations

import pytest
import yaml

from deployment import build
from deployment.source import Source
from deployment.target import ROOT
from shared.errors import ConfigurationError
from tests.deployment.google import TARGET

SOURCE = Source(name="abcdef012345", content=b"sources")


def test_sources_are_uploaded_and_built_once_in_the_name_of_an_account_of_its_own(google):
    said = []
    images = build.build(SOURCE, TARGET, google.api(), said.append)
    assert google.objects == {("my-project-build", "abcdef012345.tar.gz"): b"sources"}
    (asked,) = google.builds.values()
    assert asked["serviceAccount"].endswith("/dropscribe-build@my-project.iam.gserviceaccount.com")
    assert asked["substitutions"] == {
        "_MODEL": "nvidia/parakeet-tdt-0.6b-v3",
        "_OTHER": "kept",
        "_REGISTRY": TARGET.registry,
        "_TAG": "abcdef012345",
        "_IMAGES": "functions gpu",
    }
    assert (asked["timeout"], asked["steps"]) == ("7200s", [{"name": "x"}])
    assert images.functions.startswith(f"{TARGET.registry}/functions@sha256:")
    assert build.build(SOURCE, TARGET, google.api(), said.append) == images
    assert len(google.builds) == 1


def test_images_that_are_not_all_there_are_built_again(google):
    google.tags["functions", "abcdef012345"] = "sha256:1"
    assert build.built(SOURCE, TARGET, google.api()) is None


def test_a_build_that_pushes_something_else_says_so(google):
    google.post_builds = lambda body, *_: type(google).post_builds(
        google, {"substitutions": {**body["substitutions"], "_TAG": "0"}}
    )
    with pytest.raises(ConfigurationError, match="not all of its images are in"):
        build.build(SOURCE, TARGET, google.api(), print)


def test_the_build_knows_every_value_that_it_is_given():
    known = yaml.safe_load((ROOT / "cloudbuild.yaml").read_text("utf-8"))["substitutions"]
    assert build.request(SOURCE, TARGET, {})["substitutions"].keys() == known.keys()
