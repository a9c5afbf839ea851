"""A person in front of Slack: types, clicks, fills in forms, and sees what Slack shows to exactly this person."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lab.slack.people.input_field import Habits, InputField
from lab.slack.people.outcomes import Outcome, action_of, dialog_of, label_of, payload_of
from lab.slack.people.transcript import Transcript
from lab.slack.transport.event_feed import EventFeed
from lab.slack.transport.interactions import Interactions, failure_of
from lab.slack.transport.response_urls import Responses
from lab.slack.workspace.call_log import RecordedCall
from lab.slack.workspace.channels import Channel
from lab.slack.workspace.directory import User
from lab.slack.workspace.forms import fields, filled, find_field, initial_state, need_complete, state_key
from lab.slack.workspace.messages import Content, Json, Message
from lab.slack.workspace.modals import answer_submission
from lab.slack.workspace.refusals import NotOnScreenError, RefusalError
from lab.slack.workspace.view import View
from lab.slack.workspace.workspace import Workspace

_SUGGESTIONS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """The parts of the workspace that a person's actions go through."""

    workspace: Workspace
    interactions: Interactions
    events: EventFeed
    responses: Responses
    input_field: InputField


class Person:
    """One person of the workspace with a client: types, clicks, fills in forms, and sees."""

    def __init__(self, user: User, workplace: Workplace) -> None:
        self.user = user
        self.habits = Habits()
        self._workplace = workplace
        self._workspace = workplace.workspace
        self._message_state: dict[str, dict[str, dict[str, Any]]] = {}

    @property
    def id(self) -> str:
        return self.user.id

    @property
    def name(self) -> str:
        return self.user.name

    # -- typing -----------------------------------------------------------------------------------------------------

    def _enter(self, reference: str) -> Channel:
        """Find the conversation as this person may use it; `@app` and `@bob` are the direct messages with them."""
        if reference in {"@app", self._workspace.bot_id}:
            return self._workspace.direct_message([self.id])
        if reference.startswith("@"):
            return self._workspace.private_talk(self.id, self._workspace.user(reference).id)
        channel = self._workspace.channel(reference)
        if self.id not in channel.members:
            raise NotOnScreenError(f"{self.name} is not in {reference}")
        return channel

    async def slash(self, channel: str, line: str, *, thread_ts: str = "") -> Outcome:
        """Type a line that starts with a slash. Slack itself answers unknown commands and threads."""
        place = self._enter(channel)
        self._did("types", line.strip())
        command, _, text = line.strip().partition(" ")
        if thread_ts:
            return self._slackbot(place, f"{command} is not supported in threads. Sorry!")
        known = self._workspace.manifest.command(command)
        if known is None:
            return self._slackbot(place, f"{command} is not a valid command.")
        text = self._workplace.input_field.slash(text, self.habits, should_escape=known.should_escape)
        answer = await self._workplace.interactions.slash(self.id, place, command, text)
        if error := failure_of(answer, of_command=True):
            return self._failed(place, command, error)
        try:
            shown = self._workplace.responses.in_ack(self.id, place.id, f"{command} {text}".strip(), payload_of(answer))
        except RefusalError as refusal:
            self._note_violation(f"ack {command}", refusal)
            return self._failed(place, command, "invalid_command_response")
        return Outcome(message=shown)

    async def shortcut(self, callback_id: str) -> Outcome:
        """Choose a global shortcut from the menu; raise NotOnScreenError when the app has none of that name."""
        shortcuts = self._workspace.manifest.features.shortcuts
        if not any(one.callback_id == callback_id and one.type == "global" for one in shortcuts):
            raise NotOnScreenError(f"the app has no global shortcut {callback_id}")
        self._did("chooses", callback_id)
        answer = await self._workplace.interactions.shortcut(self.id, callback_id)
        if error := failure_of(answer, of_command=False):
            return self._failed(None, f"shortcut {callback_id}", error)
        return Outcome()

    async def say(self, channel: str, text: str, *, thread_ts: str = "") -> Message:
        """Type a message, `@app-name` mentions the app."""
        place = self._enter(channel)
        if place.is_archived:
            raise NotOnScreenError(f"{channel} is archived")
        home = self._workspace.manifest.features.app_home
        if place.is_direct and (home.messages_tab_read_only_enabled or not home.messages_tab_enabled):
            raise NotOnScreenError("Sending messages to this app has been turned off.")
        self._did("says", text)
        typed = self._workplace.input_field.message(text, self.habits)
        message = Message(channel_id=place.id, ts="", user_id=self.id, content=Content(typed), thread_ts=thread_ts)
        message.client_msg_id = self._workspace.new_id("cm-")
        return self._workspace.post(place, message)

    def react(self, message: Message, name: str) -> None:
        message.reactions.setdefault(name, []).append(self.id)
        self._workplace.events.reacted(self.id, self._workspace.channels[message.channel_id], message, name)

    def _did(self, what: str, words: str) -> None:
        self._workspace.note_act(self.id, what, words)

    def _slackbot(self, place: Channel, text: str) -> Outcome:
        note = Message(channel_id=place.id, ts="", user_id="USLACKBOT", content=Content(text), ephemeral_to=self.id)
        self._workspace.post_ephemeral(place, note)
        return Outcome(is_sent=False, error=text)

    def _failed(self, place: Channel | None, what: str, error: str) -> Outcome:
        self._workspace.see_failure(self.id, place, what, error)
        return Outcome(error=error)

    def _note_violation(self, method: str, refusal: RefusalError) -> None:
        now_s = self._workspace.clock.now()
        self._workspace.call_log.record(
            RecordedCall(at_s=now_s, method=method, error=refusal.error, messages=refusal.messages)
        )

    # -- clicking ---------------------------------------------------------------------------------------------------

    async def click(
        self,
        message: Message,
        action_id: str,
        value: Any = None,
        *,
        confirm: bool = True,
        version: int | None = None,
        block_id: str = "",
    ) -> Outcome:
        """Press a button or choose `value` in a menu of a message.

        `confirm=False` answers the confirm dialog with its deny button. `version` clicks the message as it was after
        that many edits: somebody's screen, or fingers, can be behind. Raise NotOnScreenError when it is not there.
        """
        place = self._enter(message.channel_id)
        if message.ephemeral_to not in {"", self.id}:
            raise NotOnScreenError("that message is only visible to somebody else")
        if message.is_deleted and version is None:
            raise NotOnScreenError("that message is gone; give version= to click an old card")
        blocks = message.version(version).blocks
        name = f"{block_id}/{action_id}" if block_id else action_id
        block, element = find_field(blocks, name)
        dialog = dialog_of(element)
        if dialog is not None and not confirm:
            return Outcome(is_sent=False, confirm=dialog)
        state = self._state_of(message, blocks)
        if state_key(element):
            state[block["block_id"]][element["action_id"]] = filled(element, value)
        action = action_of(block, element, value)
        self._did("presses", f"{label_of(element)}, below “{_first_line(message.version(version).text)}”")
        answer = await self._workplace.interactions.message_action(self.id, message, action, state, version=version)
        if error := failure_of(answer, of_command=False):
            failed = self._failed(place, f"click {action_id}", error)
            return Outcome(error=failed.error, confirm=dialog)
        return Outcome(confirm=dialog)

    def _state_of(self, message: Message, blocks: Sequence[Json]) -> dict[str, dict[str, Any]]:
        """Recall what this person chose in this message, where the elements are still the same."""
        before = self._message_state.get(message.ts, {})
        state = initial_state(blocks)
        for block_id, actions in state.items():
            actions.update({one: value for one, value in before.get(block_id, {}).items() if one in actions})
        self._message_state[message.ts] = state
        return state

    # -- forms ------------------------------------------------------------------------------------------------------

    @property
    def view(self) -> View | None:
        """The modal on top, if any."""
        return self._workspace.views.top(self.id)

    def _top(self) -> View:
        view = self.view
        if view is None:
            raise NotOnScreenError(f"{self.name} has no form open")
        return view

    def fill(self, name: str, value: Any) -> None:
        """Type or choose in the top form; `name` is a block_id, an action_id, or both with a slash between."""
        view = self._top()
        block, element = find_field(view.blocks, name)
        view.state.setdefault(block["block_id"], {})[element["action_id"]] = filled(element, value)

    async def press(self, name: str, value: Any = None, *, view: View | None = None) -> Outcome:
        """Use a button or menu inside the top form or Home."""
        window = view or self._top()
        block, element = find_field(window.blocks, name)
        dialog = dialog_of(element)
        if state_key(element):
            window.state[block["block_id"]][element["action_id"]] = filled(element, value)
        self._did("presses", label_of(element))
        answer = await self._workplace.interactions.view_action(self.id, window, action_of(block, element, value))
        error = failure_of(answer, of_command=False)
        if error:
            self._failed(None, f"press {name}", error)
        return Outcome(error=error, confirm=dialog)

    async def suggest(self, name: str, typed: str, *, source: View | Message | None = None) -> list[Json]:
        """Type into an external select and return the options offered, groups flattened."""
        window = source or self._top()
        block, element = find_field(window.blocks, name)
        if len(typed) < element.get("min_query_length", 3):
            return []
        ids = (str(block["block_id"]), str(element["action_id"]))
        answer = await self._workplace.interactions.suggestion(self.id, window, *ids, typed)
        if error := failure_of(answer, of_command=False):
            self._failed(None, f"suggest {name}", error)
            return []
        payload = payload_of(answer) or {}
        groups = [group.get("options", []) for group in payload.get("option_groups", [])]
        options = [*payload.get("options", []), *(one for group in groups for one in group)]
        if len(options) > _SUGGESTIONS or not all("text" in one and "value" in one for one in options):
            self._note_violation(f"suggest {name}", RefusalError("invalid_options"))
            return []
        return options

    async def submit(self, values: dict[str, Any] | None = None) -> Outcome:
        """Fill in and send the top form. Raise FormIncompleteError when Slack's client would not send it."""
        for name, value in (values or {}).items():
            self.fill(name, value)
        view = self._top()
        if "submit" not in view.definition:
            raise NotOnScreenError("this form has no submit button")
        need_complete(view.blocks, view.state)
        view.errors = {}
        self._did("sends", view.definition["title"]["text"])
        answer = await self._workplace.interactions.submission(self.id, view)
        if error := failure_of(answer, of_command=False):
            return self._failed(None, f"submit {view.callback_id}", error)
        try:
            answer_submission(self._workspace, view, payload_of(answer))
        except RefusalError as refusal:
            self._note_violation(f"ack {view.callback_id}", refusal)
            return self._failed(None, f"submit {view.callback_id}", refusal.error)
        return Outcome(field_errors=dict(view.errors))

    async def close(self, *, everything: bool = False) -> Outcome:
        """Cancel the top form, or press the X that closes the whole stack. What was typed is lost."""
        view = self._top()
        clears = everything or bool(view.definition.get("clear_on_close"))
        views = self._workspace.views
        closed = views.clear(self.id) if clears else [one for one in [views.pop(self.id)] if one is not None]
        outcome = Outcome()
        for one in closed:
            self._workspace.changed_view("view.closed", one)
            if one.definition.get("notify_on_close"):
                answer = await self._workplace.interactions.closed(self.id, one, is_cleared=clears)
                if failure_of(answer, of_command=False):
                    outcome = Outcome(error="warning sign")
        return outcome

    # -- home -------------------------------------------------------------------------------------------------------

    async def open_home(self, tab: str = "home") -> bool:
        """Click the app in the sidebar; the answer says whether the app hears of it."""
        return self._workplace.events.home_opened(self.id, self._workspace.direct_message([self.id]), tab)

    @property
    def home(self) -> View | None:
        return self._workspace.views.home(self.id)

    # -- seeing -----------------------------------------------------------------------------------------------------

    def sees(self, channel: str) -> list[Message]:
        """Every message this person can see there, replies and ephemerals included, in order of ts."""
        place = self._enter(channel)
        own = [one for one in place.ephemerals if one.ephemeral_to == self.id]
        return sorted([*place.messages.values(), *own], key=lambda one: one.ts)

    def finds(self, channel: str, action_id: str) -> Message | None:
        """Return the newest message this person sees there with that button or menu in it."""
        for message in reversed(self.sees(channel)):
            if any(element.get("action_id") == action_id for _, element in fields(message.blocks)):
                return message
        return None

    def reload(self) -> None:
        """Restart the client: ephemeral messages are gone (docs.slack.dev: chat.postEphemeral)."""
        for channel in self._workspace.channels.values():
            for message in [one for one in channel.ephemerals if one.ephemeral_to == self.id]:
                self._workspace.delete(channel, message)

    def reads(self, channel: str) -> str:
        """Return the conversation as readable text, as this person sees it."""
        return Transcript(self._workspace, self.id).channel(self._enter(channel))

    def reads_form(self) -> str:
        return Transcript(self._workspace, self.id).view(self._top())

    def reads_home(self) -> str:
        home = self.home
        return Transcript(self._workspace, self.id).view(home) if home else ""


def _first_line(text: str) -> str:
    return text.partition("\n")[0]
