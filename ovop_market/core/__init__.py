"""What needs no framework: money, quantities, time, errors, tokens. Standard library only."""
