"""How many stories state machines over the database draw, and what becomes of one that fails."""

from hypothesis import HealthCheck, Phase, settings

SHORTEN = "shorten"
settings.register_profile(SHORTEN, settings())


def brief(*, stories: int, steps: int) -> settings:
    """So many stories of at most so many steps. One that fails is shown as it was drawn.

    To make it shorter is to play it again hundreds of times, for minutes when each step writes to the database:
    `pytest --hypothesis-profile=shorten --hypothesis-seed=…`, with the seed that the failure names, does it.
    """
    phases = list(Phase) if settings.get_current_profile_name() == SHORTEN else [Phase.explicit, Phase.reuse, Phase.generate]
    return settings(max_examples=stories, stateful_step_count=steps, deadline=None, phases=phases, suppress_health_check=list(HealthCheck))
