"""What an address may name."""

# An id of 32 bits, as both databases have them: beyond that there is nothing to look for.
LARGEST_ID = 2**31 - 1
# As a part of a URL rule: f"/things/<{ID}:thing_id>".
ID = f"int(max={LARGEST_ID})"
