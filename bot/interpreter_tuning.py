"""Tunes the interpreter, so that neither its garbage collector nor a thread keeps people waiting for an answer."""

import gc
import sys

_YOUNG = 5_000
"""So many new objects before the youngest are looked at: one answer of a host makes more than Python's 700."""
_TURN_S = 0.0005
"""For so long a thread computes while others wait. An answer takes a dozen turns of the event loop; before each it may
wait for every thread that reads what a host said, or decides: of Python's 5 ms each, that is a tenth of a second."""


def tune_interpreter() -> None:
    """Tune it, once all is there that stays until the end: to look through that takes a quarter of a second."""
    gc.collect()
    gc.freeze()
    _, middle, old = gc.get_threshold()
    gc.set_threshold(_YOUNG, middle, old)
    sys.setswitchinterval(_TURN_S)
