from __future__ import annotations

from dataclasses import replace

from deployment import apis, preflight
from deployment.target import ROOT
from tests.deployment.google import TARGET


def test_a_new_project_with_its_services_off_is_told_and_prepared(google):
    google.off, google.disabled = {"run", "cloudquotas", "firestore"}, {"cloudquotas"}
    told = preflight.check(TARGET, google.api())
    assert [one.blocks for one in told] == [False, False]
    assert "cloudquotas, run, firestore" in told[0].what
    assert told[1].what == "Quotas could not be looked at: the service that knows is not enabled."
    assert apis.prepare(TARGET, google.api())
    assert google.off == set()
    assert google.agents == {"pubsub.googleapis.com"}
    assert preflight.check(TARGET, google.api()) == []
    assert not apis.prepare(TARGET, google.api())


def test_with_a_key_of_its_own_there_are_the_agents_that_use_it(google):
    apis.prepare(replace(TARGET, variables={"kms_key": "k"}), google.api())
    text = (ROOT / "terraform" / "encryption.tf").read_text("utf-8")
    assert len(google.agents) == 5
    assert all(
        f"gcp-sa-{one}." in text for one in ("pubsub", "artifactregistry", "firestore", "secretmanager")
    )


def test_where_there_is_a_page_its_proxy_is_enabled_and_has_its_agent(google):
    target = replace(TARGET, variables={"console_members": ["domain:example.com"]})
    google.off = {"iap"}
    [lack] = preflight.check(target, google.api())
    assert "iap" in lack.what
    assert not lack.blocks
    assert apis.prepare(target, google.api())
    assert google.off == set()
    assert google.agents == {"pubsub.googleapis.com", "iap.googleapis.com"}
    google.denied.add("iap.web.setIamPolicy")
    [lack] = preflight.check(target, google.api())
    assert "--role=roles/iap.admin" in lack.cure
    assert preflight.check(TARGET, google.api()) == []
