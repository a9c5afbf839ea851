"""Decides what a refusal of Slack's is about, and what is tried next. Pure; the one table of Slack's error codes.

Slack adds codes without notice: one that is not here is about nothing we know, so that every way is tried and nothing
is given up because of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum


class About(StrEnum):
    """What a refusal is about, and with that what becomes of what was refused."""

    MESSAGE = "not this message"
    THREAD = "not this thread"
    PLACE = "not this place"
    BOT = "not me now"
    BUSY = "not so fast"
    MAYBE = "not now"
    CALL = "not this call"
    UNKNOWN = "unknown"


WORDS: Mapping[About, str] = {
    About.MESSAGE: "The message in a poorer form: without the mention of a group, then as text alone. What is refused "
    "even so is given up: `/migrate history`, metrics and log say so. A page is never given up.",
    About.THREAD: "The message in the channel instead of the thread.",
    About.PLACE: "The message in another place: the channel instead of its thread, then `[slack] channel`, then a "
    "direct message to who asked; a page to everybody on call too.",
    About.BOT: "Nothing at first. Everything waits, in order, for as long as it lasts; `/health`, metrics and log say "
    "why. Pages are said first when it is over.",
    About.BUSY: "The message a little later: as long as Slack asks.",
    About.MAYBE: "The message a little later, after a look whether it is there already. What fails alone for six hours "
    "is given up, pages never.",
    About.CALL: "An answer that says why, to the person whose form, file or Home it is; nobody else notices.",
    About.UNKNOWN: "The message in every form and every place in turn; then the same as *not now*.",
}
"""What people see, for docs/reference/slack-errors.md."""


def _codes(names: str) -> tuple[str, ...]:
    return tuple(names.split())


GROUPS: Mapping[About, tuple[str, ...]] = {
    About.BUSY: _codes("ratelimited rate_limited message_limit_exceeded too_many_requests"),
    About.MAYBE: _codes(
        "internal_error fatal_error service_unavailable request_timeout team_added_to_org update_failed "
        "external_channel_migrating fetch_members_failed file_update_failed duplicate_message_not_found "
        "duplicate_channel_not_found streaming_state_conflict hash_conflict list_record_comment_fetch_failed"
    ),
    About.BOT: _codes(
        "account_inactive invalid_auth not_authed token_revoked token_expired invalid_token missing_scope "
        "not_allowed_token_type org_login_required ekm_access_denied enterprise_is_restricted access_denied "
        "accesslimited no_permission team_access_not_granted two_factor_setup_required app_access_restricted "
        "missing_argument missing_args team_not_found invalid_team forbidden_team is_bot method_deprecated "
        "deprecated_endpoint insecure_request socket_mode_not_enabled plan_upgrade_required"
    ),
    About.PLACE: _codes(
        "channel_not_found not_in_channel is_archived is_inactive restricted_action messages_tab_disabled "
        "restricted_action_read_only_channel restricted_action_thread_only_channel posting_to_channel_denied "
        "channel_is_limited_access send_on_behalf_not_allowed user_not_in_channel user_not_found users_not_found "
        "user_disabled user_not_visible method_not_supported_for_channel_type invalid_channel"
    ),
    About.THREAD: _codes(
        "cannot_reply_to_message thread_not_found restricted_action_thread_locked "
        "restricted_action_non_threadable_channel cant_broadcast_message"
    ),
    About.MESSAGE: _codes(
        "no_text msg_too_long invalid_blocks invalid_blocks_format msg_blocks_too_long block_mismatch "
        "too_many_attachments invalid_attachments attachment_payload_limit_exceeded invalid_metadata_format "
        "invalid_metadata_schema metadata_too_large metadata_must_be_sent_from_app markdown_text_conflict "
        "invalid_arguments invalid_arg_name invalid_array_arg invalid_charset invalid_form_data invalid_post_type "
        "missing_post_type as_user_not_supported draft_already_deleted draft_already_sent draft_has_conflict "
        "draft_not_found missing_file_data too_many_contact_cards slack_connect_canvas_sharing_blocked "
        "slack_connect_file_link_sharing_blocked slack_connect_lists_sharing_blocked slack_connect_blocked_file_type "
        "slack_connect_clip_sharing_blocked slack_connect_file_upload_sharing_blocked message_not_found "
        "cant_update_message edit_window_closed no_dual_broadcast_content_update blocked_file_type file_deleted "
        "file_is_deleted file_not_found file_share_limit_reached max_file_sharing_exceeded unable_to_share_files"
    ),
    About.CALL: _codes(
        "view_too_large duplicate_external_id exchanged_trigger_id expired_trigger_id invalid_trigger_id "
        "trigger_expired trigger_exchanged push_limit_reached not_found not_enabled not_implemented missing_profile_id "
        "invalid_cursor invalid_ts_latest invalid_ts_oldest invalid_metadata_filter_keys no_such_subteam "
        "too_many_users channels_limit_exceeded file_type_not_allowed file_uploads_except_images_disabled "
        "file_uploads_disabled file_upload_size_restricted alt_txt_too_large snippet_too_large storage_limit_reached "
        "unknown_snippet_type unknown_subtype invalid_user_combination not_enough_users users_list_not_supplied"
    ),
}
CODES: Mapping[str, About] = {code: about for about, codes in GROUPS.items() for code in codes}
"""Every code we know."""

CLOSED = frozenset({"channel_not_found", "not_in_channel", "is_archived"})
"""After these nothing goes into that channel, thread or not."""
GONE = frozenset({"message_not_found"})
"""Somebody deleted what was to be edited."""

HINTS: Mapping[str, str] = {
    "invalid_auth": "Check SLACK_BOT_TOKEN.",
    "not_authed": "Set SLACK_BOT_TOKEN.",
    "account_inactive": "The app was removed from the workspace; install it again.",
    "token_revoked": "The token was revoked; install the app again.",
    "token_expired": "The token has expired; install the app again.",
    "missing_scope": "Install the app again from manifest.yml.",
    "org_login_required": "The workspace is being moved into an organisation; that ends by itself.",
    "ekm_access_denied": "The workspace's own keys (EKM) are withheld; its administrators can say why.",
    "access_denied": "The workspace does not let the app in from this address, or at all; ask its administrators.",
    "accesslimited": "The workspace does not let the app in from this address, or at all; ask its administrators.",
    "team_access_not_granted": "The app is not installed in this workspace of the organisation.",
    "missing_argument": "This stays: a token of an org-wide install has no workspace of its own. Install the app in "
    "one workspace and use that token.",
    "channel_not_found": "Invite the bot to the channel, or check [slack] channel.",
    "not_in_channel": "Invite the bot to the channel.",
    "is_archived": "The channel is archived; choose another [slack] channel.",
    "restricted_action": "The workspace lets only some people post there, or mention a group.",
    "restricted_action_read_only_channel": "The workspace lets only some people post there.",
    "socket_mode_not_enabled": "Switch on Socket Mode in the app's settings.",
    "no_such_subteam": "There is no such user group; check the id in the settings.",
    "plan_upgrade_required": "User groups need a paid plan; name users instead.",
}
"""What a human may do about it."""


def about(code: str) -> About:
    """Say what a refusal is about."""
    return CODES.get(code, About.UNKNOWN)


class Next(Enum):
    """What is tried after a refusal."""

    POORER = "the same place, in a poorer form"
    ELSEWHERE = "the next place"
    STOP = "nothing: whoever keeps it decides"


@dataclass(frozen=True, slots=True)
class Refused:
    """One refused post: the code, where it was to go, and in which form."""

    code: str
    is_in_thread: bool = False
    mentions_group: bool = False
    has_poorer_form: bool = False


def after(refused: Refused) -> Next:
    """Decide what is tried next. Refusals that Slack means for the bot as a whole change nothing by trying more."""
    match about(refused.code):
        case About.BOT | About.BUSY | About.MAYBE:
            return Next.STOP
        case About.PLACE if refused.code == "restricted_action" and refused.mentions_group and refused.has_poorer_form:
            return Next.POORER  # the same code forbids a group's mention (slack-api-docs#85)
        case About.PLACE | About.THREAD:
            return Next.ELSEWHERE
        case About.MESSAGE | About.CALL:
            return Next.POORER if refused.has_poorer_form else Next.STOP
        case _:
            return Next.POORER if refused.has_poorer_form else Next.ELSEWHERE


_FORM = frozenset(_codes("invalid_blocks invalid_blocks_format msg_blocks_too_long invalid_attachments"))


def is_about_form(code: str) -> bool:
    """Whether a refusal may be of the kind of block that a message has, so that another form is worth trying."""
    return code in _FORM
