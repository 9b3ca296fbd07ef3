"""What must not take the market down, or lose an order: on real processes."""
