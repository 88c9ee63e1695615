"""What can go wrong in a use case. No word for the interface here: the web layer says it in French."""


class DomainError(Exception):
    """Base of all refusals of the services."""


class NotAllowedNow(DomainError):
    """The row is not in a state in which this can be done."""


class RunUnderWay(DomainError):
    """A run of this territory is queued or running already."""


class EmailTaken(DomainError):
    """An account with this address exists."""


class SiretTaken(DomainError):
    """A structure with this SIRET or RNA number exists."""


class TooManyPeople(DomainError):
    """More people than the venue may receive."""

    def __init__(self, people: int, allowed: int) -> None:
        super().__init__(f"{people} people, {allowed} allowed")
        self.people = people
        self.allowed = allowed


class NoReach(DomainError):
    """The commune is in a region whose territories have not been loaded."""


class RoundsDoNotFit(DomainError):
    """The plan needs more rounds than the hours hold."""

    def __init__(self, rounds: int, fitting: int) -> None:
        super().__init__(f"{rounds} rounds, {fitting} fit")
        self.rounds = rounds
        self.fitting = fitting
