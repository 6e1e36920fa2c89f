"""Base images assembled from packages, for places where no image registry answers; and what brings an engine up."""
