"""What is done with carts (cart), purchases (checkout) and orders (lifecycle)."""
