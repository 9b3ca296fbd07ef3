"""Every form of every page, found by looking: what becomes of nonsense that is sent."""
