# Every wrong value is refused in one sentence, before anything is changed.

variable "project" {
  description = "Id of the project."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project is ${var.project}: it must be the id of a project, 6 to 30 small letters, digits and hyphens."
  }
}

variable "region" {
  description = "Region of everything; with a GPU job one where Cloud Run has L4s."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region is ${var.region}: it must be a region of Cloud Run, such as europe-west4."
  }

  validation {
    condition     = var.gpu == null || contains(local.l4_regions, var.region) || contains(var.invited_regions, var.region)
    error_message = "region is ${var.region}: Cloud Run has L4s in ${join(", ", local.l4_regions)} only; choose one of them, set gpu = null, or name it in invited_regions if Google has let the project in."
  }
}

variable "invited_regions" {
  description = "Regions in which Google has let this project use L4s, although not everybody may: asia-south1."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for one in var.invited_regions : can(regex("^[a-z]+-[a-z]+[0-9]+$", one))])
    error_message = "invited_regions has ${join(", ", var.invited_regions)}: each must be a region, such as asia-south1."
  }
}

variable "images" {
  description = "Digests of the images that run; null creates the foundation only: APIs, registry, buckets, database, secrets, topics."
  type = object({
    functions  = string
    gpu        = optional(string)
    gpu_canary = optional(string)
    cpu        = optional(string)
    console    = optional(string)
  })
  default = null

  validation {
    condition = alltrue([
      for one in values(coalesce(var.images, { functions = null, gpu = null, gpu_canary = null, cpu = null, console = null })) :
      one == null || can(regex("^[^@\\s]+@sha256:[0-9a-f]{64}$", one))
    ])
    error_message = "images must name digests (…/functions@sha256:…), never tags: a tag may point to another image tomorrow."
  }

  validation {
    condition     = var.images == null || var.gpu == null || try(var.images.gpu, null) != null
    error_message = "images.gpu is missing: the GPU job needs an image; build it, or set gpu = null."
  }

  validation {
    condition     = var.images == null || var.cpu == null || try(var.images.cpu, null) != null
    error_message = "images.cpu is missing: the CPU job needs an image; build it, or set cpu = null."
  }

  validation {
    condition     = var.images == null || length(var.console_members) == 0 || try(var.images.console, null) != null
    error_message = "images.console is missing: the page needs an image; build it, or leave console_members empty."
  }
}

variable "gpu" {
  description = "The job of the workers with a GPU; null: there is none. Two tasks of 16 GiB fit the CPU and memory quotas of a new project; L4 quota often has to be requested."
  type = object({
    vcpus           = optional(number, 4)
    memory_gib      = optional(number, 16)
    max_tasks       = optional(number, 2)
    timeout_minutes = optional(number, 60)
  })
  default = {}

  validation {
    condition = var.gpu == null || contains(["4/16", "8/32"], try("${var.gpu.vcpus}/${var.gpu.memory_gib}", ""))
    error_message = join("", [
      "gpu has ${try(var.gpu.vcpus, 0)} vCPUs and ${try(var.gpu.memory_gib, 0)} GiB: ",
      "a task with an L4 must have 4 vCPUs and 16 GiB, or 8 vCPUs and 32 GiB.",
    ])
  }

  validation {
    condition     = var.gpu == null || try(contains(range(1, 101), var.gpu.max_tasks), false)
    error_message = "gpu.max_tasks is ${try(var.gpu.max_tasks, 0)}: it must be a whole number from 1 to 100."
  }

  validation {
    condition     = var.gpu == null || try(contains(range(10, 61), var.gpu.timeout_minutes), false)
    error_message = "gpu.timeout_minutes is ${try(var.gpu.timeout_minutes, 0)}: a task with a GPU may last from 10 to 60 whole minutes."
  }
}

variable "cpu" {
  description = "The job of the workers without a GPU; null: there is none."
  type = object({
    vcpus           = optional(number, 4)
    memory_gib      = optional(number, 8)
    max_tasks       = optional(number, 2)
    timeout_minutes = optional(number, 360)
  })
  default = null

  validation {
    condition = var.cpu == null || try(
      contains([4, 8], var.cpu.vcpus) && contains(range(8, 4 * var.cpu.vcpus + 1), var.cpu.memory_gib), false
    )
    error_message = join("", [
      "cpu has ${try(var.cpu.vcpus, 0)} vCPUs and ${try(var.cpu.memory_gib, 0)} GiB: ",
      "a task must have 4 vCPUs and from 8 to 16 whole GiB, or 8 vCPUs and from 8 to 32.",
    ])
  }

  validation {
    condition     = var.cpu == null || try(contains(range(1, 101), var.cpu.max_tasks), false)
    error_message = "cpu.max_tasks is ${try(var.cpu.max_tasks, 0)}: it must be a whole number from 1 to 100."
  }

  validation {
    condition = var.cpu == null || try(
      var.cpu.timeout_minutes >= 10 && var.cpu.timeout_minutes <= 1440 && floor(var.cpu.timeout_minutes) == var.cpu.timeout_minutes, false
    )
    error_message = "cpu.timeout_minutes is ${try(var.cpu.timeout_minutes, 0)}: it must be a whole number from 10 to 1440."
  }
}

variable "hosted" {
  description = "Hosted engines to use, by their names; each needs a version of its secret before its function can start."
  type = map(object({
    max_instances = optional(number, 10)
  }))
  default = {}

  validation {
    condition     = alltrue([for name in keys(var.hosted) : contains(keys(local.hosted_keys), name)])
    error_message = "hosted names ${join(", ", keys(var.hosted))}: Dropscribe knows ${join(", ", keys(local.hosted_keys))}."
  }

  validation {
    condition     = alltrue([for one in values(var.hosted) : contains(range(1, 101), one.max_instances)])
    error_message = "hosted.….max_instances must be a whole number from 1 to 100."
  }

  validation {
    condition     = var.gpu != null || var.cpu != null || length(var.hosted) > 0
    error_message = "Nothing would transcribe: leave gpu or cpu set, or name an engine in hosted."
  }
}

variable "webhook" {
  description = "Address that is notified of transcripts and budgets (docs/webhooks.md); null: no webhooks. The secret webhook-secret needs a version before its functions can start."
  type        = object({ url = string })
  default     = null

  validation {
    condition     = var.webhook == null || can(regex("^https://[^@#\\s/]+(/[^#\\s]*)?$", var.webhook.url))
    error_message = "webhook.url must be an https:// address without a user name."
  }
}

variable "console_members" {
  description = "Who may open the page, and use its API: user:…, group:…, domain:… or serviceAccount:…; empty: there is no page."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for one in var.console_members : can(regex("^(user|group|serviceAccount):[^@\\s]+@[^@\\s]+$|^domain:[^@\\s]+\\.[^@\\s]+$", one))])
    error_message = "console_members has ${join(", ", var.console_members)}: each must be user:, group: or serviceAccount: with a mail address, or domain: with a domain. The page is never for everybody."
  }
}

variable "console_names" {
  description = "More names under which browsers reach the page, such as that of a load balancer: dropscribe.example.com."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for one in var.console_names : can(regex("^[a-z0-9-]+(\\.[a-z0-9-]+)+$", one))])
    error_message = "console_names has ${join(", ", var.console_names)}: each must be the name of a host, without https://."
  }
}

variable "model" {
  description = "Weights that the router names and the workers' images hold (PARAKEET_MODEL_NAME)."
  type        = string
  default     = "nvidia/parakeet-tdt-0.6b-v3"

  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$", var.model))
    error_message = "model is ${var.model}: it must be a name such as nvidia/parakeet-tdt-0.6b-v3, the one that the images were built with."
  }
}

variable "settings" {
  description = "More settings for every process, by their variables (docs/settings.md): {TRANSCRIPTION_METHOD = \"hybrid\"}."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.settings) : contains(local.setting_names, name)])
    error_message = "settings has ${join(", ", setsubtract(keys(var.settings), local.setting_names))}: it is no setting of docs/settings.md that may be set here; check the spelling, or look for a variable of its own."
  }
}

variable "buckets" {
  description = "Names of the buckets; null: PROJECT-audio, PROJECT-transcripts, PROJECT-work."
  type = object({
    audio       = optional(string)
    transcripts = optional(string)
    work        = optional(string)
  })
  default = {}

  validation {
    condition = length(distinct([
      for name, one in var.buckets : coalesce(one, "${var.project}-${name}")
    ])) == 3
    error_message = "buckets names one bucket twice: audio, transcripts and work must be three, or every transcript would trigger the router."
  }

  validation {
    condition     = alltrue([for one in values(var.buckets) : one == null || can(regex(local.bucket_name, one))])
    error_message = "buckets must be names without gs://: 3 to 63 small letters, digits, dots, hyphens and underscores."
  }
}

variable "source_buckets" {
  description = "Buckets beside the audio bucket whose objects requests may name (DROPSCRIBE_REQUEST_BUCKETS, docs/requests.md); the processes may read them."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for one in var.source_buckets : can(regex(local.bucket_name, one))])
    error_message = "source_buckets has ${join(", ", var.source_buckets)}: each must be the name of a bucket without gs://."
  }
}

variable "audio_days" {
  description = "Days until uploaded audio is deleted; null: never."
  type        = number
  default     = 30

  validation {
    condition     = var.audio_days == null || try(var.audio_days >= 1 && var.audio_days <= 36500 && floor(var.audio_days) == var.audio_days, false)
    error_message = "audio_days is ${coalesce(var.audio_days, 0)}: it must be a whole number from 1 to 36500, or null for never."
  }
}

variable "database" {
  description = "The Firestore database: its name, and days that a daily backup is kept."
  type = object({
    name        = optional(string, "(default)")
    backup_days = optional(number, 7)
  })
  default = {}

  validation {
    condition     = var.database.name == "(default)" || can(regex("^[a-z][a-z0-9-]{2,61}[a-z0-9]$", var.database.name))
    error_message = "database.name is ${var.database.name}: it must be (default), or 4 to 63 small letters, digits and hyphens."
  }

  validation {
    condition     = contains(range(1, 99), var.database.backup_days)
    error_message = "database.backup_days is ${var.database.backup_days}: Firestore keeps backups from 1 to 98 whole days."
  }
}

variable "budget" {
  description = "Mails the billing account's administrators at 50, 90 and 100 % of an amount a month; null: no budget. It stops nothing: DROPSCRIBE_BUDGET_MONTHLY_USD does."
  type = object({
    billing_account = string
    monthly         = number
    currency        = optional(string, "USD")
  })
  default = null

  validation {
    condition     = var.budget == null || can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.budget.billing_account))
    error_message = "budget.billing_account is ${try(var.budget.billing_account, "")}: it must be the id of a billing account, such as 012345-6789AB-CDEF01."
  }

  validation {
    condition     = var.budget == null || try(var.budget.monthly >= 1 && floor(var.budget.monthly) == var.budget.monthly, false)
    error_message = "budget.monthly is ${try(var.budget.monthly, 0)}: it must be a whole amount, 1 or more."
  }
}

variable "alerts" {
  description = "Who is notified of alerts: email addresses, and notification channels that exist already (projects/…/notificationChannels/…). With neither, alerts are shown in the Google Cloud console only. `runbook` is the URL of docs/runbook.md in your copy."
  type = object({
    emails   = optional(set(string), [])
    channels = optional(set(string), [])
    runbook  = optional(string)
  })
  default = {}

  validation {
    condition     = alltrue([for one in var.alerts.emails : can(regex("^[^@\\s]+@[^@\\s]+$", one))])
    error_message = "alerts.emails has ${join(", ", var.alerts.emails)}: each must be a mail address."
  }

  validation {
    condition     = alltrue([for one in var.alerts.channels : can(regex("^projects/[^/]+/notificationChannels/[0-9]+$", one))])
    error_message = "alerts.channels has ${join(", ", var.alerts.channels)}: each must be projects/…/notificationChannels/…, as `gcloud beta monitoring channels list` shows it."
  }

  validation {
    condition     = var.alerts.runbook == null || can(regex("^https://[^#]+$", var.alerts.runbook))
    error_message = "alerts.runbook is ${coalesce(var.alerts.runbook, "null")}: it must be an https:// address without a #, such as that of docs/runbook.md in your repository."
  }
}

variable "kms_key" {
  description = "Customer-managed key for all data at rest, in the same region; null: Google's keys."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key == null || can(regex("^projects/[^/]+/locations/${var.region}/keyRings/[^/]+/cryptoKeys/[^/]+$", var.kms_key))
    error_message = "kms_key is ${coalesce(var.kms_key, "null")}: it must be projects/…/locations/${var.region}/keyRings/…/cryptoKeys/…, a key in the region of the data."
  }
}

variable "binary_authorization" {
  description = "Whether Cloud Run starts only images that the project's Binary Authorization policy admits."
  type        = bool
  default     = false
}

variable "delete_data" {
  description = "Lets `terraform destroy` delete buckets with their content, records and keys; apply it first."
  type        = bool
  default     = false
}

variable "labels" {
  description = "Labels of every resource that can have some."
  type        = map(string)
  default     = {}
}
