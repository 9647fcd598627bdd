"""What providers say that a deployment cost, to compare with the ledger (`dropscribe cost reconcile`).

Read deepgram_bill.py first, then google_bill.py.

deepgram_bill.py    Deepgram's usage and billing by tag
google_bill.py      Google's billing export in BigQuery
"""
