"""Other people's generators make clients of the OpenAPI document; the clients finish a journey against `up`.

    /v1/openapi.json ─┬▶ openapi-python-client ─▶ ledger_client ─▶ journey.py ─▶ answers.jsonl ─┐
                      ├▶ openapi-typescript    ─▶ api.ts ─▶ tsc --strict ─▶ journey.js          │
                      └▶ datamodel-codegen     ─▶ models.py ─▶ parse.py ◀─ recorded.jsonl ◀─────┘

`make clients` installs the generators beside the checkout's own packages; without them every test here is skipped.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.api.cli.commands.test_serving import get, leaseledger, up
from tests.forked import NAME

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TOOLS = ROOT / ".tools" / "clients"
PYTHON, NODE_TOOLS = TOOLS / "venv" / "bin", TOOLS / "node_modules" / ".bin"
PATIENCE_S = 300
STRICT = ("--strict", "--noUncheckedIndexedAccess", "--target", "es2022", "--module", "commonjs", "--lib", "es2022,dom")
LEAST_ANSWERS = 15

pytestmark = [pytest.mark.slow, pytest.mark.network]
with_python = pytest.mark.skipif(
    not (PYTHON / "openapi-python-client").exists(), reason="no openapi-python-client here (make clients installs it)"
)
with_models = pytest.mark.skipif(
    not (PYTHON / "datamodel-codegen").exists(), reason="no datamodel-codegen here (make clients installs it)"
)
with_node = pytest.mark.skipif(
    shutil.which("node") is None or not (NODE_TOOLS / "openapi-typescript").exists(),
    reason="no Node or no openapi-typescript here (apt install nodejs npm; make clients installs the rest)",
)


@dataclass(frozen=True)
class Place:
    """A folder with the document, and where the ledger that serves it is."""

    folder: Path
    environment: dict[str, str]

    def run(self, *command: str | Path) -> str:
        """What a program says, which must succeed."""
        path = os.pathsep.join([str(PYTHON), os.environ["PATH"]])
        environment = os.environ | self.environment | {"PATH": path}
        done = subprocess.run(
            [str(one) for one in command], cwd=self.folder, env=environment, capture_output=True, text=True,
            check=False, timeout=PATIENCE_S,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def journey_of_python(self) -> Path:
        """Generate the Python client, once, and let it go its way; the file of its answers."""
        answers = self.folder / "answers.jsonl"
        if not answers.exists():
            self.run(
                PYTHON / "openapi-python-client", "generate", "--path", "openapi.json", "--meta", "none",
                "--output-path", "ledger_client", "--fail-on-warning",
                "--config", HERE / "openapi-python-client.yaml",
            )  # fmt: skip
            self.run(PYTHON / "python", HERE / "programs" / "journey.py", self.folder)
        return answers


@pytest.fixture(scope="module")
def served(commands: Path) -> Iterator[Place]:
    """A running ledger with an operator's and an administrator's key, and its document in a file."""
    base = Path(tempfile.mkdtemp(prefix="leaseledger-clients-"))
    try:
        data = base / "var"
        with up(data, program=commands / NAME) as said:
            roles = ("--role", "merchant_admin", "--json")
            user = leaseledger(commands, data, "user", "register", "E1", *roles)
            assert user.returncode == 0, user.stderr
            given = (json.loads(user.stdout)["id"], "--label", "clients", *roles)
            key = leaseledger(commands, data, "api-key", "make", *given)
            assert key.returncode == 0, key.stderr
            work = base / "work"
            work.mkdir()
            (work / "openapi.json").write_text(get(f"{said['url']}/v1/openapi.json")[1], "utf-8")
            yield Place(
                work,
                {
                    "LEDGER_URL": said["url"],
                    "OPERATOR_KEY": said["operator_key"],
                    "ADMINISTRATOR_KEY": json.loads(key.stdout)["key"],
                },
            )
    finally:
        shutil.rmtree(base)


@with_python
def test_python_client_finishes_a_journey(served: Place) -> None:
    statuses = [json.loads(line)["status"] for line in served.journey_of_python().read_text("utf-8").splitlines()]
    assert {200, 201, 404, 409, 422} <= set(statuses)
    assert len(statuses) >= LEAST_ANSWERS


@with_node
def test_typescript_program_finishes_a_journey(served: Place) -> None:
    served.run(NODE_TOOLS / "openapi-typescript", "openapi.json", "-o", "api.ts")
    shutil.copy(HERE / "programs" / "journey.ts", served.folder)
    served.run(NODE_TOOLS / "tsc", *STRICT, "journey.ts")
    known = served.environment
    served.run("node", "journey.js", known["LEDGER_URL"], known["OPERATOR_KEY"], known["ADMINISTRATOR_KEY"])


@with_models
@with_python
def test_models_parse_every_recorded_answer(served: Place) -> None:
    """Those of the journey, and those of the tests that `make clients` recorded.

    By default the generator names the class of a member `mandate` that may be null `Mandate` and loses the schema of
    that name; `parent-prefixed` keeps both.
    """
    served.run(
        PYTHON / "datamodel-codegen", "--input", "openapi.json", "--input-file-type", "openapi", "--output",
        "models.py", "--output-model-type", "pydantic_v2.BaseModel", "--formatters", "builtin",
        "--target-python-version", "3.11", "--use-annotated", "--naming-strategy", "parent-prefixed",
    )  # fmt: skip
    recorded = [one for one in (served.journey_of_python(), TOOLS / "recorded.jsonl") if one.exists()]
    said = json.loads(served.run(PYTHON / "python", HERE / "programs" / "parse.py", served.folder, *recorded))
    assert said["wrong"] == 0
    assert said["answers"] >= LEAST_ANSWERS
