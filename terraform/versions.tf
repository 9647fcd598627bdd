# The state is in a bucket that this root does not make: `terraform init -backend-config=bucket=…`.

terraform {
  # 1.9 lets a variable's check look at other variables; 1.11 is what the tests run.
  required_version = ">= 1.9"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 8.7"
    }
  }

  backend "gcs" {
    prefix = "dropscribe"
  }
}

provider "google" {
  project = var.project
  region  = var.region

  # Budgets belong to a billing account: with a person's credentials their calls must name a project that pays for them.
  billing_project       = var.project
  user_project_override = true

  default_labels = merge(var.labels, { app = "dropscribe" })
}

data "google_project" "this" {
  project_id = var.project

  depends_on = [google_project_service.this]
}
