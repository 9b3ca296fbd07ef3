"""`flask --app wsgi privacy …`: what docs/operations.md says to do when data have leaked."""

from __future__ import annotations

import csv
import sys
from datetime import datetime, timedelta

import click
from flask.cli import AppGroup

from ovop_market.core import clock
from ovop_market.extensions import db
from ovop_market.privacy import breach

privacy = AppGroup("privacy", help="When personal data may have leaked.")
_DAY = click.DateTime(formats=["%Y-%m-%d"])


@privacy.command("sign-out-everybody")
def sign_out_everybody() -> None:
    """Ends all sessions: everybody has to sign in again."""
    count = breach.end_all_sessions(db.session(), clock.now())
    db.session.commit()
    click.echo(f"{count} accounts have to sign in again")


@privacy.command("renew-links")
@click.confirmation_option(prompt="Links that buyers have will open nothing. Go on?")
def renew_links() -> None:
    """Gives every purchase a new secret link. Buyers with an account find theirs there; others ask
    an operator, or get it with the next message about their order."""
    last, batches = 0, 0
    while (found := breach.renew_links(db.session(), last)) is not None:
        db.session.commit()
        last, batches = found, batches + 1
    breach.note_renewed(db.session(), batches, clock.now())
    db.session.commit()
    click.echo("all links are new")


@privacy.command("people-to-tell")
@click.option("--since", type=_DAY, help="First day (WIB) of the orders that are concerned.")
@click.option("--until", type=_DAY, help="Last day (WIB).")
def people_to_tell(since: datetime | None, until: datetime | None) -> None:
    """Prints, as CSV, whom to tell in writing: all accounts, and buyers of these days."""
    first = clock.start_of_day(since.date()) if since else None
    last = clock.start_of_day(until.date() + timedelta(days=1)) if until else None
    out = csv.writer(sys.stdout)
    out.writerow(breach.HEADER)
    count = 0
    for row in breach.people(db.session(), first, last):
        out.writerow(row)
        count += 1
    breach.note_listed(db.session(), count, clock.now())
    db.session.commit()
