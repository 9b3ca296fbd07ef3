"""The producer's own listings: products, packs and pictures, as their staff writes them.

What is ready, and what can be made, is the shop's other part (shop_views); what buyers see of it is
in catalogue.queries and catalogue.product_page.
"""
