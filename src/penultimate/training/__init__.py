"""One training loop: what it learns from, how it steps, what it leaves."""
