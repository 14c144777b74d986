"""What stagelint costs, beside other linters and beside itself: `python -m bench.speed`."""
