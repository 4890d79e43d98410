"""Benchmarks: run by `make bench`, never asserted."""

import jax

jax.config.update("jax_enable_x64", True)
