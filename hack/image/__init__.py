"""The images: how they are built without a registry, what is in them and how fast they start."""
