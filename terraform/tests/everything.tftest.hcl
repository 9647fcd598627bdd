# Everything there is, laid with made-up answers of the provider. What comes of it is written to inventory.json
# (`make terraform-inventory`): a change of this root shows there, and the tests in Python read it.

mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  project = "dropscribe-test"
  region  = "europe-west4"
  images = {
    functions = "europe-west4-docker.pkg.dev/dropscribe-test/dropscribe/functions@sha256:1111111111111111111111111111111111111111111111111111111111111111"
    gpu       = "europe-west4-docker.pkg.dev/dropscribe-test/dropscribe/gpu@sha256:2222222222222222222222222222222222222222222222222222222222222222"
    cpu       = "europe-west4-docker.pkg.dev/dropscribe-test/dropscribe/cpu@sha256:3333333333333333333333333333333333333333333333333333333333333333"
  }
  cpu    = {}
  hosted = { deepgram = {} }
  budget = { billing_account = "012345-6789AB-CDEF01", monthly = 50 }
}

# What a plan does not know yet is made up when it is applied: by this the inventory tells the two apart.
run "planned" {
  command = plan
}

run "everything" {
  command = apply

  assert {
    condition     = length(google_cloud_run_v2_service.this) == 6 && length(google_cloud_run_v2_job.this) == 3
    error_message = "There are six functions, two jobs, and one for the next release."
  }
}

run "foundation" {
  command = plan

  variables {
    images = null
  }

  assert {
    condition = alltrue([for count in [
      length(google_cloud_run_v2_service.this), length(google_cloud_run_v2_job.this), length(google_service_account.process),
      length(google_pubsub_subscription.this), length(google_storage_notification.uploads),
      length(google_cloud_scheduler_job.tick),
    ] : count == 0])
    error_message = "Without images nothing runs, listens or ticks."
  }

  assert {
    condition     = length(google_storage_bucket.this) == 3 && length(google_pubsub_topic.this) == 10
    error_message = "Buckets and topics are part of the foundation."
  }
}
