"""What somebody is told who is invited: by whom, to be what, and that nothing happens otherwise."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy.orm import object_session

from ovop_market.accounts.invitation_models import Invitation
from ovop_market.accounts.labels import ROLES
from ovop_market.notices.kinds import Kind
from ovop_market.notices.labels import subject_text
from ovop_market.notices.texts.message import Links, Message
from ovop_market.villages.staff_queries import place_of
from ovop_market.web import filters


def message(invitation: Invitation, token: str, links: Links) -> Message:
    """The message with the link."""
    session = object_session(invitation)
    place = place_of(session, invitation) if session else None
    rows = [
        (_("Yang mengundang"), invitation.invited_by.name),
        (_("Sebagai"), place.role_text if place else str(ROLES[invitation.role])),
    ]
    if place:
        rows.insert(1, (_("Penjual"), f"{place.name}, {place.where}"))
    return Message(
        subject=subject_text(Kind.INVITED),
        todo=_("Tekan tautan ini untuk melihat undangannya dan menerimanya."),
        rows=rows,
        notes=[
            _("Tautan berlaku sampai %(until)s.", until=filters.moment(invitation.expires_at)),
            _("Hanya akun dengan alamat email ini yang bisa menerimanya."),
            _("Tidak mengenal yang mengundang? Abaikan email ini: tidak terjadi apa-apa."),
        ],
        button=_("Lihat undangan"),
        link=links.to("invitations.invitation", token=token),
        path=links.path("invitations.invitation", token=token),
    )
