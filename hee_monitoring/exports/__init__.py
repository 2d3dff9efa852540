"""The log for programs that know nothing of HEE: CloudEvents, in-toto statements, Prometheus metrics. Pure."""
