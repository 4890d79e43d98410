"""The assessment of scores by simulation."""
