"""What operators, buyers and producers see of money."""
