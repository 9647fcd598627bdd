# The page and its API: one service, which whoever is in `console_members` reaches through Identity-Aware Proxy. Without
# members there is none.

locals {
  console = local.runs && length(var.console_members) > 0

  # Both are known before the service is there, which is told them.
  console_host     = "dropscribe-console-${data.google_project.this.number}.${var.region}.run.app"
  console_audience = "/projects/${data.google_project.this.number}/locations/${var.region}/services/dropscribe-console"
}

resource "google_cloud_run_v2_service" "console" {
  count = local.console ? 1 : 0

  project             = var.project
  name                = "dropscribe-console"
  location            = var.region
  deletion_protection = false

  # From everywhere, and through the proxy only: it refuses unauthenticated requests itself, and signs what it lets through.
  ingress     = "INGRESS_TRAFFIC_ALL"
  iap_enabled = true

  dynamic "binary_authorization" {
    for_each = var.binary_authorization ? [true] : []

    content {
      use_default = true
    }
  }

  template {
    service_account       = google_service_account.process["console"].email
    execution_environment = "EXECUTION_ENVIRONMENT_GEN2"
    # A page listens to events as long as it is open: that is one request, which begins anew after the longest possible.
    timeout                          = "3600s"
    max_instance_request_concurrency = 250
    # Each instance tells its own events.
    session_affinity = true
    encryption_key   = var.kms_key

    scaling {
      min_instance_count = 0
      max_instance_count = 2
    }

    containers {
      image = var.images.console

      ports {
        container_port = 8080
      }

      # Files are memory here: the search index, renditions while they are made, what programs send to /v1.
      resources {
        limits            = { cpu = "1", memory = "2Gi" }
        cpu_idle          = true
        startup_cpu_boost = true
      }

      startup_probe {
        period_seconds    = 5
        timeout_seconds   = 4
        failure_threshold = 24

        http_get {
          path = "/health"
          port = 8080
        }
      }

      dynamic "env" {
        for_each = merge(local.environment, {
          DROPSCRIBE_RELEASE      = local.release[var.images.console]
          DROPSCRIBE_IAP_AUDIENCE = local.console_audience
          # Cloud Run leads a second address here, which is not known beforehand, and none of others.
          DROPSCRIBE_CONSOLE_NAMES = join(",", concat([local.console_host, ".a.run.app"], sort(var.console_names)))
          },
          # It weighs these, and calls none: it has no key.
          length(var.hosted) == 0 ? {} : { DROPSCRIBE_HOSTED_ELSEWHERE = join(",", keys(var.hosted)) },
        )

        content {
          name  = env.key
          value = env.value
        }
      }
    }
  }

  lifecycle {
    ignore_changes = [client, client_version]
  }

  depends_on = [
    google_project_iam_member.records,
    google_kms_crypto_key_iam_member.agents,
  ]
}

# --- who may open it ---

resource "google_iap_web_cloud_run_service_iam_member" "console" {
  for_each = local.console ? var.console_members : []

  project                = var.project
  location               = var.region
  cloud_run_service_name = google_cloud_run_v2_service.console[0].name
  role                   = "roles/iap.httpsResourceAccessor"
  member                 = each.value
}

# The proxy calls the service in the name of its own agent; nobody else may.
resource "google_cloud_run_v2_service_iam_member" "console" {
  count = local.console ? 1 : 0

  project  = var.project
  location = var.region
  name     = google_cloud_run_v2_service.console[0].name
  role     = "roles/run.invoker"
  member   = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-iap.iam.gserviceaccount.com"
}
