"""Files and tables that are made from the code: `make generated` writes them anew, and a test fails where one is stale.

files.py            the list: each file, and what writes it
tables.py           rows of docs/settings.md and docs/monitoring.md, and the engines in docs/fallback.md
output_files.py     the formats in docs/outputs.md and README.md
request_schema.py   docs/request.schema.json
for_terraform.py    terraform/generated.json, log_metrics.json, and the subscriptions of alerts and dashboard
firestore.py        Firestore's indexes in Terraform, and the exemptions in docs/data-model.md
roles.py            who may do what, in docs/google-cloud.md; made from Terraform's inventory
"""
