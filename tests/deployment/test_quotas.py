from __future__ import annotations

import pytest

from deployment.quotas import CPU, L4, MEMORY, Quota, granted, needed
from deployment.target import Target

QUOTA = Quota(id=CPU, in_words="processors", unit="vCPUs", each=1000, needed=10)


def of(**variables):
    target = Target(project="my-project", region="europe-west4", variables=variables)
    return {one.id: one.needed for one in needed(target)}


def test_what_all_tasks_take_at_one_time():
    assert of() == {L4: 2, CPU: 10, MEMORY: 36}
    assert of(gpu={"vcpus": 8, "memory_gib": 32, "max_tasks": 3}, cpu={}) == {L4: 3, CPU: 34, MEMORY: 116}
    assert of(gpu=None, hosted={"deepgram": {}}) == {CPU: 2, MEMORY: 4}


def info(*entries):
    return [{"quotaId": "other"}, {"quotaId": CPU, "dimensionsInfos": list(entries)}]


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        ([{"details": {"value": "5000"}}], 5),
        ([{"details": {"value": "5000"}}, {"dimensions": {"region": "europe-west4"}, "details": {"value": "7000"}}], 7),
        ([{"dimensions": {"region": "us-east4"}, "details": {"value": "7000"}}], None),
        ([{"applicableLocations": ["us-east4"], "details": {"value": "7000"}}], None),
        ([{"details": {"value": "-1"}}], 10),
        ([{"details": {}}], 0),
        ([], None),
    ],
)  # fmt: skip
def test_the_entry_of_the_region_counts(entries, found):
    assert granted(info(*entries), QUOTA, "europe-west4") == found
