"""What a kind would have decided on the Prometheus history of its user: ``modelyard backtest``."""
