"""On the real cluster: how soon a version that begins to fail is without traffic."""
