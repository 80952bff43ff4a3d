"""The store's twin against a small model under random sequences of calls: uniqueness, references, flags, counts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from sandbox.better_b2b.app import create_app
from sandbox.exchange import Call
from sandbox.twin import TwinEnvironment

AUTH = {"x-auth-token": "sandbox-token", "x-store-hash": "sandbox", "content-type": "application/json"}
KEY = "Acumatica Customer ID"

EMAILS = st.sampled_from(["a@x.example", "A@x.example", "b@x.example", "c@x.example", "d@x.example", "e@x.example"])
KEYS = st.sampled_from(["K1", "K2", "K3", "K4"])
ROLES = st.sampled_from([0, 1, 2])


@dataclass
class ModelCompany:
    """What a company must hold."""

    key: str
    status: int = 1
    users: dict[int, tuple[str, int]] = field(default_factory=dict)
    addresses: list[int] = field(default_factory=list)
    defaults: dict[str, int] = field(default_factory=dict)


class StoreMachine(RuleBasedStateMachine):
    """Random calls, each predicted by the model."""

    companies = Bundle("companies")

    def __init__(self) -> None:
        super().__init__()
        self.twin = create_app(TwinEnvironment())
        self.model: dict[int, ModelCompany] = {}
        self.seeded = {name: len(self.twin.state()[name]) for name in ("companies", "users", "addresses")}

    def send(self, verb: str, path: str, body: Any = None, **query: Any) -> tuple[int, Any]:
        """One call of the API."""
        raw = b"" if body is None else msgspec.json.encode(body)
        full = "/api/v3/io" + path
        answer = asyncio.run(self.twin.respond(Call(verb, full, full, urlencode(query), AUTH, raw)))
        return answer.status, msgspec.json.decode(answer.body)

    def held_emails(self) -> set[str]:
        """E-mails of all users of the model, without case."""
        return {email.casefold() for company in self.model.values() for email, _ in company.users.values()}

    @rule(target=companies, key=KEYS, email=EMAILS)
    def create_company(self, key: str, email: str) -> Any:
        """A company is made unless its key or its admin's e-mail is taken."""
        may = all(each.key != key for each in self.model.values()) and email.casefold() not in self.held_emails()
        body = {
            "companyName": "Same Name",
            "companyPhone": "1",
            "companyEmail": "same@x.example",
            "country": "US",
            "adminFirstName": "Ada",
            "adminLastName": "Vale",
            "adminEmail": email,
            "extraFields": [{"fieldName": KEY, "fieldValue": key}],
        }
        status, seen = self.send("POST", "/companies", body)
        assert status == (200 if may else 422)
        if not may:
            return multiple()
        company_id = seen["data"]["companyId"]
        assert company_id not in self.model
        user_id = self.send("GET", "/users", companyId=company_id)[1]["data"][0]["id"]
        self.model[company_id] = ModelCompany(key, users={user_id: (email, 0)})
        return company_id

    @rule(company_id=companies, key=KEYS)
    def change_key(self, company_id: int, key: str) -> None:
        """A key moves only to a value that no other company holds."""
        may = all(each.key != key for other, each in self.model.items() if other != company_id)
        body = {"extraFields": [{"fieldName": KEY, "fieldValue": key}]}
        assert self.send("PUT", f"/companies/{company_id}", body)[0] == (200 if may else 422)
        if may:
            self.model[company_id].key = key

    @rule(company_id=companies, status=st.integers(-1, 4))
    def set_status(self, company_id: int, status: int) -> None:
        """Only the four states can be set."""
        may = 0 <= status <= 3
        seen, _ = self.send("PUT", f"/companies/{company_id}/status", {"companyStatus": status})
        assert seen == (200 if may else 422)
        if may:
            self.model[company_id].status = status

    @rule(company_id=consumes(companies))
    def delete_company(self, company_id: int) -> None:
        """A company goes with all that is its own."""
        assert self.send("DELETE", f"/companies/{company_id}")[0] == 200
        del self.model[company_id]

    @rule(company_id=companies, rows=st.lists(st.tuples(EMAILS, ROLES), min_size=1, max_size=3))
    def create_users(self, company_id: int, rows: list[tuple[str, int]]) -> None:
        """Users are made all or none, each e-mail once in the store."""
        folded = [email.casefold() for email, _ in rows]
        may = len(set(folded)) == len(folded) and not set(folded) & self.held_emails()
        body = [
            {
                "firstName": "Lee",
                "lastName": "Okafor",
                "email": email,
                "companyId": company_id,
                "role": role,
                "channelIds": [1],
            }
            for email, role in rows
        ]
        status, seen = self.send("POST", "/users/bulk", body)
        assert status == (200 if may else 422)
        if may:
            for row, user in zip(seen["data"], rows, strict=True):
                self.change_users(company_id, row["userId"], user)

    @rule(company_id=companies, pick=st.integers(0, 5), email=EMAILS, role=ROLES)
    def update_user(self, company_id: int, pick: int, email: str, role: int) -> None:
        """A user takes a new e-mail only if nobody else, and no other account, has it."""
        company = self.model[company_id]
        user_id = sorted(company.users)[pick % len(company.users)]
        own = company.users[user_id][0].casefold()
        account = self.twin.store.customers_by_email.get(email.casefold())
        is_own_account = account in (None, self.twin.store.users.rows[user_id].customer_id)
        may = is_own_account and (email.casefold() == own or email.casefold() not in self.held_emails())
        status, seen = self.send("PUT", f"/users/{user_id}", {"email": email, "role": role})
        assert status == (200 if may else 422)
        if may:
            assert (seen["data"]["email"], seen["data"]["role"]) == (email, role)
            self.change_users(company_id, user_id, (email, role))

    @rule(company_id=companies, pick=st.integers(0, 5))
    def delete_user(self, company_id: int, pick: int) -> None:
        """Any user may go but the last."""
        users = self.model[company_id].users
        user_id = sorted(users)[pick % len(users)]
        may = len(users) > 1
        assert self.send("DELETE", f"/users/{user_id}")[0] == (200 if may else 422)
        if may:
            self.change_users(company_id, user_id, None)

    def change_users(self, company_id: int, user_id: int, user: tuple[str, int] | None) -> None:
        """Note a user in the model; losing the last admin or gaining the first one moves the status."""
        company = self.model[company_id]
        had_admin = any(role == 0 for _, role in company.users.values())
        if user is None:
            del company.users[user_id]
        else:
            company.users[user_id] = user
        has_admin = any(role == 0 for _, role in company.users.values())
        if had_admin and not has_admin:
            company.status = 3
        elif has_admin and not had_admin and company.status == 3:
            company.status = 1

    @rule(company_id=companies, flags=st.sets(st.sampled_from(["Billing", "Shipping"])), is_default=st.booleans())
    def create_address(self, company_id: int, flags: set[str], is_default: bool) -> None:  # noqa: FBT001  # given by the strategy
        """An address is made, and takes the defaults it asks for from the others."""
        body = {
            "companyId": company_id,
            "firstName": "Lee",
            "lastName": "Okafor",
            "addressLine1": "1 Harbor",
            "city": "Oakland",
            "countryCode": "GB",
            **{f"is{flag}": True for flag in flags},
            **{f"isDefault{flag}": is_default for flag in flags},
        }
        status, seen = self.send("POST", "/addresses", body)
        assert status == 200
        company = self.model[company_id]
        company.addresses.append(seen["data"]["addressId"])
        if is_default:
            company.defaults.update(dict.fromkeys(flags, seen["data"]["addressId"]))

    @rule(company_id=companies, pick=st.integers(0, 5), flag=st.sampled_from(["Billing", "Shipping"]), on=st.booleans())
    def set_default(self, company_id: int, pick: int, flag: str, on: bool) -> None:  # noqa: FBT001  # given by the strategy
        """A default moves to the address that asks for it, and goes with its plain flag."""
        company = self.model[company_id]
        if not company.addresses:
            return
        address_id = company.addresses[pick % len(company.addresses)]
        body = {f"is{flag}": on, f"isDefault{flag}": on}
        assert self.send("PUT", f"/addresses/{address_id}", body)[0] == 200
        if on:
            company.defaults[flag] = address_id
        elif company.defaults.get(flag) == address_id:
            del company.defaults[flag]

    @rule(company_id=companies, pick=st.integers(0, 5))
    def delete_address(self, company_id: int, pick: int) -> None:
        """An address goes and takes its defaults along."""
        company = self.model[company_id]
        if not company.addresses:
            return
        address_id = company.addresses.pop(pick % len(company.addresses))
        assert self.send("DELETE", f"/addresses/{address_id}")[0] == 200
        company.defaults = {flag: holder for flag, holder in company.defaults.items() if holder != address_id}

    @invariant()
    def counts_agree(self) -> None:
        """The store holds as many records as the model, beside the seed's."""
        counts = {
            "companies": len(self.model),
            "users": sum(len(company.users) for company in self.model.values()),
            "addresses": sum(len(company.addresses) for company in self.model.values()),
        }
        for name, count in counts.items():
            seen = self.send("GET", f"/{name}")[1]["meta"]["pagination"]["totalCount"]
            assert seen == count + self.seeded[name], name

    @invariant()
    def records_agree(self) -> None:
        """Every company of the model is read back as it should be, and found by its key alone."""
        for company_id, company in self.model.items():
            query = {"extraFields": f"{KEY}:{company.key}", "extraFieldFilterType": "exact-match"}
            found = self.send("GET", "/companies", **query)[1]["data"]
            assert [(row["companyId"], row["companyStatus"]) for row in found] == [(company_id, company.status)]
            users = self.send("GET", "/users", companyId=company_id)[1]["data"]
            assert {user["id"]: (user["email"], user["role"]) for user in users} == company.users
            addresses = self.send("GET", "/addresses", companyId=company_id, limit=200)[1]["data"]
            assert sorted(row["addressId"] for row in addresses) == sorted(company.addresses)
            defaults = {
                flag: row["addressId"]
                for row in addresses
                for flag in ("Billing", "Shipping")
                if row[f"isDefault{flag}"]
            }
            assert defaults == company.defaults

    @invariant()
    def state_survives(self) -> None:
        """The state, put into another twin, is the same state."""
        state = msgspec.json.decode(msgspec.json.encode(self.twin.state()))
        other = create_app(TwinEnvironment())
        other.load(state)
        assert other.state() == self.twin.state()


StoreMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestStoreAgainstModel = StoreMachine.TestCase
