"""A contract on paper over HTTP: set, handed out, signed by every party, checked, refused in every way there is."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from datetime import timedelta
from hashlib import sha256
from io import BytesIO
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm

from adapters.documents.authority import LocalAuthority
from adapters.documents.pades import LocalSigner
from adapters.documents.port import Signatory
from adapters.documents.typeset import typeset
from adapters.system import new_id, now
from api.http.endpoints import papers
from domain.contracts.contract.values import PartyRole
from domain.contracts.roots import schedule_digest
from domain.pricing.schedules import Instalment
from tests.adapters.documents import papers as samples
from tests.adapters.documents.test_room import EVERY, signed_with
from tests.api.http import cases
from tests.api.http.cases import LESSOR, SHOWN, done
from tests.api.http.driver import Http

SCHEDULE = cases.lease(UUID(int=1), "contract_" + "0" * 32)["schedule"]
DIGEST = schedule_digest([msgspec.convert(one, Instalment) for one in SCHEDULE])


def signer(authority: LocalAuthority, days: int = 0) -> LocalSigner:
    return LocalSigner(authority, lambda: now() + timedelta(days=days))


def contract(lessee: UUID, schedule: str = DIGEST) -> dict[str, Any]:
    """The body of a contract on a schedule."""
    body = cases.contract(lessee)
    body["key_terms"]["schedule_digest"] = schedule
    return body


async def with_house_rules(http: Http, clause: dict[str, Any], digest: str) -> str:
    """A contract whose schedule is kept, with a clause of the tenant's own; gives its address."""
    made = await done(http, "/v1/clauses", clause)
    publish = {"version": 1, "digest": digest, "effective_from": cases.today()}
    await done(http, f"{made.headers['location']}/publish", publish)
    body = contract(cases.person())
    body["clauses"] = [*body["clauses"], {"clause": "house_rules", "version": 1, "digest": digest}]
    address = str((await done(http, "/v1/contracts", body)).headers["location"])
    await done(http, f"{address}/schedule", {"schedule": SCHEDULE})
    return address


async def assembled(http: Http, lessee: UUID) -> str:
    """A contract whose schedule is kept; gives its address."""
    address = str((await done(http, "/v1/contracts", contract(lessee))).headers["location"])
    kept = await done(http, f"{address}/schedule", {"schedule": SCHEDULE})
    assert kept.json() == {"schedule_digest": DIGEST, "instalments": 3, "total_fen": 120_000}
    http.project()
    return address


async def ready(http: Http, lessee: UUID) -> tuple[str, bytes]:
    """A contract that was shown and confirmed, and its paper."""
    address = await assembled(http, lessee)
    pdf = (await http.get(f"{address}/document.pdf")).content
    root = (await http.get(address)).json()["root"]
    shown = {"root": root, "document": sha256(pdf).hexdigest(), "disclosed": SHOWN, "channel": "app"}
    await done(http, f"{address}/present", shown)
    await done(
        http, f"{address}/acknowledge_disclosure", {"party": f"party_{lessee.hex}", "root": root, "items": SHOWN}
    )
    return address, pdf


async def hand_in(http: Http, address: str, pdf: bytes, key: str | None = None, **more: str) -> httpx.Response:
    """The signed file, handed in."""
    headers = http.headers(Idempotency_Key=key or new_id().hex, **{"Content_Type": "application/pdf"} | more)
    return await http.client.post(f"{address}/signed-document", content=pdf, headers=headers)


async def signed(by: LocalSigner, pdf: bytes, party: UUID, place: int = 0) -> bytes:
    done_by = await asyncio.to_thread(by.sign, pdf, Signatory(id=party, role=PartyRole.LESSEE, place=place))
    return done_by.pdf


async def refused(http: Http, address: str, pdf: bytes, code: str, status: int = 422) -> None:
    (await http.judged(hand_in(http, address, pdf))).then_refused(status, code)


# --------------------------------------------------------------------------------------------------------- paper


async def test_another_document_than_the_paper_is_not_shown(http: Http) -> None:
    """From the moment that its schedule was handed in, by whoever may show it."""
    address = await assembled(http, cases.person())
    root = (await http.get(address)).json()["root"]
    shown = {"root": root, "document": "d" * 64, "disclosed": SHOWN, "channel": "app"}
    refused = await http.when(f"{address}/present", shown)
    paper = sha256((await http.get(f"{address}/document.pdf")).content).hexdigest()
    refused.then_refused(409, "contract.not_the_paper", expected=paper, got="d" * 64)
    await done(http, f"{address}/present", shown | {"document": paper})


async def test_the_paper_of_a_version_is_the_same_bytes(http: Http) -> None:
    address = await assembled(http, cases.person())
    first, again = await http.get(f"{address}/document.pdf"), await http.get(f"{address}/document.pdf")
    assert first.content == again.content
    assert first.content.startswith(b"%PDF-1.7")
    assert first.headers["content-type"] == "application/pdf"
    assert first.headers["cache-control"] == "private, no-store"
    digest = b64encode(sha256(first.content).digest()).decode()
    assert first.headers["repr-digest"] == f"sha-256=:{digest}:"
    assert first.headers["ledger-position"] == str(await http.size())
    kept = await http.get(f"{address}/document.pdf", If_None_Match=first.headers["etag"])
    assert (kept.status_code, kept.content) == (304, b"")


async def test_later_events_leave_the_paper_as_it_is(http: Http) -> None:
    """Showing, confirming and signing change nothing of what was agreed; nor does the moment at which it is read."""
    address, pdf = await ready(http, cases.person())
    assert (await http.get(f"{address}/document.pdf")).content == pdf
    first = (await http.get(address)).json()["first_position"]
    assert (await http.get(f"{address}/document.pdf?as_of_position={first}")).content == pdf
    assert (await http.get(f"{address}/document.pdf?as_of_position={first - 1}")).status_code == 404


async def test_nobodys_name_is_on_it(http: Http) -> None:
    from tests.adapters.documents.test_typeset import pages_of

    lessee = cases.person()
    address = await assembled(http, lessee)
    text = "".join(pages_of((await http.get(f"{address}/document.pdf")).content))
    assert str(lessee) in text.replace("\n", "")
    assert "由保管库另行提供" in text


async def test_a_schedule_known_by_its_digest_only(http: Http) -> None:
    http.project()
    address = (await done(http, "/v1/contracts", contract(cases.person(), "4" * 64))).headers["location"]
    answer = await http.get(f"{address}/document.pdf")
    assert (answer.status_code, answer.json()["code"]) == (409, "paper.schedule_missing")
    answer = await http.post(f"{address}/schedule", {"schedule": SCHEDULE})
    assert (answer.status_code, answer.json()["code"]) == (409, "paper.schedule_differs")
    assert answer.json()["facts"] == {"expected": "4" * 64, "got": DIGEST}


async def test_the_schedule_of_the_contracts_lease(http: Http) -> None:
    """A lease holds its schedule: when it is the one that was agreed on, nobody needs to hand it in."""
    lessee = cases.person()
    for purpose in cases.PURPOSES:
        await cases.consented(http, lessee, purpose)
    contract = await cases.signed(http, lessee)
    found = (await http.get(contract)).json()["key_terms"]["schedule_digest"]
    (http.on.settings.data / "schedules" / f"{found}.json").unlink(missing_ok=True)
    http.project()
    await done(http, "/v1/leases", cases.lease(lessee, contract.rpartition("/")[2]))
    answer = await http.get(f"{contract}/document.pdf")
    assert (answer.status_code, answer.json()["code"]) == (409, "paper.schedule_missing")


async def test_a_schedule_that_was_changed_on_disk_is_not_there(http: Http) -> None:
    address = await assembled(http, cases.person())
    path = http.on.settings.data / "schedules" / f"{DIGEST}.json"
    path.write_bytes(path.read_bytes().replace(b"40000", b"40001", 1))
    try:
        answer = await http.get(f"{address}/document.pdf")
        assert (answer.status_code, answer.json()["code"]) == (409, "paper.schedule_missing")
    finally:
        path.unlink()


async def test_a_text_that_is_kept_elsewhere(http: Http) -> None:
    body = {name: value for name, value in cases.CLAUSE.items() if name != "text"}
    address = await with_house_rules(http, body | {"digest": "a" * 64, "size_bytes": 20_000}, "a" * 64)
    answer = await http.get(f"{address}/document.pdf")
    assert (answer.status_code, answer.json()["code"]) == (409, "paper.text_missing")
    assert answer.json()["facts"] == {"clause": "house_rules"}


async def test_the_tenants_own_text_is_on_paper(http: Http) -> None:
    from tests.adapters.documents.test_typeset import pages_of

    address = await with_house_rules(http, cases.CLAUSE, sha256(str(cases.CLAUSE["text"]).encode()).hexdigest())
    assert "承租人应当爱护设备" in "".join(pages_of((await http.get(f"{address}/document.pdf")).content))


# --------------------------------------------------------------------------------------------------------- copies


async def test_one_punctuation_mark_raises_an_alarm_that_names_the_clause(http: Http) -> None:
    """What a user does: take the texts, change one mark, have the copy checked, read the alarm."""
    address = await assembled(http, cases.person())
    texts = (await http.get(f"{address}/texts")).json()["texts"]
    copy = [{"clause": one["clause"], "text": one["text"]} for one in texts]
    checked = await done(http, f"{address}/check_texts", {"texts": copy})
    assert (await http.get(f"{address}/alarms")).json() == {"data": []}
    at = next(n for n, one in enumerate(copy) if one["clause"] == "rent")
    copy[at]["text"] = copy[at]["text"].replace("。", "，", 1)
    checked = await done(http, f"{address}/check_texts", {"texts": copy})
    position = checked.headers["ledger-position"]
    (alarm,) = (await http.get(f"{address}/alarms?at_least={position}")).json()["data"]
    assert (alarm["clause"], alarm["tampering"], alarm["position"]) == ("rent", "changed", int(position))
    held = next(one for one in cases.clauses() if one["clause"] == "rent")
    assert (alarm["expected"], alarm["got"]) == (held["digest"], sha256(copy[at]["text"].encode()).hexdigest())
    assert (await http.get(address)).json()["alarms"] == 1
    http.project()
    (listed,) = (await http.get("/v1/contracts")).json()["data"]
    assert listed["alarms"] == 1


async def test_the_texts_are_those_of_the_references(http: Http) -> None:
    address = await assembled(http, cases.person())
    found = (await http.get(f"{address}/texts")).json()
    assert [sha256(one["text"].encode()).hexdigest() for one in found["texts"]] == [
        one["digest"] for one in cases.clauses()
    ]
    assert found["root"] == (await http.get(address)).json()["root"]
    stranger = await http.another_tenant().get(f"{address}/texts")
    assert stranger.status_code == 404


# ---------------------------------------------------------------------------------------------------- signatures


async def test_every_party_signs_the_file(http: Http, authority: LocalAuthority) -> None:
    lessee = cases.person()
    address, pdf = await ready(http, lessee)
    first = await signed(signer(authority), pdf, lessee)
    done_first = await hand_in(http, address, first, key="first")
    assert done_first.status_code == 200, done_first.text
    assert done_first.headers["etag"] == '"4"'
    again = await hand_in(http, address, first, key="first")
    assert (again.content, again.headers["idempotent-replayed"]) == (done_first.content, "true")
    second = await signed(signer(authority), first, LESSOR, 1)
    assert (await hand_in(http, address, second)).status_code == 200
    shown = (await http.get(address)).json()
    assert (shown["state"], shown["round"]["document"]) == ("executed", sha256(second).hexdigest())
    events = (await http.get(f"{address}/events")).json()["data"]
    signatures = [one["entry"]["body"]["signature"] for one in events if one["entry"]["type"] == "contract.signed.v1"]
    assert [one["method"] for one in signatures] == ["pades", "pades"]
    assert signatures[0]["document"] == sha256(pdf).hexdigest()
    assert signatures[1]["document"] == signatures[0]["signed"] == sha256(first).hexdigest()
    assert signatures[0]["certificate"] == authority.credential(lessee).certificate_digest


async def test_another_file_under_the_same_key(http: Http, authority: LocalAuthority) -> None:
    lessee = cases.person()
    address, pdf = await ready(http, lessee)
    first = await signed(signer(authority), pdf, lessee)
    assert (await hand_in(http, address, first, key="mine")).status_code == 200
    reused = await hand_in(http, address, pdf, key="mine")
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency.reused")


@pytest.mark.parametrize("garbage", [b"", b"%PDF-1.7\n", b"PK\x03\x04", b"\x00" * 2_000])
async def test_not_a_pdf(http: Http, authority: LocalAuthority, garbage: bytes) -> None:
    address, _ = await ready(http, cases.person())
    await refused(http, address, garbage, "signature.not_a_pdf")


async def test_nobody_signed(http: Http, authority: LocalAuthority) -> None:
    address, pdf = await ready(http, cases.person())
    await refused(http, address, pdf, "signature.unsigned")


async def test_another_document(http: Http, authority: LocalAuthority) -> None:
    """A signature that holds, by the right party, under the paper of another contract."""
    lessee = cases.person()
    address, _ = await ready(http, lessee)
    await refused(
        http, address, await signed(signer(authority), typeset(samples.paper()), lessee), "signature.other_document"
    )


async def test_a_flipped_byte(http: Http, authority: LocalAuthority) -> None:
    """Inside what was signed; and outside: in a certificate beside the signature, in it, and in the room behind it."""
    lessee = cases.person()
    address, pdf = await ready(http, lessee)
    good = await signed(signer(authority), pdf, lessee)
    (embedded,) = PdfFileReader(BytesIO(good)).embedded_signatures
    _, length, _, _ = embedded.byte_range
    inside = good.index(b"stream", 2_000) + 20
    for at in (inside, length + 600, length + 3_000, length + 12_000):
        changed = bytearray(good)
        changed[at] = ord("1") if changed[at] != ord("1") else ord("2")
        await refused(http, address, bytes(changed), "signature.changed")


async def test_an_update_after_the_signature(http: Http, authority: LocalAuthority) -> None:
    lessee = cases.person()
    address, pdf = await ready(http, lessee)
    writer = IncrementalPdfFileWriter(BytesIO(await signed(signer(authority), pdf, lessee)))
    pages = writer.root["/Pages"]
    pages["/Kids"].pop()
    writer.mark_update(writer.root.raw_get("/Pages"))
    out = BytesIO()
    writer.write(out)  # type: ignore[no-untyped-call]
    await refused(http, address, out.getvalue(), "signature.changed_after")


async def test_nobody_locks_the_other_parties_out(http: Http, authority: LocalAuthority) -> None:
    lessee = cases.person()
    address, pdf = await ready(http, lessee)
    locked = await asyncio.to_thread(signed_with, authority, pdf, lessee, certify=MDPPerm.NO_CHANGES, at=now())
    answer = await http.judged(hand_in(http, address, locked))
    answer.then_refused(422, "signature.forbids_more", expected="room for signatures: 1", got="0")
    first = await signed(signer(authority), pdf, lessee)
    assert (await hand_in(http, address, first)).status_code == 200
    last = await asyncio.to_thread(signed_with, authority, first, LESSOR, "Last", lock=EVERY, at=now())
    assert (await hand_in(http, address, last)).status_code == 200


async def test_a_certificate_of_another_root(http: Http, authority: LocalAuthority, tmp_path: Any) -> None:
    lessee = cases.person()
    address, pdf = await ready(http, lessee)
    stranger = LocalAuthority(tmp_path / "stranger", samples.KEY_BITS)
    await refused(http, address, await signed(signer(stranger), pdf, lessee), "signature.unknown_root")


async def test_a_certificate_that_is_over(
    http: Http, authority: LocalAuthority, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lessee = cases.person()
    address, pdf = await ready(http, lessee)
    good = await signed(signer(authority), pdf, lessee)
    later = now() + timedelta(days=366 * 80)
    monkeypatch.setattr(http.app.state.services, "now", lambda: later)
    await refused(http, address, good, "signature.expired")


async def test_a_signature_from_the_future(http: Http, authority: LocalAuthority) -> None:
    lessee = cases.person()
    address, pdf = await ready(http, lessee)
    await refused(http, address, await signed(signer(authority, days=2), pdf, lessee), "signature.time")


async def test_a_stranger_signs(http: Http, authority: LocalAuthority) -> None:
    """A trusted certificate of somebody who is no party; and a party's field with another party's certificate."""
    lessee = cases.person()
    address, pdf = await ready(http, lessee)
    stranger = await signed(signer(authority), pdf, cases.person())
    await refused(http, address, stranger, "contract.not_a_party", 409)


async def test_out_of_turn_is_the_contracts_own_rule(http: Http, authority: LocalAuthority) -> None:
    address, pdf = await ready(http, cases.person())
    await refused(http, address, await signed(signer(authority), pdf, LESSOR), "contract.out_of_turn", 409)


async def test_the_same_file_twice_is_not_two_signatures(http: Http, authority: LocalAuthority) -> None:
    lessee = cases.person()
    address, pdf = await ready(http, lessee)
    first = await signed(signer(authority), pdf, lessee)
    assert (await hand_in(http, address, first)).status_code == 200
    await refused(http, address, first, "contract.signed_already", 409)


async def test_what_is_no_request_for_it(http: Http, authority: LocalAuthority) -> None:
    address, pdf = await ready(http, cases.person())
    for headers, status, code in (
        ({"Content-Type": "application/json", "Idempotency-Key": "k"}, 415, "body.not_pdf_type"),
        ({"Content-Type": "application/pdf"}, 400, "idempotency.missing"),
        ({"Content-Type": "application/pdf", "Idempotency-Key": "k", "If-Match": '"9"'}, 412, "precondition.failed"),
    ):
        answer = await http.client.post(f"{address}/signed-document", content=pdf, headers=http.headers() | headers)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    large = await hand_in(http, address, b"\0" * (papers.PDF_MAX_BYTES + 1))
    assert (large.status_code, large.json()["code"]) == (413, "body.too_large")
    assert (await hand_in(http.another_tenant(), address, pdf)).status_code == 404


async def test_who_may_hand_it_in_and_who_may_say_so(http: Http) -> None:
    """Whoever makes contracts hands signed files in; taking a signature on trust is for the tenant's administrators."""
    address = await cases.shown(http, cases.person())
    path = f"{address}/signed-document"
    for role, status in (("merchant_operator", 400), ("merchant_admin", 400), ("auditor", 403), ("court", 403)):
        assert (await http.client.post(path, headers=http.headers(role))).status_code == status, role
    for role, status in (("merchant_operator", 403), ("merchant_admin", 422), ("auditor", 403)):
        assert (await http.post(f"{address}/sign", {}, role=role)).status_code == status, role


async def test_nobody_says_that_it_was_checked_here(http: Http) -> None:
    lessee = cases.person()
    address = await cases.shown(http, lessee)
    signature = {
        "party": f"party_{lessee.hex}", "document": cases.DOCUMENT, "signed": "1" * 64, "certificate": "ce" * 32,
        "level": "B-B", "method": "pades",
    }  # fmt: skip
    answer = await http.post(f"{address}/sign", {"signature": signature})
    assert (answer.status_code, answer.json()["code"]) == (409, "contract.signature_unverified")
    assert (await http.post(f"{address}/sign", {"signature": signature | {"method": "paper"}})).status_code == 200
