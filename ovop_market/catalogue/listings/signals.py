"""What listings announce to the features above them, inside the transaction that changes them."""

from blinker import Namespace

# Sent as listing_moved.send(product, session=…, event=ListingEvent, shown_before=bool): what was
# done to it, and whether buyers saw it until then. Listeners write to the same session and never
# commit.
listing_moved = Namespace().signal("listing moved")
