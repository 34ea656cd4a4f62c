"""Routes that share traffic between two destinations, read and written as plain objects."""
