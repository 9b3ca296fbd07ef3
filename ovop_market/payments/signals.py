"""What payments announce to the features above, inside the transaction that changes them.

Listeners write to the same session and never commit.
"""

from blinker import Namespace

_signals = Namespace()

# payments_moved.send(None, session=…, events=[PaymentEvent, …]): what has just been written of one
# or many payments; each event's payment and its purchase are loaded.
payments_moved = _signals.signal("payments moved")

# refund_moved.send(refund, session=…, at=…): money is owed back, has been sent
# back, or an operator finds that it need not be.
refund_moved = _signals.signal("refund moved")

# payout_account_named.send(account, session=…, at=…): a producer is paid there from now on.
payout_account_named = _signals.signal("payout account named")

# payouts_sent.send(batch, session=…, at=…): the payouts of a batch are on their way.
payouts_sent = _signals.signal("payouts sent")
