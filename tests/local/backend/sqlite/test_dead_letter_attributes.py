"""What a message that failed too often carries."""

from __future__ import annotations

from local.backend.sqlite.dead_letter_attributes import dead_letter_attributes


def test_it_carries_its_own_attributes_and_where_how_often_and_why_it_failed():
    found = dead_letter_attributes({"recording": "r"}, "merger", 15, 1_700_000_000.25, "KeyError: 'x'")
    assert found == {
        "recording": "r",
        "CloudPubSubDeadLetterSourceSubscription": "merger",
        "CloudPubSubDeadLetterSourceSubscriptionProject": "local",
        "CloudPubSubDeadLetterSourceDeliveryCount": "15",
        "CloudPubSubDeadLetterSourceTopicPublishTime": "2023-11-14T22:13:20.250000Z",
        "dropscribe-error": "KeyError: 'x'",
    }


def test_without_an_error_there_is_none():
    assert "dropscribe-error" not in dead_letter_attributes({}, "merger", 1, 0.0, "")
