"""The judge's mathematics: counts in, evidence out; arrays may carry leading dimensions."""
