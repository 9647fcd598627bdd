# A deployment without a GPU: the one that the end-to-end test runs on emulators, from processors.json.

mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  project = "dropscribe-test"
  region  = "europe-west4"
  images = {
    functions = "europe-west4-docker.pkg.dev/dropscribe-test/dropscribe/functions@sha256:1111111111111111111111111111111111111111111111111111111111111111"
    cpu       = "europe-west4-docker.pkg.dev/dropscribe-test/dropscribe/cpu@sha256:3333333333333333333333333333333333333333333333333333333333333333"
    console   = "europe-west4-docker.pkg.dev/dropscribe-test/dropscribe/console@sha256:4444444444444444444444444444444444444444444444444444444444444444"
  }
  gpu            = null
  cpu            = {}
  hosted         = { for name, key in jsondecode(file("./generated.json")).hosted_keys : name => {} }
  source_buckets = ["elsewhere"]

  console_members = ["group:editors@example.com"]
}

run "planned" {
  command = plan
}

run "processors" {
  command = apply

  assert {
    condition     = keys(google_cloud_run_v2_job.this) == ["cpu"] && local.pulls == { cpu-worker = "cpu" }
    error_message = "Without a GPU there is one job, which takes what is for it."
  }
}
