"""Parts that every door of the serving program shares: access log, metrics and rate limits."""
