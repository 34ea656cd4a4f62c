"""The imperative shell: watches, reads the world, obeys a plan, writes status."""
