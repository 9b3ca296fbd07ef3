"""How fast the market is, and what each page costs the database: `make bench`.

Options: `make bench ARGS="--seconds 3"`; `--database URL` for another than a scratch SQLite file;
`--encoding br` to ask for compressed pages, as browsers do.

How to read it
--------------
*Kept pages.* Each public page beside a bare page: a Flask view that renders a Jinja loop of just
as many bytes and does nothing else, without a database (benchmarks/bare.py). Both are served by
gunicorn with the project's own settings and are asked by the same clients in turns (market, bare,
market, bare …), so that whatever else the machine does burdens both. `ratio` is the median over the
turns of the market's requests/s divided by the bare page's; 0.5 is wanted at least. Anonymous pages
are kept (web/kept.py), so this is what visitors get while nothing changes.

The clients are standard-library Python in two processes. They share the machine with the servers:
`client` says which share of one core they used while asking for the page. What they cost is the
same for both pages, so that the true ratio is somewhat further from 1 than the printed one; see
the servers' own processor time per request in `cpu ms`, which has no such fault (Linux only).

*Checkout.* Whole checkouts of new visitors (add to cart, form with address, place), a few at the
same time, each request on a new connection. All of it is written to the disk before it is answered.
Then the front page while others buy: every write makes kept pages out of date.

*Renderings.* What it costs when nothing is kept: `first` is the very first rendering of a fresh
application (templates and statements are compiled, connections opened), `again` the median of later
ones and `cpu` their processor time, which other work on the machine hardly changes. `statements`
counts SQL but BEGIN, COMMIT and PRAGMA; a public page may have 6, and is marked ! beyond.

*Statement.* A bank statement of 5,000 lines (4,500 for payments that are asked for, some unknown,
some money out) against 10,000 awaited payments: from the bytes of the file to the commit of what is
booked, as an operator does it, without the pages in between. 5 s are allowed on SQLite.
`python -m benchmarks.matching` measures this alone.

*Who has an account?* Forms that must not tell, asked for logins that have one and for others,
in turns, with passwords hashed at their real cost. The medians may be 50 ms apart; beyond, they are
marked !.
`python -m benchmarks.guessing` measures this alone.
"""
