"""Provision (减值准备计提): what the allowance of a tenant has to hold, month end by month end, in one currency.

    (nothing) ─recognised(31 March)─▶ recognised(30 April) ─▶ …      forward only, each month end at most once

One stream for each tenant and currency. The classes come from a read model; the amounts are computed again from the
exposures by the version of `provisioning` that is named, and refused when they differ. Between month ends
the allowance only shrinks, by what leases write off.
"""
