"""Renders every file that is derived from the models: CRDs, access rights and reference pages."""
