"""Experiments: a figure each, predicted, simulated and judged (`python -m experiments`)."""
