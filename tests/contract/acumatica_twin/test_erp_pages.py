"""The ERP's screens for people: the five steps' first two by hand, on the same state and rules as the API."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import quote

import requests


def _form(text: str) -> dict[str, str]:
    """What a browser would send back unchanged."""
    form: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", text):
        attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        kind, name = attributes.get("type"), attributes.get("name")
        if name is None or (kind in ("checkbox", "radio") and " checked" not in tag):
            continue
        form[html.unescape(name)] = html.unescape(attributes.get("value", ""))
    for name, options in re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', text, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected>', options)
        form[html.unescape(name)] = html.unescape(chosen.group(1)) if chosen else ""
    return form


def _page(erp: Any, path: str) -> str:
    answer = erp.get(path)
    assert answer.status_code == 200, answer.text
    text: str = answer.text
    return text


def _follow(erp: Any, path: str, form: dict[str, str]) -> tuple[int, str, str]:
    answer = requests.post(erp.url + path, data=form, timeout=30)
    return answer.status_code, answer.url.removeprefix(erp.url), answer.text


def _url_of(erp: Any, key: str) -> str:
    found = re.search(r'href="(/customers/[0-9a-f-]{36})"', _page(erp, f"/?search={key}"))
    assert found is not None
    return found.group(1)


def test_customers_are_listed_when_the_first_page_is_opened(erp: Any) -> None:
    """The list shows id, name, e-mail and commerce, in pages, and finds by id, name and e-mail."""
    text = _page(erp, "/")
    assert "60 customers, page 1 of 2" in text
    assert "C000001" in text
    assert "C000060" in _page(erp, "/?page=2")
    name = erp.customer("C000007")["CustomerName"]["value"]
    for search in ("c000007", name, erp.customer("C000007")["Email"]["value"]):
        assert "C000007" in _page(erp, f"/?search={quote(search)}")
    assert "No customer matches." in _page(erp, "/?search=nothing-like-this")


def test_markup_is_shown_as_text_when_a_name_holds_some(erp: Any) -> None:
    """Names are escaped everywhere, and no page runs scripts."""
    for path in ("/?search=C000060", _url_of(erp, "C000060")):
        answer = erp.get(path)
        assert "O&#39;Brien &amp; &#34;Sons&#34; &lt;Ltd&gt; {{7*7}}" in answer.text
        assert "<Ltd>" not in answer.text
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    answer = erp.get("/?search=<script>alert(1)</script>")
    assert "<script>" not in answer.text


def test_screen_has_the_labels_of_the_guide_when_a_customer_is_opened(erp: Any) -> None:
    """General, Contacts, Locations and Kensium Commerce, with the incumbent's labels."""
    text = _page(erp, _url_of(erp, "C000001"))
    for label in (
        ">General<",
        ">Contacts<",
        ">Locations<",
        ">Kensium Commerce<",
        ">Customer Class<",
        ">Account Email<",
        "Enable Kensium Commerce Framework",
        "Site Association",
        "Connection Type",
        "Commerce Reference ID",
        ">Save<",
    ):
        assert label in text


def test_customer_is_opted_in_when_a_person_follows_the_guide(erp: Any) -> None:
    """New customer with e-mail and class B2B, tick and KNB in the Site Association, Save: the API shows it all."""
    form = _form(_page(erp, "/customers/new"))
    form.update({"CustomerName": "Brand New Ltd", "MainContact/Email": "office@brandnew.example"})
    status, path, text = _follow(erp, "/customers/new", form)
    assert (status, "The record has been saved." in text) == (200, True)
    form = _form(text)
    form.update({"site/0/Active": "true", "site/0/ConnectionType": "KNB"})
    status, path, text = _follow(erp, path.partition("?")[0], form)
    assert "The record has been saved." in text
    made = erp.customer("C000061", expand="SiteAssociations")
    assert made["CustomerClass"] == {"value": "B2B"}
    assert made["Email"] == {"value": "office@brandnew.example"}
    assert (made["EnableKensiumCommerce"], made["ConnectionType"]) == ({"value": True}, {"value": "KNB"})
    assert [row["SiteID"]["value"] for row in made["SiteAssociations"]] == ["B2BMAIN"]


def test_contacts_and_locations_are_kept_when_a_person_adds_and_deletes_them(erp: Any) -> None:
    """A contact ticked Primary becomes the primary contact; a location can be added and deleted."""
    owner = _url_of(erp, "C000001")
    form = {**_form(_page(erp, f"{owner}/contacts/new")), "FirstName": "Ada", "LastName": "Quill", "IsPrimary": "true"}
    status, path, text = _follow(erp, f"{owner}/contacts/new", {**form, "Email": "ada@quill.example"})
    assert (status, "The record has been saved." in text) == (200, True)
    number = erp.ids("Contact", "ContactID", "Email eq 'ada@quill.example'")[0]
    assert erp.customer("C000001")["PrimaryContactID"] == {"value": number}
    form = {**_form(_page(erp, f"{owner}/locations/new")), "LocationID": "dock9", "LocationName": "Dock"}
    status, path, text = _follow(erp, f"{owner}/locations/new", form)
    assert "DOCK9" in erp.ids("CustomerLocation", "LocationID", "Customer eq 'C000001'")
    _follow(erp, f"{path.partition('?')[0]}/delete", {})
    assert "DOCK9" not in erp.ids("CustomerLocation", "LocationID", "Customer eq 'C000001'")


def test_stamp_moves_when_only_a_linked_part_was_saved_on_the_screen(erp: Any) -> None:
    """Save on the screen moves the customer's stamp, which the API's linked edits do not."""
    before = erp.customer("C000001")
    path = _url_of(erp, "C000001")
    form = _form(_page(erp, path))
    form["MainContact/Email"] = "changed@firm.example"
    assert _follow(erp, path, form)[0] == 200
    after = erp.customer("C000001")
    assert after["Email"] == {"value": "changed@firm.example"}
    assert after["LastModifiedDateTime"]["value"] > before["LastModifiedDateTime"]["value"]


def test_nothing_else_changes_when_a_screen_is_saved_as_it_was(erp: Any) -> None:
    """Saving an untouched form stores the same values, for customers, contacts and locations."""
    for key in ("C000001", "C000043", "C000049", "C000050"):
        before = erp.customer(key, expand="SiteAssociations,BillingContact,BillingContact/Address")
        path = _url_of(erp, key)
        assert _follow(erp, path, _form(_page(erp, path)))[0] == 200
        after = erp.customer(key, expand="SiteAssociations,BillingContact,BillingContact/Address")
        for row in (before, after):
            del row["LastModifiedDateTime"]
        assert after == before
    contact = erp.get(f"{erp.extended}/Contact/100021").json()
    path = f"/contacts/{contact['id']}"
    assert _follow(erp, path, _form(_page(erp, path)))[0] == 200
    after = erp.get(f"{erp.extended}/Contact/100021").json()
    assert {**after, "LastModifiedDateTime": 0} == {**contact, "LastModifiedDateTime": 0}


def test_complaint_stands_at_the_field_when_a_value_is_refused(erp: Any) -> None:
    """A refused save keeps what was typed, says what is wrong, and stores nothing."""
    path = _url_of(erp, "C000001")
    before = erp.customer("C000001")
    form = {**_form(_page(erp, path)), "MainContact/Email": "no-address", "CustomerName": "Typed"}
    status, _, text = _follow(erp, path, form)
    assert status == 422
    assert "The e-mail address is not valid." in text
    assert 'value="no-address"' in text
    assert 'value="Typed"' in text
    assert erp.customer("C000001") == before


def test_form_is_refused_when_another_site_sends_it(erp: Any) -> None:
    """A page of another origin cannot save here."""
    path = _url_of(erp, "C000001")
    form = _form(_page(erp, path))
    answer = requests.post(erp.url + path, data=form, headers={"Origin": "http://evil.example"}, timeout=10)
    assert answer.status_code == 403


def test_no_seat_is_taken_when_people_use_the_screens(erp: Any) -> None:
    """Screens need no API session and leave the licence alone."""
    seats = len(erp.control("GET", "state")["sessions"])
    _page(erp, "/")
    assert len(erp.control("GET", "state")["sessions"]) == seats
    assert erp.get("/customers/00000000-0000-0000-0000-000000000000").status_code == 404
