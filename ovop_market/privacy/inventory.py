"""Every text that the database keeps, and whether it is about a person: the register of processing
that UU 27/2022 asks a controller to keep (article 31), as data.

A guard test fails for a column that is not here. `python -m ovop_market.privacy.inventory` writes
the table into docs/privacy.md.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from ovop_market.privacy.not_personal import NOT_PERSONAL

BEGIN, END = "<!-- inventory -->", "<!-- end of inventory -->"


@dataclass(frozen=True, slots=True)
class Held:
    """Personal data that are kept together: the columns (`table.column`), why, who sees them, how
    long they stay, and what erasure does to them."""

    what: str
    columns: tuple[str, ...]
    why: str
    seen_by: str
    kept: str
    erasure: str


_GUEST = "guests: OVOP_RETENTION_DAYS after the last event; accounts: until they erase"
_CONTRACT = "contract of sale; consent at checkout"

PERSONAL: tuple[Held, ...] = (
    Held(
        "Buyer and address",
        (
            "purchase.name",
            "purchase.phone",
            "purchase.email",
            "purchase.street",
            "purchase.postal_code",
            "purchase.note",
        ),
        f"to deliver and to reach the buyer; {_CONTRACT}",
        "the buyer's link, the producer of the order, operators (each look is noted)",
        _GUEST,
        "blanked; a CHECK keeps them blank",
    ),
    Held(
        "Where it went",
        ("purchase.region_code",),
        "tariffs, promises, reach; contract, public task",
        "as the address; officials see sums of regencies only",
        "the figure for ever",
        "regency only; the village stays where it is the maker's own (reach counts it apart)",
    ),
    Held(
        "Secret of the purchase's page",
        ("purchase.token", "purchase.token_digest"),
        "a guest opens their order; contract",
        "whoever has the link",
        _GUEST,
        "replaced by a secret that nobody has: the link opens nothing",
    ),
    Held(
        "Key by which a buyer is recognised",
        ("purchase.buyer_key",),
        "counting who comes back (ADR 33); legitimate interest, made harmless by a keyed hash",
        "nobody",
        _GUEST,
        "NULL",
    ),
    Held(
        "Consent",
        ("purchase.consent_version", "purchase.language"),
        "proof of consent, with its moment (UU 27/2022, article 24)",
        "the buyer",
        "for ever",
        "stays: without the rest it names nobody",
    ),
    Held(
        "The parcel's number, and who brings it",
        ("customer_order.tracking_number", "customer_order.courier"),
        "the courier's site shows the parcel; who brings it is free text, a person's name where the"
        " seller delivers; contract",
        "the buyer, the producer, operators",
        _GUEST,
        "NULL",
    ),
    Held(
        "What people wrote about an order",
        ("order_event.reason", "order_event.details", "allocation.why"),
        "reasons, complaints, decisions, parcels' numbers, what a coordinator wrote about a"
        " household's share; contract",
        "the buyer, the producer, operators",
        _GUEST,
        "blanked, which the append-only history allows for an erased purchase alone (ADR 39); what"
        " is written about it later is not stored",
    ),
    Held(
        "What people wrote about a payment",
        ("payment_event.reason",),
        "why a claim was refused; contract",
        "the buyer, operators",
        _GUEST,
        "blanked, as above",
    ),
    Held(
        "Claims of payment",
        ("payment.reference", "payment.proof_key"),
        "to find the money; contract. The picture: media/private/<key>.webp, without camera data",
        "the buyer, operators (each look at a picture is noted)",
        "180 days after the last event",
        "NULL; the file is deleted unless another payment shows it",
    ),
    Held(
        "Whither refunds go",
        ("refund.destination", "refund.reason", "refund.reference"),
        "to send money back; contract",
        "the buyer, operators",
        "the account, which is the one that was sent to: 180 days after it was sent; the rest as"
        " the purchase",
        "NULL; what is written about it later is not stored",
    ),
    Held(
        "Pages at the gateway",
        ("gateway_attempt.redirect_url",),
        "the buyer pays there; contract",
        "the buyer, operators",
        _GUEST,
        "emptied",
    ),
    Held(
        "What the bank wrote",
        ("statement_line.description", "statement_line.note", "bank_statement.content"),
        "matching money to payments; legal duty (UU 8/1997, article 11)",
        "operators",
        "10 years after the end of the year; the file itself only until it is taken in, 24 hours"
        " at most",
        "stays: an accounting document; blanked by the clock after the time",
    ),
    Held(
        "Why something was done to many at once",
        ("desk_batch.reason", "desk_batch_item.before"),
        "undoing it; legitimate interest. It may repeat a note on what the bank wrote",
        "operators",
        "7 days after it can be undone",
        "stays until then; blanked by the clock",
    ),
    Held(
        "Messages",
        ("notice.details", "notice.recipient", "notice.failure"),
        "to tell people what happened; contract. They hold no text, and no address but,"
        " sealed, that of a changed address: they are made when sent",
        "the recipient; operators those that failed",
        "180 days",
        "deleted",
    ),
    Held(
        "Browsers that are told",
        (
            "push_subscription.endpoint",
            "push_subscription.endpoint_digest",
            "push_subscription.p256dh",
            "push_subscription.auth",
        ),
        "notifications that the person switched on; consent",
        "nobody",
        "until switched off, the session in which it was switched on is ended, or the account is"
        " disabled",
        "deleted",
    ),
    Held(
        "Account",
        (
            "user_account.name",
            "user_account.email",
            "user_account.phone",
            "user_account.password_hash",
            "user_account.totp_secret",
        ),
        "signing in; contract",
        "the person, operators",
        "until erased",
        "blanked, login free again, sessions dead; a CHECK keeps it so; the row stays for what"
        " it did",
    ),
    Held(
        "The address that an account is to have",
        ("account_link.details",),
        "until its link is followed, the one before is in force (ADR 44); contract. Of other links:"
        " codes",
        "the person",
        "30 days after the link has run out",
        "deleted",
    ),
    Held(
        "Devices that are signed in",
        ("user_session.browser", "user_session.system", "user_session.digest"),
        "people recognise their own and end others; contract",
        "the person; operators see how many",
        "90 days after they began",
        "deleted",
    ),
    Held(
        "Who is invited",
        ("account_invitation.email", "account_invitation.phone", "account_invitation.region_code"),
        "letting somebody in who is known to the inviter; legitimate interest",
        "whoever invited, operators, whoever has the link",
        "30 days after it ran out",
        "deleted",
    ),
    Held(
        "An official's area",
        ("user_account.region_code",),
        "whose villages the account sees; public task",
        "the person, operators",
        "for ever",
        "stays: an area, nobody's name",
    ),
    Held(
        "What an account did",
        ("audit_event.subject", "audit_event.details"),
        "security and accountability; legal duty (UU 27/2022, articles 35 to 39)",
        "operators; the person their own",
        "for ever",
        "stays: it points at an account that has no name any more; details hold no personal data"
        " but operators' reasons in free words (the field asks them to name nobody)",
    ),
    Held(
        "Who looked at whose data",
        ("personal_data_view.subject", "personal_data_view.page"),
        "security and accountability; legal duty (UU 27/2022, articles 35 to 39)",
        "operators; the person looked at (role and producer, no name)",
        "for ever",
        "stays: it points at rows that name nobody any more",
    ),
    Held(
        "Producers",
        ("producer.name", "producer.slug", "producer.about", "producer.phone"),
        "a business that is public; contract, public task",
        "everybody",
        "as long as it sells, and in the history of its orders",
        "by an operator who closes the producer; its people's accounts are erased apart",
    ),
    Held(
        "Producers' bank accounts",
        (
            "payout_account.bank",
            "payout_account.number",
            "payout_account.holder",
            "payout.bank",
            "payout.number",
            "payout.holder",
            "payout_batch.reference",
        ),
        "paying producers; contract, legal duty (UU 8/1997, article 11)",
        "the producer's owners, operators",
        "10 years after the end of the year of the payout; the account that is paid to: of the last"
        " payout to it, or of when it was named",
        "stays: an accounting document; blanked or deleted by the clock after the time",
    ),
    Held(
        "Permits",
        ("permit.number",),
        "a permit is asked for stars; public task",
        "the producer's staff, officials of the area, operators",
        "as long as the producer",
        "removed by the producer's staff",
    ),
    Held(
        "Visits of the office",
        (
            "mentoring_visit.advice",
            "mentoring_visit.next_step",
            "mentoring_visit.withdrawn_why",
            "visit_photo.key",
            "visit_photo.alt",
        ),
        "mentoring; public task. Pictures: media/private/<key>.webp",
        "the producer's staff, officials of the area, operators",
        "as a record of the office",
        "stays: it is about a business, and the office answers for it",
    ),
)


def declared() -> dict[str, str]:
    """Every column that is declared, with whether it is personal or why it is not. Raises
    ValueError for one that is declared twice."""
    found: dict[str, str] = {}
    groups = [(columns, why) for why, columns in NOT_PERSONAL.items()]
    groups += [(held.columns, "personal") for held in PERSONAL]
    for columns, why in groups:
        for column in columns:
            if column in found:
                raise ValueError(f"{column} is declared twice")
            found[column] = why
    return found


def as_markdown() -> str:
    """The table of docs/privacy.md."""
    rows = [
        "| what, where | why, on which basis | who sees it | how long | erasure |",
        "| --- | --- | --- | --- | --- |",
    ]
    for held in PERSONAL:
        columns = ", ".join(f"`{column}`" for column in held.columns)
        rows.append(
            f"| {held.what}: {columns} | {held.why} | {held.seen_by} | {held.kept}"
            f" | {held.erasure} |"
        )
    return "\n".join(rows)


def written_into(text: str) -> str:
    """A document with the table between its marks."""
    table = f"{BEGIN}\n{as_markdown()}\n{END}"
    return re.sub(f"{BEGIN}.*?{END}", lambda _old: table, text, flags=re.S)


if __name__ == "__main__":
    document = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/privacy.md")
    document.write_text(written_into(document.read_text("utf-8")), "utf-8")
