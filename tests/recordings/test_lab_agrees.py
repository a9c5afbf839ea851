"""The lab answers as a real PowerShell answered: the recorded cases, sent to a fleet like the recorded one."""

import pytest

from tests.recordings.cases import SESSIONS, Message, play, recorded
from tests.recordings.forms import differences
from tests.recordings.known import REASONS


@pytest.mark.parametrize("session", SESSIONS)
async def test_the_lab_answers_like_the_recording(session: str) -> None:
    """Messages, trees, type names, ids, categories, texts, states: what differs has a reason, and only that has one."""
    cases = recorded()[session]
    played = await play(session, [*cases.values()])
    found = {name: differences(case.messages, played[name].messages) for name, case in cases.items()}
    differing = {name: lines for name, lines in found.items() if lines}
    unknown = {name: lines for name, lines in differing.items() if (session, name) not in REASONS}
    assert unknown == {}
    assert {name for of, name in REASONS if of == session} == set(differing)


def test_a_difference_is_seen() -> None:
    """Of each kind one: type, name, text, id, order within a stream, number of messages."""
    one = Message(
        "PIPELINE_OUTPUT",
        '<Obj RefId="0"><TN RefId="0"><T>A</T></TN><ToString>x</ToString><MS><S N="P">1</S></MS></Obj>',
    )
    changed = [
        one.xml.replace("<T>A", "<T>B"),
        one.xml.replace(">x<", ">y<"),
        one.xml.replace('"P"', '"Q"'),
        one.xml.replace('<S N="P">1</S>', '<I32 N="P">1</I32>'),
        one.xml.replace('<S N="P">1</S>', '<Nil N="P" />'),
    ]
    assert differences([one], [one]) == []
    assert differences([one], [Message(one.type, one.xml.replace(">1<", ">2<"))]) == []
    for xml in changed:
        assert differences([one], [Message(one.type, xml)]), xml
    assert differences([one], [])
    error = Message("ERROR_RECORD", '<Obj RefId="0"><MS><S N="FullyQualifiedErrorId">A,B</S></MS></Obj>')
    assert differences([error], [Message(error.type, error.xml.replace("A,B", "A,C"))])
    assert differences([one, error], [error, one]) == []
