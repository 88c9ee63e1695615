"""Compiling ahead: for the start of a worker."""

from matchmaker.engine import assignment, candidates, scoring


def warm() -> bool:
    """Compile all that the engine compiles, or read what an earlier process compiled; return whether all of it runs compiled.

    It takes seconds the first time. Whatever is not compiled then is on first use.
    """
    return all([assignment.warm(), candidates.warm(), scoring.warm()])
