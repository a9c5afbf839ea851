"""users.* and usergroups.*: the people of the workspace as the app may know them."""

from lab.slack.transport.api.registry import Call
from lab.slack.workspace.directory import User, UserGroupEntry
from lab.slack.workspace.messages import Json
from lab.slack.workspace.refusals import RefusalError


def _body(call: Call, user: User) -> Json:
    team = call.workspace.directory.team
    profile: Json = {
        "real_name": user.real_name,
        "real_name_normalized": user.real_name,
        "display_name": user.name,
        "display_name_normalized": user.name,
        "team": user.team_id or team.id,
    }
    if user.email and "users:read.email" in call.workspace.manifest.scopes:
        profile["email"] = user.email
    if user.is_bot:
        profile["api_app_id"] = call.workspace.directory.app.id
    body: Json = {
        "id": user.id,
        "team_id": user.team_id or team.id,
        "name": user.name,
        "real_name": user.real_name,
        "deleted": user.deleted,
        "tz": user.tz,
        "tz_offset": user.tz_offset,
        "profile": profile,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "is_restricted": user.is_restricted,
        "is_ultra_restricted": user.is_ultra_restricted,
        "updated": 0,
    }
    if user.team_id and user.team_id != team.id and not user.enterprise_user_id:
        body["is_stranger"] = True  # docs.slack.dev: user object, of Slack Connect
    if user.deleted:  # what Slack leaves out of a user who was deactivated
        for key in ("tz", "tz_offset", "is_restricted", "is_ultra_restricted", "real_name"):
            del body[key]
    if user.enterprise_user_id:
        body["enterprise_user"] = {
            "id": user.enterprise_user_id,
            "enterprise_id": team.enterprise_id,
            "enterprise_name": "Contoso",
            "teams": [user.team_id or team.id],
        }
    return body


def users_info(call: Call) -> Json:
    user = call.workspace.member(call.args.required("user"))
    if user is None:
        raise RefusalError("user_not_found")
    return {"user": _body(call, user)}


def users_list(call: Call) -> Json:
    page, metadata = call.page([_body(call, user) for user in call.workspace.users.values()])
    return {"members": page, "cache_ts": int(call.workspace.clock.now()), "response_metadata": metadata}


def lookup_by_email(call: Call) -> Json:
    email = call.args.required("email").casefold()
    for user in call.workspace.users.values():
        if user.email and user.email.casefold() == email and not user.deleted:
            return {"user": _body(call, user)}
    raise RefusalError("users_not_found")


def _group_body(call: Call, group: UserGroupEntry) -> Json:
    body: Json = {
        "id": group.id,
        "team_id": call.workspace.directory.team.id,
        "is_usergroup": True,
        "name": group.name,
        "description": "",
        "handle": group.handle,
        "is_external": False,
        "date_create": 0,
        "date_update": 0,
        "date_delete": int(group.disabled),
        "auto_type": None,
        "user_count": len(group.users),
    }
    if call.args.flag("include_users"):
        body["users"] = list(group.users)
    return body


def _need_paid_plan(call: Call) -> None:
    if not call.workspace.directory.user_groups_enabled:
        raise RefusalError("plan_upgrade_required")


def usergroups_list(call: Call) -> Json:
    _need_paid_plan(call)
    disabled = call.args.flag("include_disabled")
    groups = [group for group in call.workspace.user_groups.values() if disabled or not group.disabled]
    return {"usergroups": [_group_body(call, group) for group in groups]}


def usergroups_users(call: Call) -> Json:
    """List the members, disabled people included: dropping them is the app's job."""
    _need_paid_plan(call)
    group = call.workspace.user_groups.get(call.args.required("usergroup"))
    if group is None or (group.disabled and not call.args.flag("include_disabled")):
        raise RefusalError("no_such_subteam")
    return {"users": list(group.users)}
