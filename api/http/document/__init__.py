"""Parts of the OpenAPI document: what several operations share, and what the ledger's entries hold."""
