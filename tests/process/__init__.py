"""Real server processes under load, killed, and side by side."""
