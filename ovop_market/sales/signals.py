"""What reported sales announce to the features above, inside the transaction that writes them."""

from blinker import Namespace

_signals = Namespace()

# Sent as sale_moved.send(sale, session=…): a sale has just been noted, or its note withdrawn (then
# it has a `withdrawn_at`). Listeners write to the same session and never commit.
sale_moved = _signals.signal("sale moved")
