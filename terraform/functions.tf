# The functions: services of Cloud Run that nobody outside can call. Pub/Sub's pushes and the scheduler's ticks of the
# same project come from inside, with a signed token.

resource "google_cloud_run_v2_service" "this" {
  for_each = local.functions

  project             = var.project
  name                = "dropscribe-${each.key}"
  location            = var.region
  ingress             = "INGRESS_TRAFFIC_INTERNAL_ONLY"
  deletion_protection = false

  dynamic "binary_authorization" {
    for_each = var.binary_authorization ? [true] : []

    content {
      use_default = true
    }
  }

  template {
    service_account                  = google_service_account.process[each.key].email
    execution_environment            = "EXECUTION_ENVIRONMENT_GEN2"
    timeout                          = "${each.value.timeout}s"
    max_instance_request_concurrency = each.value.concurrency
    encryption_key                   = var.kms_key

    scaling {
      min_instance_count = 0
      max_instance_count = each.value.max_instances
    }

    containers {
      image = var.images.functions

      ports {
        container_port = 8080
      }

      resources {
        limits            = { cpu = "1", memory = each.value.memory }
        cpu_idle          = true
        startup_cpu_boost = true
      }

      # A request would be an event: GET is refused by most, and is a tick for sweeper and guard.
      startup_probe {
        period_seconds    = 5
        timeout_seconds   = 5
        failure_threshold = 24

        tcp_socket {
          port = 8080
        }
      }

      dynamic "env" {
        for_each = merge(local.environment, contains(local.tellers, each.key) ? { DROPSCRIBE_WEBHOOK_URL = var.webhook.url } : {}, {
          FUNCTION_SOURCE = "functions/${each.value.source}/main.py"
          FUNCTION_TARGET = each.value.target

          DROPSCRIBE_RELEASE = local.release[var.images.functions]
        })

        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = { for one in values(local.key_readers) : one.engine => local.hosted_keys[one.engine] if one.name == each.key }

        content {
          name = env.value

          value_source {
            secret_key_ref {
              secret  = google_secret_manager_secret.keys[env.key].secret_id
              version = "latest"
            }
          }
        }
      }

      dynamic "env" {
        for_each = contains(local.tellers, each.key) ? [google_secret_manager_secret.keys["webhook"]] : []

        content {
          name = "DROPSCRIBE_WEBHOOK_SECRET"

          value_source {
            secret_key_ref {
              secret  = env.value.secret_id
              version = "latest"
            }
          }
        }
      }
    }
  }

  # Which revision gets how much traffic is for `make rollout` to say.
  lifecycle {
    ignore_changes = [traffic, client, client_version]
  }

  depends_on = [
    google_project_iam_member.records,
    google_secret_manager_secret_iam_member.readers,
    google_secret_manager_secret_iam_member.tellers,
    google_kms_crypto_key_iam_member.agents,
  ]
}

resource "google_cloud_run_v2_service_iam_member" "push" {
  for_each = local.functions

  project  = var.project
  location = var.region
  name     = google_cloud_run_v2_service.this[each.key].name
  role     = "roles/run.invoker"
  member   = google_service_account.push[0].member
}

# The guard of a rollout moves the traffic of all others; in accounts.tf is what Cloud Run asks for besides.
resource "google_cloud_run_v2_service_iam_member" "guard" {
  for_each = local.guarded

  project  = var.project
  location = var.region
  name     = google_cloud_run_v2_service.this[each.key].name
  role     = "roles/run.developer"
  member   = google_service_account.process["guard"].member
}
