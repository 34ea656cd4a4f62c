"""What stands for a field that is taken out."""

ABSENT = object()
