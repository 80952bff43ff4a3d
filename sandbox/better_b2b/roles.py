"""Roles and permissions: store-wide, predefined ones for ever (docs/api/better_b2b.md#roles)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.better_b2b.entity import longest_values, shown
from sandbox.better_b2b.envelope import SUCCESS_COMPANY, Reply, ok, plain_refusal, resource_refusal
from sandbox.better_b2b.records import CUSTOM_ROLE, LEVELS, PREDEFINED_ROLE, Permission, Role
from sandbox.better_b2b.request import WIDE_LIMITS, cut, read_limits

if TYPE_CHECKING:
    from sandbox.better_b2b.request import Request
    from sandbox.better_b2b.state import Store

_ROLE_NAME_MAX = longest_values(Role)["name"]


def role_view(store: Store, role: Role, *, with_permissions: bool) -> dict[str, Any]:
    """A role as lists show it, in detail with its permissions."""
    held = [
        {"id": store.permissions[code].id, "code": code, "permissionLevel": level}
        for code, level in role.permissions.items()
    ]
    view = shown(role, permissions=held)
    if not with_permissions:
        del view["permissions"]
    return view


def get_roles(store: Store, request: Request) -> Reply:
    """`GET /companies/roles`; `q` is part of the name."""
    limits = read_limits(store, request, WIDE_LIMITS)
    part = (request.value("q") or "").casefold()
    rows, page = cut([role for role in store.roles.values() if part in role.name.casefold()], *limits)
    return ok([role_view(store, role, with_permissions=False) for role in rows], SUCCESS_COMPANY, page)


def get_role(store: Store, request: Request) -> Reply:
    """`GET /companies/roles/{roleId}`."""
    return ok(role_view(store, find_role(store, request.ids[0]), with_permissions=True), SUCCESS_COMPANY)


def post_role(store: Store, request: Request) -> Reply:
    """`POST /companies/roles`: a custom role."""
    name, permissions = _read_role(store, request.body, None)
    role = Role(id=store.next_role_id, name=name, role_type=CUSTOM_ROLE, permissions=permissions)
    store.next_role_id += 1
    store.roles[role.id] = role
    store.changed()
    return ok(role_view(store, role, with_permissions=True), SUCCESS_COMPANY)


def put_role(store: Store, request: Request) -> Reply:
    """`PUT /companies/roles/{roleId}`: name and the whole permission set (statement 32)."""
    role = _find_custom_role(store, request.ids[0], "updated")
    role.name, role.permissions = _read_role(store, request.body, role)
    store.changed()
    return ok(role_view(store, role, with_permissions=True), SUCCESS_COMPANY)


def delete_role(store: Store, request: Request) -> Reply:
    """`DELETE /companies/roles/{roleId}`: custom and unused roles only."""
    role = _find_custom_role(store, request.ids[0], "deleted")
    if store.users_by_role.count(role.id):
        status = store.settings["assigned_role_status"]
        raise plain_refusal(status, "The role is assigned to users and can not be deleted.")
    del store.roles[role.id]
    store.changed()
    return ok({}, SUCCESS_COMPANY)


def get_permissions(store: Store, request: Request) -> Reply:
    """`GET /companies/permissions`: all of them, without paging; `q` is part of the name."""
    part = (request.value("q") or "").casefold()
    rows = [shown(each) for each in store.permissions.values() if part in each.name.casefold()]
    return ok(rows, SUCCESS_COMPANY)


def post_permission(store: Store, request: Request) -> Reply:
    """`POST /companies/permissions`: a custom permission."""
    texts = _read_permission(store, request.body, None)
    permission = Permission(
        id=store.next_permission_id,
        name=texts["name"],
        description=texts["description"],
        code=texts["code"],
        is_custom=True,
        module_name=texts["moduleName"],
    )
    store.next_permission_id += 1
    store.permissions[permission.code] = permission
    store.changed()
    return ok(shown(permission), SUCCESS_COMPANY)


def put_permission(store: Store, request: Request) -> Reply:
    """`PUT /companies/permissions/{permissionId}`: custom ones only."""
    permission = _find_custom_permission(store, request.ids[0], "updated")
    texts = _read_permission(store, request.body, permission)
    old_code, new_code = permission.code, texts["code"]
    permission.name, permission.description, permission.code, permission.module_name = (
        texts["name"],
        texts["description"],
        new_code,
        texts["moduleName"],
    )
    store.permissions = {each.code: each for each in store.permissions.values()}
    for role in store.roles.values():
        role.permissions = {new_code if code == old_code else code: level for code, level in role.permissions.items()}
    store.changed()
    return ok(shown(permission), SUCCESS_COMPANY)


def delete_permission(store: Store, request: Request) -> Reply:
    """`DELETE /companies/permissions/{permissionId}`: custom ones only; roles lose it."""
    permission = _find_custom_permission(store, request.ids[0], "deleted")
    del store.permissions[permission.code]
    for role in store.roles.values():
        role.permissions.pop(permission.code, None)
    store.changed()
    return ok({}, SUCCESS_COMPANY)


def find_role(store: Store, role_id: int) -> Role:
    """A role by id.

    Raises:
        Refusal: 404 shape 3.
    """
    role = store.roles.get(role_id)
    if role is None:
        raise resource_refusal()
    return role


def _find_custom_role(store: Store, role_id: int, verb: str) -> Role:
    role = find_role(store, role_id)
    if role.role_type == PREDEFINED_ROLE:
        raise plain_refusal(store.settings["predefined_role_status"], f"Predefined roles can not be {verb}.")
    return role


def _find_custom_permission(store: Store, permission_id: int, verb: str) -> Permission:
    permission = next((each for each in store.permissions.values() if each.id == permission_id), None)
    if permission is None:
        raise resource_refusal()
    if not permission.is_custom:
        raise plain_refusal(store.settings["predefined_role_status"], f"Predefined permissions can not be {verb}.")
    return permission


def _read_role(store: Store, body: Any, present: Role | None) -> tuple[str, dict[str, int]]:
    name = body.get("name") if isinstance(body, dict) else None
    if not isinstance(name, str) or not name.strip():
        raise plain_refusal(422, "The role name is required.")
    if len(name) > _ROLE_NAME_MAX:
        raise plain_refusal(422, f"The role name may not be longer than {_ROLE_NAME_MAX} characters.")
    if any(role is not present and role.name.casefold() == name.casefold() for role in store.roles.values()):
        raise plain_refusal(422, "The role name already exists.")
    items = body.get("permissions")
    if not isinstance(items, list):
        raise plain_refusal(422, "The permissions are required.")
    permissions: dict[str, int] = {}
    for item in items:
        code, level = (item.get("code"), item.get("permissionLevel")) if isinstance(item, dict) else (None, None)
        if not isinstance(code, str) or code not in store.permissions:
            raise plain_refusal(store.settings["unknown_permission_status"], f"The permission {code} does not exist.")
        if isinstance(level, bool) or not isinstance(level, int) or level not in LEVELS:
            raise plain_refusal(422, f"The permission level of {code} is invalid.")
        permissions[code] = level
    return name, permissions


def _read_permission(store: Store, body: Any, present: Permission | None) -> dict[str, str]:
    texts: dict[str, str] = {}
    for name, longest in longest_values(Permission).items():
        value = body.get(name, "" if name == "description" else None) if isinstance(body, dict) else None
        if not isinstance(value, str) or (not value and name != "description"):
            raise plain_refusal(422, f"The permission {name} is required.")
        if len(value) > longest:
            raise plain_refusal(422, f"The permission {name} may not be longer than {longest} characters.")
        texts[name] = value
    for other in store.permissions.values():
        if other is not present and (other.name == texts["name"] or other.code == texts["code"]):
            raise plain_refusal(422, "The permission name and code must be unique.")
    return texts
