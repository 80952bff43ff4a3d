"""Discovery over a corpus of tenants that are made at random from endpoint documents: how much of it is right."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from customer_sync.discovery.connector_yaml import as_document, write_connector_file
from customer_sync.discovery.description import MOST_REQUESTS, MOST_ROWS
from customer_sync.discovery.proposal import Findings
from customer_sync.discovery.propose import propose, settle
from customer_sync.discovery.weights import CERTAIN
from customer_sync.http.retry import RetryPolicy
from customer_sync.settings.connector import Connector
from customer_sync.sources.acumatica.client import AcumaticaClient
from customer_sync.sources.acumatica.describe import describe, describe_tenant
from customer_sync.sources.acumatica.sampling import Sampler
from customer_sync.sources.acumatica.settings import AcumaticaSettings
from tests.adapters.generated_tenant import Tenant, make_tenant

OWN = Path(__file__).parent / "documents"
SEEDS = int(os.environ.get("SEEDS", "30"))
FROM = int(os.environ.get("FROM", "0"))
USUAL = Connector(id="tried")


def documents() -> dict[str, Mapping[str, Any]]:
    """The endpoint documents of the folder REAL, else the project's own."""
    real = os.environ.get("REAL")
    folder = Path(real) / "acumatica" / "openapi" if real else OWN
    found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}
    return {name: each for name, each in found.items() if each["info"]["version"] == "4"}


@dataclass
class Score:
    """What became of all settings of a corpus."""

    right: int = 0
    asked: int = 0
    wrong: Counter[str] = field(default_factory=Counter)
    certainly_wrong: list[str] = field(default_factory=list)

    def add(self, name: str, findings: Findings, tenant: Tenant) -> None:
        """Compare one tenant's proposals with what is right."""
        for setting, right in tenant.labels.items():
            proposal = findings.settings[f"source.{setting}"]
            self.asked += proposal.confidence < CERTAIN
            if _plain(proposal.value) == _plain(right):
                self.right += 1
                continue
            self.wrong[setting] += 1
            if proposal.confidence >= CERTAIN:
                self.certainly_wrong.append(f"{name}: {setting} is {right}, not {proposal.value}: {proposal.why}")

    @property
    def total(self) -> int:
        """How many settings were compared."""
        return self.right + self.wrong.total()

    def __str__(self) -> str:
        share = 100 * self.right / self.total
        return (
            f"{self.right:,} of {self.total:,} settings right ({share:.1f} %), {len(self.certainly_wrong)} wrong with "
            f"confidence {CERTAIN} or more, {100 * self.asked / self.total:.0f} % asked; wrong: {dict(self.wrong)}"
        )


def _plain(value: Any) -> Any:
    """A value without what makes no other place of it."""
    if isinstance(value, dict) and "convert" in value:
        value = {name: each for name, each in value.items() if name != "convert"}
    return value["field"] if isinstance(value, dict) and value.keys() == {"field"} else value


def tenants() -> Iterator[tuple[str, Tenant]]:
    """Every tenant of the corpus with its name."""
    for name, document in documents().items():
        for seed in range(FROM, FROM + SEEDS):
            yield f"{name} seed {seed}", make_tenant(document, seed)


def discovered(tenant: Tenant) -> Findings:
    """What discovery proposes over the tenant's answers."""
    settings = AcumaticaSettings(username="u", password="p", endpoint_name="Tried", endpoint_version="24.200.001")
    with AcumaticaClient(tenant, settings, retry=RetryPolicy(attempts=1)) as client:
        description = describe_tenant(Sampler(client, MOST_REQUESTS))
    assert sum(description.rows.values()) <= MOST_ROWS
    findings = propose("tried", description, None, USUAL)
    settle(findings)
    return findings


def test_a_tenant_is_discovered_by_what_it_answers(capsys: pytest.CaptureFixture[str]) -> None:
    """Nineteen of twenty source settings are right, none is wrong that is not asked about; few requests, reads only."""
    score, most = Score(), 0
    for name, tenant in tenants():
        score.add(name, discovered(tenant), tenant)
        most = max(most, len(tenant.requests))
        assert {each for each in tenant.requests if not each.startswith("GET ")} <= {
            "POST /entity/auth/login",
            "POST /entity/auth/logout",
        }
    with capsys.disabled():
        print(f"\ndiscovery over tenants: {score}; at most {most} requests")  # noqa: T201 - the figure is for people
    assert score.certainly_wrong == []
    assert score.right >= 0.95 * score.total
    assert most <= MOST_REQUESTS


def test_a_document_alone_makes_no_certain_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    """What only values could show is asked; of what the document shows, nineteen of twenty are right."""
    score, shown = Score(), Score()
    for name, tenant in tenants():
        description = describe(None, json.dumps(tenant.document).encode(), 0)
        findings = propose("tried", description, None, USUAL)
        score.add(name, findings, tenant)
        tenant.labels = {each: value for each, value in tenant.labels.items() if each not in tenant.unseen}
        shown.add(name, findings, tenant)
    with capsys.disabled():
        print(f"\ndiscovery by documents alone: {score}\n of what they show: {shown}")  # noqa: T201 - the same
    assert score.certainly_wrong == []
    assert shown.right >= 0.95 * shown.total


def test_every_file_is_accepted_as_it_is() -> None:
    """The reader takes what the writer makes, and reads the values that were proposed; every setting is named once."""
    for number, (name, tenant) in enumerate(tenants()):
        if number % 10:
            continue
        findings = discovered(tenant)
        document = yaml.safe_load(write_connector_file(findings, USUAL))
        assert Connector.model_validate(document) == Connector.model_validate(as_document(findings)), name


def test_what_is_not_certain_is_asked() -> None:
    """A question for each setting below the limit and for no other, and the value itself is the first answer."""
    for number, (_, tenant) in enumerate(tenants()):
        if number % 10:
            continue
        findings = discovered(tenant)
        uncertain = {path for path, each in findings.settings.items() if each.confidence < CERTAIN}
        questions = findings.questions()
        assert {each.setting for each in questions} == uncertain
        assert all(each.options[0].value == findings.value(each.setting) for each in questions)
