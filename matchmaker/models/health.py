"""Signs of life of the processes that no page depends on."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from matchmaker.models.base import Base, now


class Heartbeat(Base):
    """When a process was last seen to work: « beat » when what it schedules reached a worker."""

    __tablename__ = "heartbeat"

    name: Mapped[str] = mapped_column(primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(default=now)
