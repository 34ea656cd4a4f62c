"""The canary's judge beside others, in simulated worlds where the truth is known."""
