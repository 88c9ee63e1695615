"""Mails that come in: each is offered to those who may understand it; what nobody understands is for people."""

import email
import email.policy
import hashlib

from matchmaker.services import bounces, calendar_replies


def take(raw: bytes, *, trusted: str) -> bool:
    """Do what this mail asks for. False when it is for people to read. Safe twice with the same bytes."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    return bounces.take(message) or calendar_replies.take(message, digest=hashlib.sha256(raw).hexdigest(), trusted=trusted)
