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
    # To the address that is to be the account's, with a link; to the one that still is; to the one
    # that was.
    NEW_EMAIL = "new_email"
    EMAIL_CHANGING = "email_changing"
    EMAIL_GONE = "email_gone"
    PHONE_CHANGED = "phone_changed"
    # Somebody wanted this account's address or number for another one.
    LOGIN_WANTED = "login_wanted"


# What is not told to the account's address, but to another one.
ELSEWHERE = frozenset({Told.NEW_EMAIL, Told.EMAIL_CHANGING, Told.EMAIL_GONE})

# What seals the secret of a link, and another address than the account's, on the way to the mail.
LINK, ADDRESS = "link in a mail", "address of a mail"

# Sent as account_told.send(user, session=…, what=Told, at=datetime, link=str, to=str): something
# that the owner of the account must hear of; `to`: the sealed address, where it is told elsewhere.
# Listeners write to the same session and never commit.
account_told = _signals.signal("account told")

# Sent as sessions_ended.send(None, session=…, ids=[…]): these sessions (user_session) are over,
# because somebody ended them. Listeners write to the same session and never commit.
sessions_ended = _signals.signal("sessions ended")
