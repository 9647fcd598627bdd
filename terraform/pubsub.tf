# Topics and subscriptions, as shared/topology.py has them: `make generated` writes them into generated.json.

locals {
  topics = local.generated.topics

  # Seconds of back-off, and deliveries until a message is a dead letter; null: it comes for ever.
  # `pull`: by a worker, whatever functions there are. The others are pushed to the function of their name; without one
  # they keep their messages for it. `webhook`: only if there is a webhook URL, because nobody else reads them.
  subscriptions = { for name, one in local.generated.subscriptions : name => one if !one.webhook || var.webhook != null }
}

resource "google_pubsub_topic" "this" {
  for_each = toset(local.topics)

  project      = var.project
  name         = each.key
  kms_key_name = var.kms_key

  message_storage_policy {
    allowed_persistence_regions = [var.region]
  }

  depends_on = [google_project_service.this, google_kms_crypto_key_iam_member.agents]
}

resource "google_pubsub_subscription" "this" {
  for_each = local.runs ? local.subscriptions : {}

  project = var.project
  name    = each.key
  topic   = google_pubsub_topic.this[each.value.topic].id

  # A pull sets its leases itself; a function may take ten minutes, the most possible.
  ack_deadline_seconds       = contains(keys(local.functions), each.key) ? 600 : 10
  message_retention_duration = "604800s"

  # It never expires: by default Pub/Sub deletes one that was not used for 31 days.
  expiration_policy {
    ttl = ""
  }

  retry_policy {
    minimum_backoff = "${each.value.backoff[0]}s"
    maximum_backoff = "${each.value.backoff[1]}s"
  }

  dynamic "dead_letter_policy" {
    for_each = each.value.attempts[*]

    content {
      dead_letter_topic     = google_pubsub_topic.this["dead-letters"].id
      max_delivery_attempts = dead_letter_policy.value
    }
  }

  dynamic "push_config" {
    for_each = contains(keys(local.functions), each.key) ? [google_cloud_run_v2_service.this[each.key].uri] : []

    content {
      push_endpoint = push_config.value

      oidc_token {
        service_account_email = google_service_account.push[0].email
        audience              = push_config.value
      }
    }
  }
}

# --- dead letters: Pub/Sub's own agent takes a message from its subscription and publishes it, or nothing is ever one ---

locals {
  pubsub_agent = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

resource "google_pubsub_topic_iam_member" "dead_letters" {
  project = var.project
  topic   = google_pubsub_topic.this["dead-letters"].name
  role    = "roles/pubsub.publisher"
  member  = local.pubsub_agent
}

resource "google_pubsub_subscription_iam_member" "dead_letters" {
  for_each = { for name, one in local.subscriptions : name => one if local.runs && one.attempts != null }

  project      = var.project
  subscription = google_pubsub_subscription.this[each.key].name
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent
}

# --- who publishes, who pulls ---

locals {
  chunk_topics = [for one in local.topics : one if startswith(one, "chunks-") && one != "chunks-done"]

  # Every step may find that chunks must be published (again), that a recording is complete, or that it has failed.
  publishes = merge(concat([
    for name in setsubtract(local.steps, local.apart) : {
      for topic in concat(
        local.chunk_topics, ["chunks-done", "transcripts-ready"], name == "sweeper" ? ["budget-alerts"] : [],
      ) : "${topic}/${name}" => { topic = topic, name = name }
    }
    ], [
    # It asks for transcripts, and publishes dead letters again where they came from.
    { for topic in setsubtract(local.topics, ["dead-letters"]) : "${topic}/console" => { topic = topic, name = "console" } if local.console }
  ])...)

  # Where there is no job for them, the workers with a GPU take the CPU's chunks too.
  pulls = {
    for name in [for name, one in local.subscriptions : name if one.pull] : name => (
      contains(keys(local.jobs), replace(name, "-worker", "")) ? replace(name, "-worker", "") : "gpu"
    )
    if local.runs && var.gpu != null || contains(keys(local.jobs), replace(name, "-worker", ""))
  }
}

resource "google_pubsub_topic_iam_member" "processes" {
  for_each = local.publishes

  project = var.project
  topic   = google_pubsub_topic.this[each.value.topic].name
  role    = "roles/pubsub.publisher"
  member  = google_service_account.process[each.value.name].member
}

resource "google_pubsub_subscription_iam_member" "workers" {
  for_each = local.pulls

  project      = var.project
  subscription = google_pubsub_subscription.this[each.key].name
  role         = "roles/pubsub.subscriber"
  member       = google_service_account.process[each.value].member
}

# When a release goes back, the guard publishes what waits for its workers to those of all others.

resource "google_pubsub_topic_iam_member" "guard" {
  count = local.runs && var.gpu != null ? 1 : 0

  project = var.project
  topic   = google_pubsub_topic.this["chunks-gpu"].name
  role    = "roles/pubsub.publisher"
  member  = google_service_account.process["guard"].member
}

resource "google_pubsub_subscription_iam_member" "guard" {
  count = local.runs && var.gpu != null ? 1 : 0

  project      = var.project
  subscription = google_pubsub_subscription.this["gpu-worker-canary"].name
  role         = "roles/pubsub.subscriber"
  member       = google_service_account.process["guard"].member
}
