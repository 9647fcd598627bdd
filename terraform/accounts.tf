# One account for each function, each job and the console, named dropscribe-NAME. Their roles stand beside what they are on.

resource "google_service_account" "process" {
  for_each = toset(local.processes)

  project      = var.project
  account_id   = "dropscribe-${each.key}"
  display_name = "Dropscribe: ${each.key}"

  depends_on = [google_project_service.this]
}

# Who delivers: Pub/Sub's pushes and Cloud Scheduler's ticks are signed in its name.
resource "google_service_account" "push" {
  count = local.runs ? 1 : 0

  project      = var.project
  account_id   = "dropscribe-push"
  display_name = "Dropscribe: delivers messages and ticks"

  depends_on = [google_project_service.this]
}

# Hosted engines fetch audio from signed addresses; an account signs in its own name.
resource "google_service_account_iam_member" "signs" {
  for_each = local.runs ? var.hosted : {}

  service_account_id = google_service_account.process[each.key].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = google_service_account.process[each.key].member
}

# Cloud Run takes a change of a service, of its traffic too, only from who may act as its account.
resource "google_service_account_iam_member" "guard" {
  for_each = local.guarded

  service_account_id = google_service_account.process[each.key].name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.process["guard"].member
}
