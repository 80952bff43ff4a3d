"""The store's pages for people: the fourth and fifth step of the incumbent's guide."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests

if TYPE_CHECKING:
    from conftest import StoreClient

KEY = "Acumatica Customer ID"


def _page(store: StoreClient, path: str) -> str:
    answer = requests.get(store.url + path, headers={"Accept": "text/html"}, timeout=5)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    return answer.text


def test_lists_companies_with_view_when_opened(store: StoreClient) -> None:
    """The Company list shows each company with its status, key and a View."""
    company_id = store.new_company(companyName="Ångström & Co", extraFields=[{"fieldName": KEY, "fieldValue": "C007"}])
    page = _page(store, "/")
    assert "Ångström &amp; Co" in page
    assert "C007" in page
    assert f'href="/companies/{company_id}"' in page
    assert "Pending" in page


def test_finds_and_pages_companies_when_there_are_many(store: StoreClient) -> None:
    """The list is paged, and searched by name, e-mail or key."""
    store.control("POST", "/seed", {"companies": 60})
    store.new_company(companyName="Zzz Needle", extraFields=[{"fieldName": KEY, "fieldValue": "C-NEEDLE"}])
    first = _page(store, "/")
    assert "Zzz Needle" not in first
    assert 'rel="next" href="/?q=&amp;offset=25"' in first
    assert "Zzz Needle" in _page(store, "/?q=&offset=50")
    for text in ("needle", "C-NEEDLE"):
        found = _page(store, f"/?q={text}")
        assert "Zzz Needle" in found
        assert "Background" not in found
    assert "No company found." in _page(store, "/?q=nothing-like-this")


def test_shows_five_tabs_when_a_company_is_viewed(store: StoreClient) -> None:
    """The View has the five parts with the labels of the guide, each with the company's data."""
    company_id = store.new_company(adminFirstName="Dana", adminLastName="Rivera")
    store.new_user(company_id, firstName="Lee", lastName="Okafor", email="lee@northwind.example")
    store.new_address(company_id, label="East Bay warehouse", externalId="C1:EAST", isShipping=True)
    store.put(f"/companies/{company_id}/payments", {"payments": [{"code": "cheque", "isEnabled": True}]})
    store.put(f"/companies/{company_id}/payment-terms", {"isEnabled": True, "paymentTerms": 45})
    path = f"/companies/{company_id}"
    start = _page(store, path)
    for label in ("Basic Information", "Company User(s)", "Payment Methods", "Address Book", "User Role"):
        assert label in start
    assert "+1 (555) 010-4420" in start
    users = _page(store, path + "?tab=users")
    assert "lee@northwind.example" in users
    assert "Junior Buyer" in users
    payments = _page(store, path + "?tab=payments")
    assert "45 days" in payments
    assert payments.count("<td>Yes</td>") == 1
    addresses = _page(store, path + "?tab=addresses")
    assert "East Bay warehouse" in addresses
    assert "C1:EAST" in addresses
    roles = _page(store, path + "?tab=role")
    assert "Dana Rivera" in roles
    assert f'href="/roles/{store.role_id("Admin")}"' in roles


def test_lists_permissions_when_a_role_is_viewed(store: StoreClient) -> None:
    """A role's View lists all of its permissions with their levels."""
    junior = store.get(f"/companies/roles/{store.role_id('Junior Buyer')}").data
    page = _page(store, f"/roles/{junior['id']}")
    for permission in junior["permissions"]:
        assert f"<code>{permission['code']}</code>" in page
    assert "purchase_enable" not in page
    assert "Junior Buyer" in _page(store, "/roles")


def test_escapes_everything_when_data_looks_like_markup(store: StoreClient) -> None:
    """Data can never become markup."""
    evil = "<script>alert(1)</script>"
    company_id = store.new_company(companyName=evil, adminFirstName=evil, city=evil)
    store.new_address(company_id, label=evil, firstName=evil)
    pages = [_page(store, "/"), _page(store, "/?q=" + evil)]
    tabs = ("basic", "users", "payments", "addresses", "role")
    pages += [_page(store, f"/companies/{company_id}?tab={tab}") for tab in tabs]
    assert all("<script>" not in page for page in pages)
    assert "&lt;script&gt;" in pages[0]


def test_says_not_found_in_the_asker_s_dress_when_there_is_no_page(store: StoreClient) -> None:
    """A browser gets a page, a client with a wrong prefix the gateway's form."""
    for path in ("/companies/1", "/companies/x", "/nowhere", "/roles/1", f"/companies/{store.new_company()}?tab=x"):
        answer = requests.get(store.url + path, headers={"Accept": "text/html"}, timeout=5)
        assert (answer.status_code, "Not found" in answer.text) == (404, True)
    answer = requests.get(store.url + "/v3/companies", headers={"Accept": "application/json"}, timeout=5)
    assert (answer.status_code, answer.json()) == (404, {"code": 404, "message": "Not Found"})


def test_serves_its_style_sheet_when_linked(store: StoreClient) -> None:
    """The one style sheet that pages link is there."""
    answer = requests.get(store.url + "/static/store.css", timeout=5)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/css; charset=utf-8")
