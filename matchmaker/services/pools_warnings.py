"""What a group should look at together before it signs: never a verdict, each with where the law says it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from matchmaker.models import Family, Need, Pool, PoolShare
from matchmaker.models.pools import HOURS_A_HALFDAY

# Hours a week below which a contract needs the worker's own wish or an agreement of the branch.
PART_TIME_FLOOR = Decimal(24)
PUBLIC_SHARE = Decimal("0.5")


class Caution(StrEnum):
    VAT = "vat"
    IDCC = "idcc"
    WAGE = "wage"
    PART_TIME = "part_time"
    PUBLIC = "public"
    LIABILITY = "liability"


@dataclass(frozen=True)
class Warned:
    """A caution with what it is about: the letters of the employers on either side, the numbers, or the hours or euros."""

    caution: Caution
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    amount: Decimal = field(default=Decimal())
    other_amount: Decimal = field(default=Decimal())


def warnings(pool: Pool) -> list[Warned]:
    """The cautions of a pool, those that are about this group before the one that is about all."""
    found = [vat(pool.members), idcc(pool.members), wage(pool.members), part_time(pool), public_share(pool.members)]
    return [one for one in found if one is not None] + [Warned(Caution.LIABILITY)]


def vat(shares: Sequence[PoolShare]) -> Warned | None:
    """Some pay VAT and others do not."""
    sides = {answer: tuple(share.letter for share in shares if pays_vat(share.need) is answer) for answer in (True, False, None)}
    return Warned(Caution.VAT, sides[True], sides[False], sides[None]) if sides[True] and sides[False] else None


def pays_vat(need: Need) -> bool | None:
    """What the need says, else its organisation; None when neither does."""
    said: bool | None = {"yes": True, "no": False}.get(need.details.get("vat", ""), need.organisation.is_vat_registered)
    return said


def idcc(shares: Sequence[PoolShare]) -> Warned | None:
    """Different collective agreements."""
    numbers = {number for share in shares if (number := agreement_of(share.need))}
    return Warned(Caution.IDCC, numbers=tuple(sorted(numbers))) if len(numbers) > 1 else None


def agreement_of(need: Need) -> str:
    return need.details.get("idcc") or need.organisation.idcc or ""


def wage(shares: Sequence[PoolShare]) -> Warned | None:
    """No wage lies in the bands of all: the most that one would pay is less than the least of another."""
    most = [(share.need.budget_max, share.letter) for share in shares if share.need.budget_max is not None]
    least = [(share.need.budget_min, share.letter) for share in shares if share.need.budget_min is not None]
    if not most or not least or min(most)[0] >= max(least)[0]:
        return None
    (top, lower), (bottom, higher) = min(most), max(least)
    return Warned(Caution.WAGE, yes=(lower,), no=(higher,), amount=Decimal(top), other_amount=Decimal(bottom))


def part_time(pool: Pool) -> Warned | None:
    """Less than 24 hours a week in the quietest month, or no work in some month."""
    least = min((monthly_hours(pool)), default=Decimal())
    return Warned(Caution.PART_TIME, amount=least) if least < PART_TIME_FLOOR else None


def monthly_hours(pool: Pool) -> list[Decimal]:
    """Hours a week in each month, January first."""
    return [sum((len(halfdays) for halfdays in pool.plan.get(str(month), {}).values()), 0) * HOURS_A_HALFDAY for month in range(1, 13)]


def public_share(shares: Sequence[PoolShare]) -> Warned | None:
    """Public bodies are half of the members or of the work, or more."""
    public = [share for share in shares if share.need.organisation.family is Family.PUBLIC]
    whole = sum((share.fte for share in shares), Decimal())
    part = sum((share.fte for share in public), Decimal()) / whole if whole else Decimal()
    is_much = bool(public) and (part >= PUBLIC_SHARE or 2 * len(public) >= len(shares))
    return Warned(Caution.PUBLIC, yes=tuple(share.letter for share in public), amount=100 * part) if is_much else None
