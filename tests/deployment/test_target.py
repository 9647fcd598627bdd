from __future__ import annotations

import json
import re

import pytest

from deployment.target import read
from deployment.variables import Gpu
from shared.errors import BadRequest


def written(tmp_path, content):
    path = tmp_path / "values.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def test_a_target_has_the_defaults_of_terraform():
    found = read("my-project", "europe-west4")
    assert found.gpu == Gpu(vcpus=4, memory_gib=16, max_tasks=2, timeout_minutes=60)
    assert (found.cpu, found.hosted, found.images) == (None, (), ("functions", "gpu"))
    assert found.buckets["audio"] == "my-project-audio"


def test_values_of_variables_come_from_a_file(tmp_path):
    values = {
        "gpu": None,
        "cpu": {},
        "hosted": {"deepgram": {}},
        "buckets": {"audio": "inbox"},
        "model": "a/b",
    }
    found = read("my-project", "europe-west4", written(tmp_path, values))
    assert (found.images, found.hosted, found.buckets["audio"]) == (
        ("functions", "cpu"),
        ("deepgram",),
        "inbox",
    )
    assert ("dropscribe-deepgram" in found.services, found.model) == (True, "a/b")
    english = values | {"settings": {"PARAKEET_ENGLISH_MODEL": "c/d"}}
    assert read("my-project", "europe-west4", written(tmp_path, english)).model == "a/b c/d"
    page = read("my-project", "europe-west4", written(tmp_path, {"console_members": ["user:a@b.c"]}))
    assert (page.images, page.jobs) == (("functions", "gpu", "console"), ("gpu",))


@pytest.mark.parametrize(
    ("project", "region", "content", "said"),
    [
        ("", "europe-west4", None, "No project is named: PROJECT=my-project"),
        ("My_Project", "europe-west4", None, "PROJECT is 'My_Project', which is no id"),
        ("my-project", "", None, "No region is named: REGION=europe-west4"),
        ("my-project", "Europe", None, "REGION is 'Europe', which is no region"),
        ("my-project", "europe-west4", "[1]", "must be a JSON object"),
        ("my-project", "europe-west4", {"images": {}}, "sets images: leave it out"),
        ("my-project", "europe-west4", {"kms_kye": "k"}, "unknown field `kms_kye`"),
        ("my-project", "europe-west4", {"gpu": {"max_task": 4}}, "unknown field `max_task` - at `$.gpu`"),
        ("my-project", "europe-west4", {"gpu": 5}, "got `int` - at `$.gpu`"),
        ("my-project", "europe-west4", {"gpu": {"max_tasks": "two"}}, "got `str` - at `$.gpu.max_tasks`"),
        ("my-project", "europe-west4", {"hosted": "deepgram"}, "got `str` - at `$.hosted`"),
    ],
)
def test_what_is_wrong_is_said_with_what_it_must_be(tmp_path, project, region, content, said):
    file = None if content is None else written(tmp_path, content)
    with pytest.raises(BadRequest, match=re.escape(said)):
        read(project, region, file)


def test_a_file_that_is_named_must_be_there(tmp_path):
    with pytest.raises(BadRequest, match="cannot be read"):
        read("my-project", "europe-west4", tmp_path / "none.json")
