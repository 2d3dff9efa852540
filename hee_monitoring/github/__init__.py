"""GitHub and Enterprise Server: the client, what its answers mean, the feed of finished runs, webhooks, a simulator."""
