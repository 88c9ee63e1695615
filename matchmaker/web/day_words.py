"""What the pages of the day say of a structure, of a gesture and of a change of the plan."""

from matchmaker.models import Category, JobDating, PresenceState, Side
from matchmaker.services import day_programme
from matchmaker.services.presence import Line
from matchmaker.services.replanning import Asked, Place, Proposal
from matchmaker.web import formats, labels

STATES = {
    PresenceState.EXPECTED: "attendue",
    PresenceState.PRESENT: "arrivée",
    PresenceState.LATE: "en retard",
    PresenceState.EXCUSED: "excusée",
    PresenceState.NO_SHOW: "absente",
    PresenceState.LEFT: "partie",
}
# What somebody at the door looks for or brings, in one list. Successions stay in confidence: never at a desk.
KINDS = [
    ("", "Je ne sais pas encore"),
    *(
        (f"{side}:{category}", f"{said}\u00a0: {labels.WORDS[Category][category].lower()}")
        for side, said in ((Side.NEED, "Elle cherche"), (Side.OFFER, "Elle propose"))
        for category in Category
        if category is not Category.SUCCESSION
    ),
]


def note(job_dating: JobDating, line: Line) -> str:
    """What helps to welcome them: how many they are, where they sit first, what they need."""
    participant = line.participant
    said = [formats.plural(line.delegates, "personne", "personnes")]
    first = next((turn for turn in day_programme.turns(job_dating, participant.organisation) if turn.meetings), None)
    if first is not None:
        table = first.meetings[0][0].table
        said.append(f"premier entretien à {formats.hour(first.step.starts_at)}" + (f", table {table.number}" if table else ""))
    else:
        said.append("pas d’entretien")
    if participant.needs_accessible:
        said.append("table accessible")
    return ", ".join(said)


AWAY = {PresenceState.LATE, PresenceState.EXCUSED, PresenceState.NO_SHOW, PresenceState.LEFT}
KINDS_OF_MOVE = {"moved": "change de place", "added": "nouveau", "dropped": "n’a plus lieu"}
PAIR_GONE = "Un des entretiens cochés n’est plus possible\u00a0: une des deux structures a bougé entre-temps. Choisissez de nouveau."
OTHER_MOVES = "Un tour a commencé entre-temps\u00a0: ce ne sont plus les mêmes changements. Rien n’est appliqué. Voici les nouveaux."


def edited(shown: int, present: int) -> str:
    """Two people changed the plan at once: both versions by their numbers, and what is below is the present one's."""
    return (
        f"Quelqu’un a changé le plan entre-temps\u00a0: vous regardiez la version {shown}, il en est à la version {present}. "
        "Rien n’est appliqué. Voici ce que vos choix changeraient au plan d’aujourd’hui."
    )


def applied(proposal: Proposal) -> str:
    if not proposal.moves:
        return "C’est noté. Aucun entretien ne change de place."
    told = formats.enumeration([one.name for one in proposal.told]) or "personne"
    count = formats.plural(len(proposal.moves), "entretien a changé", "entretiens ont changé")
    return f"{count}. L’écran et les pages personnelles le montrent. À prévenir de vive voix\u00a0: {told}."


def place(job_dating: JobDating, place: Place | None) -> str:
    if place is None:
        return "—"
    return f"tour {place.round + 1}, {formats.hour(job_dating.round_starts_at(place.round))}, table {place.table.number}"


def whereabouts(asked: Asked, line: Line) -> str:
    """The value of a structure's field."""
    key = line.participant.organisation_id
    if key in asked.absent:
        return "absent"
    if key in asked.late:
        return f"late:{asked.late[key]}"
    return f"left:{asked.leaving[key]}" if key in asked.leaving else "here"


def options(job_dating: JobDating, first: int) -> list[tuple[str, str]]:
    """Where a structure can be for the rest of the day: rounds that have begun are no choice any more."""
    last = max(job_dating.rounds, 1)
    late = [(f"late:{number}", f"arrive au tour {number + 1}") for number in range(min(first, last), last + 1)]
    left = [(f"left:{number}", f"part avant le tour {number + 1}") for number in range(min(first, last), last + 1)]
    return [("here", "vient ou est là"), ("absent", "ne vient pas"), *late, *left]
