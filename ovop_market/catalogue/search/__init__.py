"""Search of products: forgiving, in Indonesian, and the same on both databases.

The writer (writer.py) puts into `product.search_title` and `product.search_text` the plain words by
which a product may be found, each followed by its stem; triggers keep the indexes in step. A search
(engines.py) turns every word of the query into words that do occur, lets the index find at most a
thousand products with them, and ranks these in Python (words.py): so SQLite and PostgreSQL give the
same products in the same order.
"""

from ovop_market.catalogue.search.engines import matching, ranked
from ovop_market.catalogue.search.writer import compose, index, index_all

__all__ = ["compose", "index", "index_all", "matching", "ranked"]
