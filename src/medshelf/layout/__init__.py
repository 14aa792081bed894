"""The layout language at work, on names only: match, join, check, identify, plan a twin."""
