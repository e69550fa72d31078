"""The intake checklist: named steps, each with a state that follows from the events.

A checklist is versioned data. A case keeps the version it was drafted under, so that a new step never makes an
old case incomplete. A machine may approve only a case whose required steps all passed: a step without an answer
is not evaluated, and that alone calls for a person.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from domain.intake.application.values import DocumentKind
from domain.kernel.values import AssetClass


class StepState(StrEnum):
    """Status of one step."""

    PENDING = "pending"
    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not_applicable"


class Step(Struct, frozen=True):
    """One step: its name, what people read, whether a machine's approval needs it, the only asset class it is for."""

    name: str
    en: str
    zh: str
    required: bool = False
    only_for: AssetClass | None = None


class Checklist(Struct, frozen=True):
    """One version: its steps in order and the confidence from which a machine reading counts as passed."""

    version: int
    read_confidence_min: Decimal
    steps: tuple[Step, ...]
    index: dict[str, int]
    uploads: dict[DocumentKind, str]
    reads: dict[DocumentKind, str]

    def initial(self, asset_class: AssetClass) -> tuple[StepState, ...]:
        """The states of all steps of a case of this asset class before anything happened."""
        return tuple(
            StepState.PENDING if step.only_for in (None, asset_class) else StepState.NOT_APPLICABLE
            for step in self.steps
        )

    def open_steps(self, states: tuple[StepState, ...]) -> tuple[str, ...]:
        """Names of the required steps that are pending or failed."""
        return tuple(
            step.name
            for step, state in zip(self.steps, states, strict=True)
            if step.required and state in (StepState.PENDING, StepState.FAILED)
        )


_VEHICLE = AssetClass.VEHICLE

_STEPS_1 = (
    Step("drafted", "Case opened", "建立租赁申请"),
    Step("submitted", "Case handed in", "提交租赁申请"),
    Step("identity_card_front_uploaded", "Identity card, front", "身份证人像面", required=True),
    Step("identity_card_back_uploaded", "Identity card, back", "身份证国徽面", required=True),
    Step("identity_card_read", "Identity card read", "身份证识别", required=True),
    Step("income_proof_uploaded", "Proof of income", "收入证明"),
    Step("income_proof_read", "Proof of income read", "收入证明识别"),
    Step("bank_statement_uploaded", "Bank statement", "银行流水"),
    Step("bank_statement_read", "Bank statement read", "银行流水识别"),
    Step("driving_licence_uploaded", "Driving licence", "驾驶证", required=True, only_for=_VEHICLE),
    Step("driving_licence_read", "Driving licence read", "驾驶证识别", required=True, only_for=_VEHICLE),
    Step("vehicle_registration_uploaded", "Vehicle registration", "行驶证或登记证", only_for=_VEHICLE),
    Step("vehicle_registration_read", "Vehicle registration read", "行驶证识别", only_for=_VEHICLE),
    Step("vehicle_photo_uploaded", "Photograph of the vehicle", "车辆照片", only_for=_VEHICLE),
    Step("purchase_invoice_uploaded", "Purchase invoice", "购置发票"),
    Step("lane_assigned", "Queue assigned", "分配队列"),
    Step("verification_started", "Checks begun", "开始核验"),
    Step("identity_verified", "Identity confirmed", "身份核验", required=True),
    Step("liveness_passed", "Liveness confirmed", "活体检测", required=True),
    Step("carrier_name_matched", "Carrier real name matches", "运营商实名一致", required=True),
    Step("vehicle_identified", "Vehicle identified", "车架号识别", required=True, only_for=_VEHICLE),
    Step("odometer_verified", "Odometer plausible", "里程核验", required=True, only_for=_VEHICLE),
    Step("verification_completed", "Checks done", "核验完成"),
    Step("terms_settled", "Terms settled", "确定方案"),
    Step("decided", "Decided", "审批决定"),
)

CHECKLIST_1 = Checklist(
    version=1,
    read_confidence_min=Decimal("0.80"),
    steps=_STEPS_1,
    index={step.name: at for at, step in enumerate(_STEPS_1)},
    uploads={
        DocumentKind.IDENTITY_CARD_FRONT: "identity_card_front_uploaded",
        DocumentKind.IDENTITY_CARD_BACK: "identity_card_back_uploaded",
        DocumentKind.INCOME_PROOF: "income_proof_uploaded",
        DocumentKind.BANK_STATEMENT: "bank_statement_uploaded",
        DocumentKind.DRIVING_LICENCE: "driving_licence_uploaded",
        DocumentKind.VEHICLE_REGISTRATION: "vehicle_registration_uploaded",
        DocumentKind.VEHICLE_PHOTO: "vehicle_photo_uploaded",
        DocumentKind.PURCHASE_INVOICE: "purchase_invoice_uploaded",
    },
    reads={
        DocumentKind.IDENTITY_CARD_FRONT: "identity_card_read",
        DocumentKind.INCOME_PROOF: "income_proof_read",
        DocumentKind.BANK_STATEMENT: "bank_statement_read",
        DocumentKind.DRIVING_LICENCE: "driving_licence_read",
        DocumentKind.VEHICLE_REGISTRATION: "vehicle_registration_read",
    },
)

CHECKLISTS: dict[int, Checklist] = {CHECKLIST_1.version: CHECKLIST_1}
"""Every version a stored case may have been drafted under; a version is never changed once released."""

CURRENT_CHECKLIST = CHECKLIST_1
