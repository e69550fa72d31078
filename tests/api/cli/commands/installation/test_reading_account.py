"""An account of the database that may write and not read is told of before anything is asked."""

from __future__ import annotations

import pytest

from api.cli.failures import REFUSED, UNUSABLE
from tests.api.cli.commands.installation.test_doctor import forgiving
from tests.api.cli.program import Program

__all__ = ["forgiving"]

# It looks whether its port is free.
pytestmark = pytest.mark.network


def test_an_account_that_writes_and_may_not_read(program: Program) -> None:
    """Roles as earlier releases made them: `doctor` says what to grant, and whatever reads says it before it begins."""
    program.filled(1)
    with program.superuser() as superuser:
        superuser.execute("REVOKE leaseledger_reader FROM leaseledger_app")
        superuser.execute("CREATE ROLE shop LOGIN")
        superuser.execute("GRANT leaseledger_app TO shop")
        try:
            shop = Program(program.url.replace("://postgres@", "://shop@"), program.data)
            found = shop("doctor", "--json").then(REFUSED)
            refused = [shop(*one).then(UNUSABLE).err for one in (["list", "leases"], ["up", "--port", "0"])]
            chinese = shop("doctor", "--lang", "zh").then(REFUSED).text
        finally:
            superuser.execute("DROP ROLE shop")
            superuser.execute("GRANT leaseledger_reader TO leaseledger_app")
    what = "expected an account that may work as leaseledger_reader, got shop"
    do = "GRANT leaseledger_reader TO leaseledger_app, as a superuser of the server"
    assert found.json["problems"] == [{"problem": what, "do": do}]
    assert refused == [f"leaseledger: {what}; {do}\n"] * 2
    assert "应为 可以切换到 leaseledger_reader 的数据库账户，实为 shop" in chinese
    assert "处理：请以数据库超级用户执行 GRANT leaseledger_reader TO leaseledger_app" in chinese
