"""What accounts announce to the features above them, inside the transaction that changes them."""

from enum import StrEnum

from blinker import Namespace

_signals = Namespace()


class Told(StrEnum):
    """What an account's owner is told of."""

    # With a link, whose secret is sealed in `link` (accounts.sealing, purpose LINK).
    VERIFY = "verify"
    RESET = "reset"
    # Somebody wanted to register with a login that has an account.
    TAKEN = "taken"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a name
    SECOND_FACTOR_ON = "second_factor_on"
    SECOND_FACTOR_OFF = "second_factor_off"
    RECOVERY_CODE_USED = "recovery_code_used"


# What seals the secret of a link on its way to the mail.
LINK = "link in a mail"

# Sent as account_told.send(user, session=…, what=Told, at=datetime, link=str): something that the
# owner of the account must hear of. Listeners write to the same session and never commit.
account_told = _signals.signal("account told")
