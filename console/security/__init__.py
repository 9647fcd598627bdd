"""Who has access to the console, and what browsers may do with its responses. Read in this order.

access.py    a token or a signed header, the names of the server, and where a change may come from
headers.py   what a browser may load, and that no other site frames the page
iap.py       the header that Identity-Aware Proxy signs, on Cloud Run
"""
