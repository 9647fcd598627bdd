# What is measured, shown and told. The three JSON files are data, so that tests can read them: log_metrics.json is made
# from the table in shared/telemetry/metrics.py, and alerts.json is run on made-up data (tests/monitoring/).

locals {
  log_metrics = jsondecode(file("${path.module}/log_metrics.json"))
  alerts      = jsondecode(file("${path.module}/alerts.json"))
}

# Part of the foundation: an alert on a metric that is some seconds old is refused.
resource "google_logging_metric" "this" {
  for_each = local.log_metrics

  project         = var.project
  name            = each.key
  description     = each.value.description
  filter          = "resource.type=(\"cloud_run_revision\" OR \"cloud_run_job\") AND jsonPayload.metric=\"${each.key}\""
  value_extractor = each.value.distribution ? "EXTRACT(jsonPayload.value)" : null

  label_extractors = { for label in each.value.labels : label => "EXTRACT(jsonPayload.labels.${label})" }

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = each.value.distribution ? "DISTRIBUTION" : "INT64"
    unit        = "1"

    dynamic "labels" {
      for_each = each.value.labels

      content {
        key        = labels.value
        value_type = "STRING"
      }
    }
  }

  dynamic "bucket_options" {
    for_each = each.value.distribution ? [each.value.bounds] : []

    content {
      explicit_buckets {
        bounds = bucket_options.value
      }
    }
  }

  depends_on = [google_project_service.this]
}

resource "google_monitoring_dashboard" "this" {
  count = local.runs ? 1 : 0

  project        = var.project
  dashboard_json = file("${path.module}/dashboard.json")

  depends_on = [google_logging_metric.this]
}

resource "google_monitoring_notification_channel" "email" {
  for_each = var.alerts.emails

  project      = var.project
  display_name = "Dropscribe: ${each.key}"
  type         = "email"
  labels       = { email_address = each.key }

  depends_on = [google_project_service.this]
}

resource "google_monitoring_alert_policy" "this" {
  for_each = { for key, one in local.alerts : key => one if local.runs }

  project      = var.project
  display_name = "Dropscribe: ${each.value.title}"
  combiner     = each.value.combiner
  severity     = each.value.severity
  user_labels  = merge(var.labels, { dropscribe = each.key })

  notification_channels = concat(
    [for one in google_monitoring_notification_channel.email : one.name], tolist(var.alerts.channels)
  )

  dynamic "conditions" {
    for_each = each.value.conditions

    content {
      display_name = conditions.value.title

      dynamic "condition_threshold" {
        for_each = contains(keys(conditions.value), "absent") ? [] : [conditions.value]

        content {
          filter          = condition_threshold.value.filter
          comparison      = condition_threshold.value.comparison
          threshold_value = condition_threshold.value.threshold
          duration        = "${condition_threshold.value.duration}s"

          aggregations {
            alignment_period     = "${condition_threshold.value.period}s"
            per_series_aligner   = condition_threshold.value.aligner
            cross_series_reducer = condition_threshold.value.reducer
            group_by_fields      = condition_threshold.value.group_by
          }

          denominator_filter = try(condition_threshold.value.denominator, null)

          dynamic "denominator_aggregations" {
            for_each = contains(keys(condition_threshold.value), "denominator") ? [condition_threshold.value] : []

            content {
              alignment_period     = "${denominator_aggregations.value.period}s"
              per_series_aligner   = denominator_aggregations.value.aligner
              cross_series_reducer = denominator_aggregations.value.reducer
              group_by_fields      = denominator_aggregations.value.group_by
            }
          }
        }
      }

      dynamic "condition_absent" {
        for_each = contains(keys(conditions.value), "absent") ? [conditions.value] : []

        content {
          filter   = condition_absent.value.filter
          duration = "${condition_absent.value.absent}s"

          aggregations {
            alignment_period     = "${condition_absent.value.period}s"
            per_series_aligner   = condition_absent.value.aligner
            cross_series_reducer = condition_absent.value.reducer
            group_by_fields      = condition_absent.value.group_by
          }
        }
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    subject   = "Dropscribe in ${var.project}: ${each.value.title}"
    content   = "What this means and what to do: the section \"${each.value.title}\" of docs/runbook.md."

    dynamic "links" {
      for_each = var.alerts.runbook[*]

      content {
        display_name = "Runbook"
        url          = "${links.value}#${each.value.runbook}"
      }
    }
  }

  alert_strategy {
    auto_close = "86400s"
  }

  depends_on = [google_logging_metric.this]
}

# --- who may send ---

resource "google_project_iam_member" "traces" {
  for_each = toset(local.processes)

  project = var.project
  role    = "roles/telemetry.tracesWriter"
  member  = google_service_account.process[each.key].member
}

resource "google_project_iam_member" "metrics" {
  for_each = local.jobs

  project = var.project
  role    = "roles/telemetry.metricsWriter"
  member  = google_service_account.process[each.key].member
}

# The guard of a rollout reads how many answers and health checks failed.
resource "google_project_iam_member" "figures" {
  count = local.runs ? 1 : 0

  project = var.project
  role    = "roles/monitoring.viewer"
  member  = google_service_account.process["guard"].member
}
