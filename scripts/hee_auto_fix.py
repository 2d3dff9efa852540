"""Repairs what the rules allow; --help has the flags."""

from hee_monitoring.cli.seed import main

main("hee_auto_fix")
