"""Commands by business context, under the names of the domain; what is of the whole ledger has folders of its own."""
