"""What Python does with memory, where thousands of objects are made at once."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_collections() -> Iterator[None]:
    """No search for unreachable objects meanwhile; for seconds, not for long.

    A bulk of objects that are all needed to the end is searched again and again as it grows, and in
    vain: that can be a third of the work. Whatever else the process does may use more memory
    meanwhile, and is otherwise undisturbed.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
