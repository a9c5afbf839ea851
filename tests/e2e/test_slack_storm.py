"""A Slack at its worst, and a bot that dies: the thread reads as if nothing had happened."""

from pathlib import Path

from tests.e2e.rough_night import by_vm, calm, storm, thread_of_a_run, told


async def test_a_thread_in_a_storm_reads_like_a_calm_one(tmp_path: Path) -> None:
    """The same lines, each once, in the same order for each VM, and one card."""
    quiet = told(await thread_of_a_run(tmp_path / "calm", calm))
    rough = told(await thread_of_a_run(tmp_path / "storm", storm))
    assert len(set(quiet)) == len(quiet)
    assert sorted(rough) == sorted(quiet)
    assert by_vm(rough) == by_vm(quiet)
