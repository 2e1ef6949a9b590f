"""Models that memory calls: embedders, each an optional method in the slot `models.embed`."""
