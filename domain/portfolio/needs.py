"""Needs of rules about the portfolio of a tenant."""

from __future__ import annotations

from domain.kernel.needs import Reference, Sum

PORTFOLIO = "portfolio"

PRUDENTIAL_DATA = Reference("prudential_data")
"""What the tenant says of its balance sheet, its groups and related parties."""


def portfolio_in(currency: str) -> Sum:
    """The tenant's portfolio in a currency."""
    return Sum(PORTFOLIO, currency)
