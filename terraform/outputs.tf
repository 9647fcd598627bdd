# What the commands and the next person need. README.md describes each.

output "project" {
  description = "Id of the project."
  value       = var.project
}

output "region" {
  description = "Region of everything."
  value       = var.region
}

output "buckets" {
  description = "Names of the buckets: audio, transcripts, work."
  value       = local.buckets
}

output "database" {
  description = "Name of the Firestore database."
  value       = google_firestore_database.this.name
}

output "registry" {
  description = "Where the images are pushed, without the name of one."
  value       = "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.images.repository_id}"
}

output "build" {
  description = "The account that builds images, and the bucket for their sources."
  value = {
    account = google_service_account.build.name
    bucket  = google_storage_bucket.sources.name
  }
}

output "secrets" {
  description = "The secret of each hosted engine's key, by the engine."
  value       = { for name in keys(var.hosted) : name => google_secret_manager_secret.keys[name].secret_id }
}

output "services" {
  description = "The functions: name and address of each service, and the subscription that feeds it (null: the scheduler)."
  value = { for name, one in google_cloud_run_v2_service.this : name => {
    name         = one.name
    uri          = one.uri
    subscription = contains(keys(local.subscriptions), name) ? name : null
  } }
}

output "console" {
  description = "Address of the page; null: there is none."
  value       = local.console ? "https://${local.console_host}" : null

  depends_on = [google_cloud_run_v2_service.console]
}

output "jobs" {
  description = "The jobs of the workers: name, and what the tasks that may run at one time take of the quotas."
  value = { for name, one in local.jobs : name => {
    name      = google_cloud_run_v2_job.this[name].name
    max_tasks = one.max_tasks
    # The canary's tasks take the place of others.
    gpus       = name == "gpu" ? one.max_tasks : 0
    vcpus      = one.lane == "" ? one.max_tasks * one.vcpus : 0
    memory_gib = one.lane == "" ? one.max_tasks * one.memory_gib : 0
  } }
}

output "accounts" {
  description = "Mail address of each process's account."
  value       = { for name, one in google_service_account.process : name => one.email }
}

output "environment" {
  description = "Settings of the deployment, with which `dropscribe status` and the other commands find it."
  value       = local.environment
}
