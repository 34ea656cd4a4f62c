"""The demo's model server as an image: one replica whose errors, delays and start are knobs."""
