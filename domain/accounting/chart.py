"""The chart of accounts (会计科目) as data: code, name in both languages, kind. Codes are our own."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from domain.pricing.schedules import Component


class AccountKind(StrEnum):
    """On which side an account grows: assets and expenses in debit, the others in credit."""

    ASSET = "asset"
    LIABILITY = "liability"
    INCOME = "income"
    EXPENSE = "expense"


class LedgerAccount(Struct, frozen=True):
    """One account."""

    code: str
    en: str
    zh: str
    kind: AccountKind


CASH = "1002"
RECEIVABLE_PRINCIPAL = "112201"
RECEIVABLE_INTEREST = "112202"
RECEIVABLE_FEE = "112203"
RECEIVABLE_LATE_FEE = "112204"
ACCRUED_INTEREST = "1132"
ALLOWANCE = "1231"
NET_INVESTMENT = "1541"
SUPPLIERS = "2202"
LESSEE_CREDIT = "2203"
DEPOSITS = "2241"
INVESTORS = "2242"
DISPOSAL_COSTS = "2243"
DOWN_PAYMENTS = "2244"
BORROWINGS = "2501"
INTEREST_INCOME = "6021"
RENT_INCOME = "6041"
FEE_INCOME = "6051"
BUYOUT_INCOME = "6052"
COMPENSATION_INCOME = "6053"
LATE_FEE_INCOME = "6301"
RECOVERY_INCOME = "6302"
FUNDING_COST = "6603"
IMPAIRMENT = "6701"
WAIVERS = "6702"

_ASSET, _LIABILITY = AccountKind.ASSET, AccountKind.LIABILITY
_INCOME, _EXPENSE = AccountKind.INCOME, AccountKind.EXPENSE

ACCOUNTS: dict[str, LedgerAccount] = {
    account.code: account
    for account in (
        LedgerAccount(CASH, "Cash at bank", "银行存款", _ASSET),
        LedgerAccount(RECEIVABLE_PRINCIPAL, "Billed principal and rent", "应收账款——本金及租金", _ASSET),
        LedgerAccount(RECEIVABLE_INTEREST, "Billed interest", "应收账款——利息", _ASSET),
        LedgerAccount(RECEIVABLE_FEE, "Billed fees", "应收账款——费用", _ASSET),
        LedgerAccount(RECEIVABLE_LATE_FEE, "Late fees assessed", "应收账款——逾期违约金", _ASSET),
        LedgerAccount(ACCRUED_INTEREST, "Interest accrued, not billed", "应收利息（未出账）", _ASSET),
        LedgerAccount(ALLOWANCE, "Allowance for losses", "租赁资产减值准备", _ASSET),
        LedgerAccount(NET_INVESTMENT, "Net investment in finance leases", "应收融资租赁款（本金）", _ASSET),
        LedgerAccount(SUPPLIERS, "Payable to suppliers", "应付账款——供货商", _LIABILITY),
        LedgerAccount(LESSEE_CREDIT, "Credit of lessees", "预收款项——承租人", _LIABILITY),
        LedgerAccount(DEPOSITS, "Deposits held", "存入保证金", _LIABILITY),
        LedgerAccount(INVESTORS, "Collected for investors", "其他应付款——代收投资人款项", _LIABILITY),
        LedgerAccount(DISPOSAL_COSTS, "Payable for disposals", "其他应付款——处置费用", _LIABILITY),
        LedgerAccount(DOWN_PAYMENTS, "Down payments held", "其他应付款——首付款", _LIABILITY),
        LedgerAccount(BORROWINGS, "Borrowed on transferred leases", "应付债权转让融资款", _LIABILITY),
        LedgerAccount(INTEREST_INCOME, "Interest income of finance leases", "融资租赁利息收入", _INCOME),
        LedgerAccount(RENT_INCOME, "Rent income of rentals", "经营租赁租金收入", _INCOME),
        LedgerAccount(FEE_INCOME, "Fee income", "手续费收入", _INCOME),
        LedgerAccount(BUYOUT_INCOME, "Income from buy-outs", "留购价款收入", _INCOME),
        LedgerAccount(COMPENSATION_INCOME, "Compensation for lost devices", "租赁物灭失赔偿收入", _INCOME),
        LedgerAccount(LATE_FEE_INCOME, "Late fee income", "逾期违约金收入", _INCOME),
        LedgerAccount(RECOVERY_INCOME, "Recoveries of written-off debts", "已核销债权收回", _INCOME),
        LedgerAccount(FUNDING_COST, "Cost of investors' money", "债权转让融资成本", _EXPENSE),
        LedgerAccount(IMPAIRMENT, "Impairment losses", "信用减值损失", _EXPENSE),
        LedgerAccount(WAIVERS, "Waivers", "减免支出", _EXPENSE),
    )
}
"""Every account there is. The allowance is an asset account that stands in credit."""

RECEIVABLES: dict[Component, str] = {
    Component.PRINCIPAL: RECEIVABLE_PRINCIPAL,
    Component.INTEREST: RECEIVABLE_INTEREST,
    Component.FEE: RECEIVABLE_FEE,
    Component.LATE_FEE: RECEIVABLE_LATE_FEE,
}
"""Where what is billed of a component stands until it is paid."""
