"""The functional core: what each kind looks like and what should happen."""
