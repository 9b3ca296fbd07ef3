"""The texts of notices, in the language of whoever reads them."""

from __future__ import annotations

from ovop_market.notices.kinds import TO_OWNER, TO_STAFF
from ovop_market.notices.queries import Story
from ovop_market.notices.texts import account, buyer, invitation, producer
from ovop_market.notices.texts.message import Links, Message

__all__ = ["Links", "Message", "message"]


def message(story: Story, links: Links) -> Message:
    """The message of a story, in the language that is spoken here (web.language.speaking)."""
    if story.kind in TO_OWNER:
        return account.message(story, links)
    if story.invitation is not None:
        return invitation.message(story.invitation, story.link, links)
    return (producer if story.kind in TO_STAFF else buyer).message(story, links)
