"""What is done with money: asking for it (asking), taking it in (receiving), the buyer's word on
it (claims), owing it back (refunds), paying it out (payouts), and the book of it all (ledger)."""
