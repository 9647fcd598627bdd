# A webhook URL: two functions that may do nothing else, and one secret.

mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  project = "dropscribe-test"
  region  = "europe-west4"
  images = {
    functions = "r/functions@sha256:1111111111111111111111111111111111111111111111111111111111111111"
    gpu       = "r/gpu@sha256:2222222222222222222222222222222222222222222222222222222222222222"
  }
  webhook = { url = "https://example.com/hooks?token=1" }
}

run "told" {
  command = apply

  assert {
    condition = { for name in ["webhooks", "webhooks-budget"] : name => google_pubsub_subscription.this[name].topic } == {
      webhooks        = google_pubsub_topic.this["transcripts-ready"].id
      webhooks-budget = google_pubsub_topic.this["budget-alerts"].id
    }
    error_message = "Transcripts and budgets are told."
  }

  assert {
    condition = alltrue([for name in ["webhooks", "webhooks-budget"] : (
      length(google_pubsub_subscription.this[name].dead_letter_policy) == 0
      && google_pubsub_subscription.this[name].retry_policy[0].minimum_backoff == "10s"
      && google_pubsub_subscription.this[name].retry_policy[0].maximum_backoff == "600s"
      && google_pubsub_subscription.this[name].push_config[0].push_endpoint == google_cloud_run_v2_service.this[name].uri
    )])
    error_message = "Pub/Sub tries again as shared/topology.py says, until the function gives up."
  }

  assert {
    condition = alltrue([for name in ["webhooks", "webhooks-budget"] : alltrue([
      for one in google_cloud_run_v2_service.this[name].template[0].containers[0].env :
      one.name == "DROPSCRIBE_WEBHOOK_URL" ? one.value == "https://example.com/hooks?token=1" : (
        one.name == "DROPSCRIBE_WEBHOOK_SECRET" ? one.value_source[0].secret_key_ref[0].secret == "webhook-secret" : true
      )
    ])])
    error_message = "The functions know the address and the secret."
  }

  assert {
    condition = alltrue([for name, one in google_cloud_run_v2_service.this : contains(["webhooks", "webhooks-budget"], name) == anytrue([
      for env in one.template[0].containers[0].env : startswith(env.name, "DROPSCRIBE_WEBHOOK")
    ])])
    error_message = "No other function knows them."
  }

  assert {
    condition     = toset(keys(google_secret_manager_secret_iam_member.tellers)) == toset(["webhooks", "webhooks-budget"])
    error_message = "Both may read the secret."
  }

  assert {
    condition = alltrue(concat(
      [for key in keys(google_pubsub_topic_iam_member.processes) : !strcontains(key, "/webhooks")],
      [for key in keys(google_storage_bucket_iam_member.this) : !strcontains(key, "/webhooks")],
    ))
    error_message = "They publish nothing and touch no bucket."
  }
}

run "wrong" {
  command = plan

  variables {
    webhook = { url = "http://example.com/" }
  }

  expect_failures = [var.webhook]
}
