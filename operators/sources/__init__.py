"""Where measurements come from; the only importers of their clients."""
