# Calls the sweeper, and the guard of a rollout, every minute.

locals {
  clocks = {
    sweeper = { name = "dropscribe-tick", does = "Looks after capacity, stuck recordings and lost events" }
    guard   = { name = "dropscribe-guard", does = "Looks after a rollout that is under way" }
  }
}

resource "google_cloud_scheduler_job" "tick" {
  for_each = { for name, one in local.clocks : name => one if local.runs }

  project          = var.project
  region           = var.region
  name             = each.value.name
  description      = each.value.does
  schedule         = "* * * * *"
  time_zone        = "Etc/UTC"
  attempt_deadline = "${local.functions[each.key].timeout}s"

  # The next minute tries again.
  retry_config {
    retry_count = 0
  }

  http_target {
    http_method = "POST"
    uri         = google_cloud_run_v2_service.this[each.key].uri

    oidc_token {
      service_account_email = google_service_account.push[0].email
      audience              = google_cloud_run_v2_service.this[each.key].uri
    }
  }

  depends_on = [google_cloud_run_v2_service_iam_member.push]
}

moved {
  from = google_cloud_scheduler_job.tick[0]
  to   = google_cloud_scheduler_job.tick["sweeper"]
}
