"""Typesetting: a contract's values to a PDF, the same bytes every time (fonts and typesetter being the same).

The layout is `contract.typ`, set by Typst; everything that varies travels as one JSON text, so that no text of a clause
or a name is ever read as markup. The date of the file is the date of the contract.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from importlib import resources
from typing import Any

import msgspec
import typst

from adapters.documents.document import ROLES, TITLES, UNNAMED, ContractDocument
from adapters.documents.fonts import FontSet, chinese_fonts
from domain.contracts.contract.values import DEVICE_LOCK, EVIDENCE, PARTIES_MAX, KeyTerms
from domain.contracts.roots import schedule_digest
from domain.pricing.schedules import Component, Instalment

TEMPLATE = "contract.typ"

PAGE_HEIGHT_PT = 842
"""Height of an A4 page in points, rounded up; signature boxes count from the bottom."""

_COMPONENTS = {
    Component.LATE_FEE: "违约金",
    Component.FEE: "费用",
    Component.INTEREST: "利息或租费",
    Component.PRINCIPAL: "本金",
}

_BOX_WIDTH_PT, _BOX_HEIGHT_PT = 216, 84
_BOX_LEFT_PT, _BOX_TOP_PT = 71, 168
_BOX_STEP_X_PT, _BOX_STEP_Y_PT = 237, 96
_BOX_HEAD_PT = 22
_BOX_COLUMNS = 2


class TypesettingError(RuntimeError):
    """The typesetter refused; its own message follows."""


def signature_box(at: int) -> tuple[int, int, int, int]:
    """Where the signature of party number `at` (from 0) stands on the last page: left, bottom, right, top in points.

    Raises `ValueError` for more parties than a contract can have.
    """
    if not 0 <= at < PARTIES_MAX:
        raise ValueError(f"expected a party from 0 to {PARTIES_MAX - 1}, got {at}")
    left, top = _corner(at)
    return left, PAGE_HEIGHT_PT - top - _BOX_HEIGHT_PT, left + _BOX_WIDTH_PT, PAGE_HEIGHT_PT - top - _BOX_HEAD_PT


def typeset(document: ContractDocument, fonts: FontSet | None = None) -> bytes:
    """The contract as a PDF 1.7, unsigned. Raises `NoChineseFont` and `TypesettingError`."""
    chosen = fonts or chinese_fonts()
    data = {**_page(document), "fonts": {"serif": chosen.serif, "sans": chosen.sans}}
    midnight = datetime(document.made_on.year, document.made_on.month, document.made_on.day, tzinfo=UTC)
    template = (resources.files(__package__) / TEMPLATE).read_bytes()
    try:
        pdf = typst.Compiler(template, font_paths=chosen.fonts, ignore_system_fonts=True).compile(
            format="pdf", sys_inputs={"data": msgspec.json.encode(data).decode()}, timestamp=midnight
        )
    except typst.TypstError as error:
        raise TypesettingError(f"{document.reference}: {error}") from error
    assert isinstance(pdf, bytes), "one document is one file"
    return pdf


def yuan(amount_fen: int) -> str:
    """`123456789` fen as `1,234,567.89`."""
    sign, whole, cents = "-" * (amount_fen < 0), abs(amount_fen) // 100, abs(amount_fen) % 100
    return f"{sign}{whole:,}.{cents:02d}"


def percent(rate: str) -> str:
    """`0.0825` as `8.25%`, as many places as the rate needs and at least two."""
    points = (Decimal(rate) * 100).normalize()
    exponent = points.as_tuple().exponent
    places = max(2, -exponent if isinstance(exponent, int) else 0)
    return f"{points:.{places}f}%"


def _corner(at: int) -> tuple[int, int]:
    """Left and top of a box, in points from the upper left of the page."""
    row, column = divmod(at, _BOX_COLUMNS)
    return _BOX_LEFT_PT + column * _BOX_STEP_X_PT, _BOX_TOP_PT + row * _BOX_STEP_Y_PT


def _page(document: ContractDocument) -> dict[str, Any]:
    boxes = [
        {
            **dict(zip(("x", "y"), _corner(at), strict=True)),
            "width": _BOX_WIDTH_PT,
            "height": _BOX_HEIGHT_PT,
            "role": ROLES[party.role],
            "name": party.name or "",
        }
        for at, party in enumerate(document.parties)
    ]
    day = document.made_on
    return {
        "title": TITLES[document.form],
        "reference": document.reference,
        "plan": document.plan,
        "root": document.root,
        "date": [day.year, day.month, day.day],
        "made_on": f"{day.year} 年 {day.month} 月 {day.day} 日",
        "parties": [
            {"role": ROLES[party.role], "name": party.name or UNNAMED, "id": str(party.id)}
            for party in document.parties
        ],
        "terms": _terms(document),
        "object": [list(pair) for pair in document.thing],
        "clauses": [msgspec.to_builtins(line) for line in document.clauses],
        "unit": "元" if document.key_terms.currency == "CNY" else document.key_terms.currency,
        "schedule": [_row(line) for line in document.schedule],
        "schedule_total": _totals(document.schedule),
        "schedule_digest": schedule_digest(document.schedule),
        "boxes": boxes,
    }


def _terms(document: ContractDocument) -> list[tuple[str, str]]:
    """The box of key terms: what must be read, in the order in which it is confirmed."""
    terms = document.key_terms
    unit = "元" if terms.currency == "CNY" else terms.currency
    places = {line.clause: at for at, line in enumerate(document.clauses, start=1)}
    lock = f"有，见第 {places.get(DEVICE_LOCK, '—')} 条：逾期并经通知后可限制或锁定设备" if terms.lock else "无"
    buyout = "无" if terms.buyout_fen is None else f"期满支付 {yuan(terms.buyout_fen)} {unit}后取得所有权"
    return [
        ("全部费用总额", f"{yuan(terms.total_cost_fen)} {unit}（包含租金及其他一切应付费用）"),
        ("综合年化成本", _rate(terms.apr, "单利")),
        ("内部收益率", _rate(terms.irr, "年化")),
        ("期满取得租赁物", buyout),
        ("设备锁定", lock),
        ("电子数据存证", f"见第 {places.get(EVIDENCE, '—')} 条：各方同意以可核验的只增账本保存证据"),
        ("融资或租赁金额", f"{yuan(terms.financed_fen)} {unit}"),
        ("首付款与前期费用", f"{yuan(terms.down_payment_fen)} {unit}，{yuan(terms.upfront_fee_fen)} {unit}"),
        ("押金", f"{yuan(terms.deposit_fen)} {unit}" if terms.deposit_fen else "免收"),
        ("期数与支付日", _period(terms)),
        ("逾期违约金", f"宽限 {terms.grace_days} 日，其后每日按欠付金额的 {percent(terms.late_fee_daily_rate)} 计收"),
        ("付款冲抵顺序", "、".join(_COMPONENTS[part] for part in terms.allocation)),
        ("提前结清补偿", _compensation(terms)),
        ("争议解决", f"{terms.forum}仲裁" if terms.forum else "承租人住所地人民法院管辖"),
    ]


def _rate(rate: str | None, how: str) -> str:
    """Where the object goes back there is no rate to be named."""
    return "不适用" if rate is None else f"{percent(rate)}（{how}）"


def _compensation(terms: KeyTerms) -> str:
    rate = Decimal(terms.early_settlement_rate)
    return f"剩余本金的 {percent(terms.early_settlement_rate)}" if rate else "不收取"


def _period(terms: KeyTerms) -> str:
    return f"共 {terms.instalments} 期，首期 {terms.first_due_on}，末期 {terms.last_due_on}，逐期见附件一"


def _row(line: Instalment) -> list[str]:
    amounts = (line.principal_fen, line.interest_fen, line.fee_fen, line.total_fen)
    return [str(line.number), str(line.due_on), *map(yuan, amounts)]


def _totals(lines: tuple[Instalment, ...]) -> list[str]:
    sums = (
        sum(line.principal_fen for line in lines),
        sum(line.interest_fen for line in lines),
        sum(line.fee_fen for line in lines),
        sum(line.total_fen for line in lines),
    )
    return list(map(yuan, sums))
