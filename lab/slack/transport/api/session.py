"""auth.test and apps.connections.open: who the app is, and where its websocket is."""

from lab.slack.transport.api.registry import Call
from lab.slack.workspace.messages import Json
from lab.slack.workspace.refusals import RefusalError


def auth_test(call: Call) -> Json:
    directory = call.workspace.directory
    bot = call.workspace.users[call.workspace.bot_id]
    return {
        "url": f"https://{directory.team.domain}.slack.com/",
        "team": directory.team.name,
        "user": bot.name,
        "team_id": directory.team.id,
        "user_id": bot.id,
        "bot_id": directory.app.bot_id,
        "is_enterprise_install": call.workspace.is_org_wide,
    }


def connections_open(call: Call) -> Json:
    if not call.workspace.manifest.settings.socket_mode_enabled:
        raise RefusalError("socket_mode_not_enabled")
    return {"url": call.websocket_url()}
