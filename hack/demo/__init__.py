"""The demo: a good model promoted on evidence, and a faulty one taken back, on a real cluster."""
