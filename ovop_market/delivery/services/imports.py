"""Tariff files: kept to be looked at, then applied as they were seen, whole or not at all."""

from __future__ import annotations

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import User
from ovop_market.accounts.services import record
from ovop_market.core.errors import Conflict, NotFound, Unusable
from ovop_market.delivery import desk, tariff_files
from ovop_market.delivery.desk import Outlook
from ovop_market.delivery.models import ImportMode, ImportState, Service, Tariff, TariffImport
from ovop_market.extensions.database import AT_ONCE, write_changes, write_rows

_LONGEST_NAME = 200


class TableMoved(Conflict):
    """The table is not (any more) the one on which the preview was made."""


def upload(
    session: Session,
    text: str,
    filename: str,
    mode: ImportMode,
    operator_id: int,
    now: datetime,
) -> TariffImport:
    """Keeps a file to be looked at; nothing changes. The same file from the same person is the
    same preview. Raises Unusable for what is no tariff table."""
    tariff_files.read(text)
    again = session.scalar(
        select(TariffImport).where(
            TariffImport.state == ImportState.PREVIEW,
            TariffImport.uploaded_by_id == operator_id,
            TariffImport.content == text,
            TariffImport.mode == mode,
        )
    )
    if again is not None:
        return again
    name = "".join(c for c in filename if c.isprintable()).strip()
    found = TariffImport(
        state=ImportState.PREVIEW,
        mode=mode,
        filename=name[:_LONGEST_NAME] or _("tempelan"),
        content=text,
        uploaded_at=now,
        uploaded_by_id=operator_id,
    )
    session.add(found)
    session.flush()
    return found


def apply(
    session: Session, import_id: int, operator_id: int, now: datetime, *, seen: str
) -> TariffImport:
    """Writes what the preview showed. `seen` names what that was.

    Twice by the same person is once. Raises TableMoved when the table has changed meanwhile,
    Conflict when somebody else has applied it, Unusable when lines are wrong, NotFound.
    """
    found = session.scalar(
        select(TariffImport)
        .where(TariffImport.id == import_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound(_("Berkas ini tidak ada, atau pratinjaunya sudah dibuang. Unggah lagi."))
    if found.state is ImportState.APPLIED or found.content is None:
        return _applied_before(session, found, operator_id)
    # Nobody else changes tariffs until the transaction ends: all of them come by here.
    session.execute(select(Service.id).order_by(Service.id).with_for_update(key_share=True)).all()
    outlook = desk.outlook(session, found.content, found.mode)
    if outlook.seen != seen:
        raise TableMoved(_("Tabel tarif baru saja berubah. Ini pratinjau yang baru: periksa lagi."))
    if outlook.faults:
        raise Unusable(_("Betulkan dulu baris yang salah, lalu unggah lagi."))
    _write(session, outlook)
    found.state, found.content = ImportState.APPLIED, None
    found.applied_at, found.applied_by_id = now, operator_id
    found.added, found.changed = len(outlook.added), len(outlook.changed)
    found.removed = len(outlook.gone)
    services = {line.service for line in outlook.added}
    services |= {line.service for _terms, line in outlook.changed}
    services |= {tariff.service.code for tariff in outlook.gone}
    record(
        session,
        "tariffs changed",
        f"tariff import {found.id}",
        now,
        operator_id,
        {
            "services": sorted(services),
            "mode": str(found.mode),
            "added": found.added,
            "changed": found.changed,
            "removed": found.removed,
        },
    )
    session.flush()
    return found


def discard(session: Session, import_id: int) -> None:
    """Throws a preview away. Raises Conflict once it is applied; what is gone already, is gone."""
    found = session.scalar(
        select(TariffImport).where(TariffImport.id == import_id).with_for_update()
    )
    if found is None:
        return
    if found.state is not ImportState.PREVIEW:
        raise Conflict(_("Berkas ini sudah dipakai; tarifnya sudah berlaku."))
    session.delete(found)
    session.flush()


def _applied_before(session: Session, found: TariffImport, operator_id: int) -> TariffImport:
    if found.applied_by_id == operator_id:
        return found
    who = session.scalar(select(User.name).where(User.id == found.applied_by_id))
    raise Conflict(_("Berkas ini sudah dipakai oleh %(who)s.", who=who or "?"))


def _write(session: Session, outlook: Outlook) -> None:
    """In the order of what must not collide: away with what is gone, then changes, then news."""
    gone = [tariff.id for tariff in outlook.gone]
    for start in range(0, len(gone), AT_ONCE):
        session.execute(delete(Tariff).where(Tariff.id.in_(gone[start : start + AT_ONCE])))
    ids = {s.code: s.id for s in session.scalars(select(Service))}
    there = {
        (t.service_id, t.origin, t.destination): t
        for t in session.scalars(
            select(Tariff).where(
                Tariff.service_id.in_({ids[line.service] for _terms, line in outlook.changed})
            )
        )
    }
    write_changes(
        session,
        [
            (
                there[ids[line.service], line.origin, line.destination],
                dict(zip(_TERMS, line.terms, strict=True)),
            )
            for _terms, line in outlook.changed
        ],
    )
    write_rows(
        session,
        Tariff,
        [
            {
                "service_id": ids[line.service],
                "origin": line.origin,
                "destination": line.destination,
                **dict(zip(_TERMS, line.terms, strict=True)),
            }
            for line in outlook.added
        ],
    )


_TERMS = ("price_per_kg", "min_weight_grams", "days_from", "days_to")
