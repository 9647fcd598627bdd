# The clock of the sweeper.

resource "google_cloud_scheduler_job" "tick" {
  count = local.runs ? 1 : 0

  project          = var.project
  region           = var.region
  name             = "dropscribe-tick"
  description      = "Looks after capacity, stuck recordings and lost events"
  schedule         = "* * * * *"
  time_zone        = "Etc/UTC"
  attempt_deadline = "1800s"

  # The next minute tries again.
  retry_config {
    retry_count = 0
  }

  http_target {
    http_method = "POST"
    uri         = google_cloud_run_v2_service.this["sweeper"].uri

    oidc_token {
      service_account_email = google_service_account.push[0].email
      audience              = google_cloud_run_v2_service.this["sweeper"].uri
    }
  }

  depends_on = [google_cloud_run_v2_service_iam_member.push]
}
