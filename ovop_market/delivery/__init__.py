"""How parcels reach the buyer: services, tariffs, collection points, what arrives fresh."""
