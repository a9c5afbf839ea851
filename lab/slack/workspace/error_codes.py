"""The error codes that Slack documents for each method (docs.slack.dev: reference/methods, Apr-Sep 2026), in one table.

A few more were seen in the field or stand in the guides only. Slack adds codes without notice: an app must live with
ones that are in no table.
"""

from collections.abc import Mapping


def _codes(names: str) -> frozenset[str]:
    return frozenset(names.split())


ANY_METHOD = _codes(
    "access_denied accesslimited account_inactive deprecated_endpoint ekm_access_denied enterprise_is_restricted "
    "fatal_error internal_error invalid_arg_name invalid_arguments invalid_array_arg invalid_auth invalid_charset "
    "invalid_form_data invalid_post_type invalid_token is_bot method_deprecated missing_argument missing_post_type "
    "missing_scope no_permission not_allowed_token_type not_authed org_login_required ratelimited request_timeout "
    "service_unavailable team_access_not_granted team_added_to_org token_expired token_revoked "
    "two_factor_setup_required"
)
"""Any method may answer these: the token, the workspace, the request as such, and Slack itself."""

BY_METHOD: Mapping[str, frozenset[str]] = {
    "apps.connections.open": _codes(
        "forbidden_team insecure_request internal_error invalid_auth missing_args socket_mode_not_enabled"
    ),
    "auth.test": _codes("internal_error invalid_auth"),
    "bookmarks.add": _codes(
        "access_denied cannot_bookmark_from_external_org cannot_bookmark_restricted_sharing_enabled "
        "channel_not_found file_already_added file_not_found invalid_app_action_type invalid_bookmark_type "
        "invalid_child_type invalid_emoji invalid_entity_id invalid_link invalid_parent_type "
        "invalid_shortcut_type not_implemented parent_bookmark_disabled parent_with_link permission_denied "
        "slack_connect_blocked_file_type slack_connect_clip_sharing_blocked "
        "slack_connect_file_upload_sharing_blocked too_many_bookmarks too_many_requests too_many_tabs"
    ),
    "chat.delete": _codes("cant_delete_message channel_not_found message_not_found"),
    "chat.deleteScheduledMessage": _codes("bad_token channel_not_found invalid_scheduled_message_id"),
    "chat.getPermalink": _codes("channel_not_found message_not_found"),
    "chat.postEphemeral": _codes(
        "cannot_reply_to_message channel_not_found invalid_attachments invalid_blocks invalid_blocks_format "
        "is_archived markdown_text_conflict message_limit_exceeded messages_tab_disabled msg_too_long no_text "
        "not_in_channel restricted_action too_many_attachments user_not_in_channel"
    ),
    "chat.postMessage": _codes(
        "app_access_restricted as_user_not_supported attachment_payload_limit_exceeded "
        "cannot_reply_to_message channel_not_found draft_already_deleted draft_already_sent "
        "draft_has_conflict draft_not_found duplicate_channel_not_found duplicate_message_not_found "
        "ekm_access_denied invalid_arguments invalid_blocks invalid_blocks_format invalid_metadata_format "
        "invalid_metadata_schema is_archived markdown_text_conflict message_limit_exceeded "
        "messages_tab_disabled metadata_must_be_sent_from_app metadata_too_large missing_file_data "
        "msg_blocks_too_long msg_too_long no_text not_in_channel rate_limited restricted_action "
        "restricted_action_non_threadable_channel restricted_action_read_only_channel "
        "restricted_action_thread_locked restricted_action_thread_only_channel send_on_behalf_not_allowed "
        "slack_connect_canvas_sharing_blocked slack_connect_file_link_sharing_blocked "
        "slack_connect_lists_sharing_blocked team_not_found thread_not_found too_many_attachments "
        "too_many_contact_cards"
    ),
    "chat.scheduleMessage": _codes(
        "channel_not_found invalid_blocks invalid_blocks_format invalid_metadata_format "
        "invalid_metadata_schema invalid_time invalid_token is_archived markdown_text_conflict "
        "message_limit_exceeded metadata_must_be_sent_from_app metadata_too_large msg_too_long no_text "
        "not_in_channel rate_limited restricted_action restricted_action_non_threadable_channel "
        "restricted_action_read_only_channel restricted_action_thread_only_channel restricted_too_many "
        "slack_connect_file_link_sharing_blocked time_in_past time_too_far too_many_attachments"
    ),
    "chat.scheduledMessages.list": _codes("invalid_channel invalid_cursor invalid_token"),
    "chat.update": _codes(
        "as_user_not_supported block_mismatch blocked_file_type cant_broadcast_message cant_update_message "
        "channel_not_found edit_window_closed ekm_access_denied external_channel_migrating file_deleted "
        "file_is_deleted file_not_found file_share_limit_reached invalid_attachments invalid_blocks "
        "invalid_blocks_format invalid_metadata_format invalid_metadata_schema is_archived is_inactive "
        "markdown_text_conflict max_file_sharing_exceeded message_limit_exceeded message_not_found "
        "metadata_must_be_sent_from_app metadata_too_large msg_blocks_too_long msg_too_long "
        "no_dual_broadcast_content_update no_text not_in_channel posting_to_channel_denied restricted_action "
        "slack_connect_blocked_file_type slack_connect_canvas_sharing_blocked "
        "slack_connect_clip_sharing_blocked slack_connect_file_link_sharing_blocked "
        "slack_connect_file_upload_sharing_blocked streaming_state_conflict team_not_found "
        "too_many_attachments unable_to_share_files update_failed"
    ),
    "conversations.history": _codes(
        "channel_is_limited_access channel_not_found invalid_cursor invalid_metadata_filter_keys "
        "invalid_ts_latest invalid_ts_oldest not_in_channel"
    ),
    "conversations.info": _codes("channel_is_limited_access channel_not_found missing_scope"),
    "conversations.join": _codes(
        "channel_is_limited_access channel_not_found is_archived method_not_supported_for_channel_type "
        "missing_scope too_many_members"
    ),
    "conversations.list": _codes(
        "invalid_cursor invalid_limit invalid_types method_not_supported_for_channel_type missing_argument "
        "missing_scope"
    ),
    "conversations.members": _codes(
        "channel_not_found fetch_members_failed invalid_cursor invalid_limit "
        "method_not_supported_for_channel_type missing_scope"
    ),
    "conversations.open": _codes(
        "channel_not_found invalid_user_combination method_not_supported_for_channel_type missing_scope "
        "not_enough_users too_many_users user_disabled user_not_found user_not_visible "
        "users_list_not_supplied"
    ),
    "conversations.replies": _codes(
        "channel_not_found invalid_cursor invalid_metadata_filter_keys invalid_ts_latest invalid_ts_oldest "
        "list_record_comment_fetch_failed method_not_supported_for_channel_type missing_scope "
        "thread_not_found"
    ),
    "files.completeUploadExternal": _codes(
        "access_denied channel_not_found channels_limit_exceeded file_not_found file_type_not_allowed "
        "file_update_failed file_uploads_except_images_disabled invalid_blocks invalid_channel not_in_channel "
        "posting_to_channel_denied"
    ),
    "files.getUploadURLExternal": _codes(
        "alt_txt_too_large file_type_not_allowed file_upload_size_restricted file_uploads_disabled "
        "file_uploads_except_images_disabled missing_argument snippet_too_large storage_limit_reached "
        "unknown_snippet_type unknown_subtype"
    ),
    "pins.add": _codes(
        "already_pinned bad_timestamp channel_not_found external_channel_migrating file_not_found "
        "file_not_shared message_not_found no_item_specified not_in_channel not_pinnable restricted_action "
        "too_many_pins"
    ),
    "reactions.add": _codes(
        "already_reacted bad_timestamp channel_not_found external_channel_migrating invalid_name is_archived "
        "message_not_found no_access no_item_specified not_reactable thread_locked too_many_emoji "
        "too_many_reactions"
    ),
    "usergroups.list": _codes("invalid_cursor invalid_team missing_argument plan_upgrade_required users_not_found"),
    "usergroups.users.list": _codes(
        "invalid_cursor invalid_team missing_argument no_such_subteam plan_upgrade_required users_not_found"
    ),
    "users.info": _codes("too_many_users user_not_found user_not_visible"),
    "users.list": _codes("invalid_cursor limit_required missing_argument"),
    "users.lookupByEmail": _codes("enterprise_is_restricted users_not_found"),
    "views.open": _codes(
        "duplicate_external_id exchanged_trigger_id expired_trigger_id invalid_arguments invalid_trigger_id "
        "trigger_exchanged trigger_expired view_too_large"
    ),
    "views.publish": _codes(
        "duplicate_external_id hash_conflict invalid_arguments missing_profile_id not_allowed_token_type "
        "not_enabled not_implemented user_not_found view_too_large"
    ),
    "views.push": _codes(
        "duplicate_external_id exchanged_trigger_id expired_trigger_id invalid_trigger_id not_found "
        "push_limit_reached trigger_exchanged trigger_expired view_too_large"
    ),
    "views.update": _codes("duplicate_external_id hash_conflict not_found view_too_large"),
}
"""Besides, by method."""


def documented(method: str) -> frozenset[str]:
    """Return every code that a method may answer."""
    return ANY_METHOD | BY_METHOD[method]
