"""Answers whose bytes repeat: an entity tag, 304 for whoever has them, compression where nothing can be learned."""

from __future__ import annotations

import gzip

import pytest
import pytest_asyncio

from api.http.repeating import takes_gzip
from tests.api.http.driver import Http

PUBLIC = (
    "/v1/openapi.json",
    "/problems",
    "/problems/auth.missing",
    "/tlog/checkpoint",
    "/tlog/vkeys",
    "/tlog/tile/0/000.p/1",
)


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def published(http: Http) -> None:
    """One event under a checkpoint."""
    await http.given()
    await http.get(f"/v1/receipts/{await http.size()}")


@pytest.mark.parametrize("path", PUBLIC)
async def test_whoever_has_the_bytes_is_not_sent_them_again(http: Http, path: str) -> None:
    size = int((await http.client.get("/tlog/checkpoint")).text.splitlines()[1])
    path = path.format(tile="000" if size >= 256 else f"000.p/{size}")
    for coding in ("identity", "gzip"):
        first = await http.client.get(path, headers={"Accept-Encoding": coding})
        assert first.status_code == 200, first.text
        tag = first.headers["etag"]
        for known in (tag, f'"other", W/{tag}', "*"):
            again = await http.client.get(path, headers={"Accept-Encoding": coding, "If-None-Match": known})
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == tag
            assert again.headers["cache-control"] == first.headers["cache-control"]
        other = await http.client.get(path, headers={"Accept-Encoding": coding, "If-None-Match": '"other"'})
        assert other.status_code == 200


@pytest.mark.parametrize("path", ["/v1/openapi.json", "/problems"])
async def test_what_is_long_is_compressed_under_a_tag_of_its_own(http: Http, path: str) -> None:
    plain = await http.client.get(path, headers={"Accept-Encoding": "identity"})
    async with http.client.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as answer:
        raw = b"".join([chunk async for chunk in answer.aiter_raw()])
        headers = answer.headers
    assert headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == plain.content
    assert len(raw) < len(plain.content) // 3
    assert headers["etag"] != plain.headers["etag"]
    assert headers["vary"] == plain.headers["vary"] == "Accept-Encoding"


async def test_what_belongs_to_somebody_is_never_compressed(http: Http) -> None:
    """The length of a secret beside what a caller chose would tell about the secret."""
    address = await http.given()
    http.project()
    for path in (address, f"{address}/events", "/v1/applications", "/v1/events?limit=100", "/v1/plans"):
        answer = await http.get(path, Accept_Encoding="gzip")
        assert answer.status_code == 200, path
        assert "content-encoding" not in answer.headers, path


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [
        ("gzip", True), ("br, GZIP;q=0.5", True), ("*", True), ("gzip;q=0", False), ("*;q=0", False), ("br", False),
        ("gzip;q=0.0, *", False), ("", False), ("identity", False), ("gzip;q=0.01", True),
    ],
)  # fmt: skip
def test_whether_gzip_is_taken(accepted: str, takes: bool) -> None:
    assert takes_gzip(accepted) is takes


async def test_codings_on_several_lines_are_one_list(http: Http) -> None:
    """RFC 9110 §5.3: lines of one name are a list."""
    lines = [("Accept-Encoding", "br"), ("Accept-Encoding", "gzip")]
    assert (await http.client.get("/v1/openapi.json", headers=lines)).headers["content-encoding"] == "gzip"
    lines = [("Accept-Encoding", "gzip;q=0"), ("Accept-Encoding", "*")]
    assert "content-encoding" not in (await http.client.get("/v1/openapi.json", headers=lines)).headers
