"""Structures that are in the directory twice: found by name and place or by SIREN, merged without losing anything. The caller commits."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Column, ColumnElement, PrimaryKeyConstraint, Table, UniqueConstraint, and_, cast, delete, exists, func, insert, or_, select, text, update
from sqlalchemy import Text as SqlText
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased, joinedload

from matchmaker.extensions import db
from matchmaker.models import (
    Base,
    DistinctOrganisations,
    EssLabel,
    MatchStatus,
    MergedOrganisation,
    Organisation,
    User,
)
from matchmaker.models.base import now
from matchmaker.models.pools import LIVE_POOL
from matchmaker.services import sessions
from matchmaker.services.accounts import territories_in_care
from matchmaker.services.errors import DomainError
from matchmaker.services.organisations import ALIKE, SIGNED_UP

LABELS = list(EssLabel)
# The sheet of the kept structure is filled in with these where it says nothing.
FILLED = (
    *("siret", "rna", "inclusion_kind", "esus_until", "naf", "description", "headcount", "is_vat_registered", "idcc"),
    *("address", "latitude", "longitude", "email", "phone", "website"),
)
# Tables with rules of their own below; opinions about a pair end with one of the two; what is searched is written by triggers.
APART = {"solicitation_count", "distinct_organisations", "contact_view", "merged_organisation", "search_entry"}
# Belonging to the same thing twice is belonging to it once: the row of the kept one says all.
ONCE = {"community_member", "cluster_member", "shortlist_entry"}


class Why(StrEnum):
    SIREN = "siren"
    NAME = "name"


class Bond(StrEnum):
    """What two structures have together that one cannot have alone: somebody must settle it first."""

    MATCHED = "matched"
    SHARED_JOB = "shared_job"
    INVITED = "invited"
    DRAFT = "draft"
    OTHER = "other"


class CannotMerge(DomainError):
    """They are bound to each other. Nothing was changed."""

    def __init__(self, bond: Bond) -> None:
        super().__init__(bond)
        self.bond = bond


@dataclass(frozen=True)
class Pair:
    """Two entries that are perhaps one structure, the elder first."""

    first: Organisation
    second: Organisation
    why: Why


def pairs(user: User, *, most: int = 100) -> list[Pair]:
    """What this animator should look at: those whose SIREN is the same, then those whose names are, the most alike first."""
    care = [territory.id for territory in territories_in_care(user)]
    first, second = aliased(Organisation), aliased(Organisation)
    names = (func.unaccent(func.lower(one.name)) for one in (first, second))
    likeness = func.similarity(*names)
    same_siren = func.left(first.siret, 9) == func.left(second.siret, 9)
    said = exists().where(
        DistinctOrganisations.first_id == func.least(first.id, second.id), DistinctOrganisations.second_id == func.greatest(first.id, second.id)
    )
    # One SIREN may have many places: only those of one commune are perhaps the same one.
    query = (
        select(first, second, func.coalesce(same_siren, text("false")))
        .join(
            second,
            and_(
                first.commune_code == second.commune_code,
                or_(first.created_at < second.created_at, and_(first.created_at == second.created_at, first.id < second.id)),
            ),
        )
        .where(first.erased_at.is_(None), second.erased_at.is_(None), first.territory_id.in_(care), or_(same_siren, likeness >= ALIKE), ~said)
        .options(joinedload(first.commune), joinedload(second.commune))
        .order_by(func.coalesce(same_siren, text("false")).desc(), likeness.desc(), first.id, second.id)
        .limit(most)
    )
    return [Pair(one, other, Why.SIREN if is_siren else Why.NAME) for one, other, is_siren in db.session.execute(query)]


def tell_apart(one: Organisation, other: Organisation, *, by: User) -> None:
    """They are two structures. Said twice, it is said once."""
    first_id, second_id = sorted((one.id, other.id))
    if db.session.get(DistinctOrganisations, (first_id, second_id)) is None:
        db.session.add(DistinctOrganisations(first_id=first_id, second_id=second_id, said_by_id=by.id))
        db.session.flush()


def successor(organisation_id: UUID) -> MergedOrganisation | None:
    """What became of an entry that was merged into another."""
    return db.session.get(MergedOrganisation, organisation_id)


def holdings(organisation: Organisation) -> dict[str, int]:
    """How many rows of each table are of this structure; tables without any are left out."""
    counts = {}
    for table, columns in references().items():
        mine = or_(*(column == organisation.id for column in columns))
        counts[table.name] = db.session.scalar(select(func.count()).select_from(table).where(mine)) or 0
    return {name: count for name, count in counts.items() if count}


def references() -> dict[Table, list[Column[Any]]]:
    """Every column of the database that names a structure."""
    found: dict[Table, list[Column[Any]]] = {}
    for table in Base.metadata.sorted_tables:
        columns = [key.parent for key in table.foreign_keys if key.column.table is Organisation.__table__]
        if columns:
            found[table] = sorted(columns, key=lambda column: column.name)
    return found


def merge(kept: Organisation, gone: Organisation, *, by: User) -> MergedOrganisation:
    """All that is of ``gone`` is of ``kept`` from now on, and ``gone`` is no more. Raises CannotMerge, and nothing has changed then."""
    if kept.id == gone.id:
        raise CannotMerge(Bond.OTHER)
    try:
        with db.session.begin_nested():
            return settle(kept, gone, by=by)
    except IntegrityError as error:
        raise CannotMerge(Bond.OTHER) from error


def settle(kept: Organisation, gone: Organisation, *, by: User) -> MergedOrganisation:
    # Always in one order, so that two merges at once wait for each other and never for ever.
    ids, gone_id = sorted((kept.id, gone.id)), gone.id
    locked = db.session.scalars(select(Organisation.id).where(Organisation.id.in_(ids)).order_by(Organisation.id).with_for_update()).all()
    if len(locked) < 2:
        raise CannotMerge(Bond.OTHER)
    refuse_bonds(kept.id, gone.id)
    note = MergedOrganisation(old_id=gone.id, kept_id=kept.id, sheet=sheet_of(gone), moved=holdings(gone), merged_at=now(), merged_by_id=by.id)
    for user in gone.users:
        sessions.end_all(user)
    end_what_waits_twice(kept.id, gone.id)
    leave_once(kept.id, gone.id)
    for referrer, columns in references().items():
        for column in columns if referrer.name not in APART else ():
            db.session.execute(update(referrer).where(column == gone.id).values({column.name: kept.id}))
    move_what_has_rules(kept.id, gone.id)
    move_mentions(kept.id, gone.id)
    fill_in(kept, gone)
    db.session.add(note)
    db.session.flush()
    table = Base.metadata.tables["organisation"]
    db.session.execute(delete(table).where(table.c.id == gone_id))
    db.session.expire_all()
    return note


def sheet_of(organisation: Organisation) -> dict[str, Any]:
    values = {column.key: getattr(organisation, column.key) for column in Organisation.__table__.columns}
    return {name: value if value is None or isinstance(value, bool | int | float) else str(value) for name, value in values.items()}


def refuse_bonds(kept: UUID, gone: UUID) -> None:
    """Raise CannotMerge for what only two structures can have together."""
    both = (kept, gone)
    tables = Base.metadata.tables
    match, need, offer, share, pool = (tables[name] for name in ("match", "need", "offer", "pool_share", "pool"))
    across = select(match.c.id).join(need, need.c.id == match.c.need_id).join(offer, offer.c.id == match.c.offer_id)
    live = match.c.status.in_((MatchStatus.PROPOSED, MatchStatus.CONFIRMED))
    one_each = or_(and_(need.c.organisation_id == kept, offer.c.organisation_id == gone), and_(need.c.organisation_id == gone, offer.c.organisation_id == kept))
    if db.session.scalar(across.where(live, one_each).limit(1)):
        raise CannotMerge(Bond.MATCHED)
    shared = select(share.c.pool_id).join(need, need.c.id == share.c.need_id).join(pool, pool.c.id == share.c.pool_id)
    shared = shared.where(need.c.organisation_id.in_(both), pool.c.status.in_(LIVE_POOL))
    if db.session.scalar(shared.group_by(share.c.pool_id).having(func.count(need.c.organisation_id.distinct()) > 1).limit(1)):
        raise CannotMerge(Bond.SHARED_JOB)
    for table, column, others in rivals():
        mine, theirs = table.alias(), table.alias()
        same = and_(*(mine.c[other] == theirs.c[other] for other in others))
        both_have = select(mine.c[column]).join(theirs, same).where(mine.c[column] == kept, theirs.c[column] == gone)
        if table.name not in ONCE and db.session.scalar(both_have.limit(1)):
            raise CannotMerge({"participant": Bond.INVITED, "invitation": Bond.INVITED, "declaration_draft": Bond.DRAFT}.get(table.name, Bond.OTHER))


def rivals() -> Iterator[tuple[Table, str, list[str]]]:
    """Tables of which a structure has at most one row for the same of something: its column, and those that say of what."""
    for table, columns in references().items():
        for constraint in table.constraints:
            names = [one.name for one in constraint.columns] if isinstance(constraint, UniqueConstraint | PrimaryKeyConstraint) else []
            for column in columns:
                if table.name not in APART and column.name in names and len(names) > 1:
                    yield table, column.name, [name for name in names if name != column.name]


def leave_once(kept: UUID, gone: UUID) -> None:
    """Rows of the one that goes where the other has the same already."""
    for table, column, others in rivals():
        if table.name in ONCE:
            twin = table.alias()
            there = exists().where(twin.c[column] == kept, *(twin.c[other] == table.c[other] for other in others))
            db.session.execute(delete(table).where(table.c[column] == gone, there))


def end_what_waits_twice(kept: UUID, gone: UUID) -> None:
    """The same person invited by both, or asking for both: one is enough."""
    for name, is_open in (("member_invitation", "ended_at"), ("join_request", "decided_at")):
        table = Base.metadata.tables[name]
        twin = table.alias()
        there = exists().where(twin.c.organisation_id == kept, twin.c.email == table.c.email, twin.c[is_open].is_(None))
        mine = (table.c.organisation_id == gone, table.c[is_open].is_(None), there)
        ended = {"ended_at": now()} if is_open == "ended_at" else {"decided_at": now(), "is_accepted": False}
        db.session.execute(update(table).where(*mine).values(ended))


def move_what_has_rules(kept: UUID, gone: UUID) -> None:
    """How often both were asked adds up; who looked at whose contact details is only ever added to, and so is written again."""
    counts = Base.metadata.tables["solicitation_count"]
    theirs = db.session.execute(select(counts).where(counts.c.organisation_id == gone)).mappings().all()
    for row in theirs:
        where = (counts.c.organisation_id == kept, counts.c.period == row["period"], counts.c.starts_on == row["starts_on"])
        more = {"count": counts.c.count + row["count"], "ceiling": func.greatest(counts.c.ceiling, row["ceiling"], counts.c.count + row["count"])}
        if db.session.scalar(update(counts).where(*where).values(more).returning(counts.c.count)) is None:
            db.session.execute(insert(counts).values({**row, "organisation_id": kept}))
    db.session.execute(delete(counts).where(counts.c.organisation_id == gone))
    views = Base.metadata.tables["contact_view"]
    mine = or_(views.c.organisation_id == gone, views.c.viewer_organisation_id == gone)
    seen = db.session.execute(select(views).where(mine)).mappings().all()
    if seen:
        db.session.execute(text("SELECT set_config('croisee.erasing', 'on', true)"))
        db.session.execute(delete(views).where(mine))
        db.session.execute(text("SELECT set_config('croisee.erasing', 'off', true)"))
        db.session.execute(insert(views), [{name: kept if value == gone else value for name, value in row.items()} for row in seen])
    merged = Base.metadata.tables["merged_organisation"]
    db.session.execute(update(merged).where(merged.c.kept_id == gone).values(kept_id=kept))
    apart = Base.metadata.tables["distinct_organisations"]
    db.session.execute(delete(apart).where(or_(apart.c.first_id == gone, apart.c.second_id == gone)))


def move_mentions(kept: UUID, gone: UUID) -> None:
    """Where a structure is named without a foreign key: what an animator's act is about, and texts of JSON."""
    acts = Base.metadata.tables["work_act"]
    db.session.execute(update(acts).where(acts.c.subject_id == gone).values(subject_id=kept))
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, JSONB):
                as_text = cast(column, SqlText)
                says = cast(func.replace(as_text, str(gone), str(kept)), JSONB)
                db.session.execute(update(table).where(mentions(as_text, gone)).values({column.name: says}))


def mentions(column: ColumnElement[str], organisation_id: UUID) -> ColumnElement[bool]:
    return column.contains(str(organisation_id))


def fill_in(kept: Organisation, gone: Organisation) -> None:
    """What the kept sheet does not say, the other one may; a number is free only when its holder has let go of it."""
    said = {name: getattr(gone, name) for name in FILLED}
    gone.siret = gone.rna = None
    db.session.flush()
    is_placed = kept.latitude is not None
    for name, value in said.items():
        if name in {"latitude", "longitude"} and (is_placed or kept.commune_code != gone.commune_code):
            continue
        if getattr(kept, name) in (None, ""):
            setattr(kept, name, value)
    kept.ess_label = max(kept.ess_label, gone.ess_label, key=LABELS.index)
    kept.is_third_place = kept.is_third_place or gone.is_third_place
    if SIGNED_UP in {kept.source, gone.source}:
        # Its own people wrote one of the two: no import writes over that.
        kept.source = SIGNED_UP
