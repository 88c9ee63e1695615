"""What the compiled modules of the engine share. Importing it imports numba."""

from collections.abc import Callable
from typing import Any

from numba import config, njit

DISABLED = bool(getattr(config, "DISABLE_JIT", False))


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile on first call. The result is kept on disk, unless no folder for it can be written."""
    try:
        return njit(cache=True)(function)
    except RuntimeError:
        return njit()(function)


def compiled_without_traps(function: Callable[..., Any]) -> Callable[..., Any]:
    """As `compiled`; a division by zero gives infinity or nan, as in numpy. Without a test before each, several run at a time."""
    try:
        return njit(cache=True, error_model="numpy")(function)
    except RuntimeError:
        return njit(error_model="numpy")(function)
