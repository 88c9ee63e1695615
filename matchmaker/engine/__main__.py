"""The engine on files: ``python -m matchmaker.engine match|verify|plan|replan|pool INPUT.json OUTPUT.json``.

Exit status 0 done, 1 the input is refused (one line on standard error that names the field and the reason, nothing
written), 2 wrong usage.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from matchmaker.engine.files import BadFile, load, store
from matchmaker.engine.matching_file import match, verify
from matchmaker.engine.pool_file import pool
from matchmaker.engine.problem import BadProblem
from matchmaker.engine.replan_file import replan
from matchmaker.engine.session_file import plan

COMMANDS: dict[str, Callable[[object], dict[str, object]]] = {"match": match, "verify": verify, "plan": plan, "replan": replan, "pool": pool}
USAGE = f"usage: python -m matchmaker.engine {'|'.join(COMMANDS)} INPUT.json OUTPUT.json"


def main(arguments: Sequence[str]) -> int:
    """Run one command and return the exit status."""
    if len(arguments) != 3 or arguments[0] not in COMMANDS:
        print(USAGE, file=sys.stderr)
        return 2
    name, source, target = arguments
    if not Path(target).parent.is_dir() or Path(target).is_dir():
        print(f"{target}: cannot be written\n{USAGE}", file=sys.stderr)
        return 2
    try:
        answer = COMMANDS[name](load(Path(source)))
    except (BadFile, BadProblem) as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return 1
    store(Path(target), answer)
    if name == "verify":
        print(" ".join(f"{key}={value}" for key, value in answer.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
