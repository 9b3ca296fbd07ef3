"""What producers announce to the features above them, inside the transaction that changes them."""

from blinker import Namespace

# Sent as producer_moved.send(producer, session=…, event=ProducerEvent): it has applied, or
# something was decided of it. Listeners write to the same session and never commit.
producer_moved = Namespace().signal("producer moved")
