"""Pages for people: small views, French words, and nothing decided here that a service should decide."""

from flask import Flask

from matchmaker.web import (
    accounts,
    answers,
    asking,
    calendars,
    conversations,
    day,
    declarations,
    declarations_waiting,
    demo,
    diagnosis,
    drafts,
    errors,
    feedback,
    health,
    invitations,
    job_dating_grid,
    job_dating_moves,
    job_dating_setup,
    labels,
    mails,
    matching,
    matching_explanations,
    matching_weights,
    navigation,
    observatory,
    occupations,
    organisations,
    outcomes,
    pages,
    papers,
    pools,
    pools_bench,
    pools_simulator,
    pools_welcomes,
    proposals,
    security,
    series,
    successions,
    territories,
    unsubscribe,
    venue_bookings,
    venue_photos,
    venues,
    work_queue,
)

BLUEPRINTS = (
    accounts,
    answers,
    asking,
    calendars,
    conversations,
    day,
    declarations,
    declarations_waiting,
    demo,
    diagnosis,
    feedback,
    drafts,
    health,
    invitations,
    # The blueprint of job_datings, with the pages of the set-up.
    job_dating_setup,
    job_dating_grid,
    job_dating_moves,
    mails,
    matching,
    matching_explanations,
    matching_weights,
    observatory,
    occupations,
    organisations,
    outcomes,
    pages,
    papers,
    pools,
    pools_bench,
    pools_simulator,
    pools_welcomes,
    proposals,
    series,
    territories,
    unsubscribe,
    venue_bookings,
    venue_photos,
    venues,
    work_queue,
)


def init_app(app: Flask) -> None:
    """Register every page, filter, header and error of the site."""
    for module in BLUEPRINTS:
        app.register_blueprint(module.bp)
    errors.init_app(app)
    labels.init_app(app)
    navigation.init_app(app)
    security.init_app(app)
    successions.init_app(app)
