# Three buckets: uploads, transcripts, and work (results of single chunks). Only the audio bucket has a notification, so
# nothing is triggered by what Dropscribe writes.

resource "google_storage_bucket" "this" {
  #checkov:skip=CKV_GCP_62:Audit logs of the project say who read what, also of other services
  #checkov:skip=CKV_GCP_78:Outputs and results are written once, and old generations would keep audio after its days
  for_each = local.buckets

  name                        = each.value
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = var.delete_data
  deletion_policy             = var.delete_data ? "DELETE" : "PREVENT"

  dynamic "encryption" {
    for_each = var.kms_key[*]

    content {
      default_kms_key_name = encryption.value
    }
  }

  # Results of chunks are written once and deleted by age: kept for seven days more, they would cost twice.
  dynamic "soft_delete_policy" {
    for_each = each.key == "work" ? [0] : []

    content {
      retention_duration_seconds = soft_delete_policy.value
    }
  }

  dynamic "lifecycle_rule" {
    for_each = { audio = var.audio_days[*], work = [7], transcripts = [] }[each.key]

    content {
      condition {
        age = lifecycle_rule.value
        # What is shown of a finished recording, and the index of its words, stay until it is deleted.
        matches_prefix = each.key == "work" ? ["chunks/", "transcripts/", "renditions/"] : null
      }
      action {
        type = "Delete"
      }
    }
  }

  lifecycle_rule {
    condition {
      age = 1
    }
    action {
      type = "AbortIncompleteMultipartUpload"
    }
  }

  # The page uploads past its server, and reads how much of a broken upload is there.
  dynamic "cors" {
    for_each = each.key == "audio" && local.console ? [true] : []

    content {
      origin          = [for host in concat([local.console_host], sort(var.console_names)) : "https://${host}"]
      method          = ["PUT"]
      response_header = ["Content-Type", "Content-Range", "Range"]
      max_age_seconds = 3600
    }
  }

  depends_on = [google_project_service.this, google_kms_crypto_key_iam_member.agents]
}

# --- uploads become messages. A notification and not Eventarc: of a message that fails too often a dead letter is kept. ---

data "google_storage_project_service_account" "this" {
  project = var.project

  depends_on = [google_project_service.this]
}

resource "google_pubsub_topic_iam_member" "storage" {
  project = var.project
  topic   = google_pubsub_topic.this["audio-finalized"].name
  role    = "roles/pubsub.publisher"
  member  = data.google_storage_project_service_account.this.member
}

resource "google_storage_notification" "uploads" {
  count = local.runs ? 1 : 0

  bucket         = google_storage_bucket.this["audio"].name
  topic          = google_pubsub_topic.this["audio-finalized"].id
  event_types    = ["OBJECT_FINALIZE"]
  payload_format = "JSON_API_V1"

  depends_on = [google_pubsub_topic_iam_member.storage, google_pubsub_subscription.this]
}

# --- who may read and write ---

locals {
  # What ends a recording with its files writes and deletes transcripts: the merger, `dead-letters` in its place, and the
  # sweeper, which takes back what a person cancelled. Who plans only looks which results are there.
  planners = [for name in ["router", "requests", "sweeper"] : name if local.runs]
  mergers  = [for name in ["merger", "dead-letters"] : name if local.runs]
  deleters = [for name in ["merger", "dead-letters", "sweeper"] : name if local.runs]
  hearers  = [for name in local.steps : name if !contains(concat(local.planners, local.mergers, local.apart), name)]

  consoles = local.console ? ["console"] : []

  bucket_roles = {
    # The sweeper and the console delete the audio of recordings whose audio was to be deleted too.
    audio = { for name in concat(local.planners, local.hearers, local.consoles) : name => [
      contains(["sweeper", "console"], name) ? "roles/storage.objectUser" : "roles/storage.objectViewer"
    ] }
    transcripts = { for name in concat(local.deleters, local.consoles) : name => ["roles/storage.objectUser"] }
    # Those that may delete transcripts delete what comes late about a deleted recording as well.
    work = merge(
      { for name in local.planners : name => ["roles/storage.objectViewer"] },
      { for name in local.hearers : name => ["roles/storage.objectViewer", "roles/storage.objectCreator"] },
      { for name in concat(local.deleters, local.consoles) : name => ["roles/storage.objectUser"] },
    )
  }

  bucket_grants = merge([
    for bucket, accounts in local.bucket_roles : merge([
      for name, roles in accounts : { for role in roles : "${bucket}/${name}/${role}" => { bucket = bucket, name = name, role = role } }
    ]...)
  ]...)

  source_grants = merge([
    for bucket in var.source_buckets : { for name in keys(local.bucket_roles.audio) : "${bucket}/${name}" => { bucket = bucket, name = name } }
  ]...)
}

resource "google_storage_bucket_iam_member" "this" {
  for_each = local.bucket_grants

  bucket = google_storage_bucket.this[each.value.bucket].name
  role   = each.value.role
  member = google_service_account.process[each.value.name].member
}

resource "google_storage_bucket_iam_member" "sources" {
  for_each = local.source_grants

  bucket = each.value.bucket
  role   = "roles/storage.objectViewer"
  member = google_service_account.process[each.value.name].member
}
