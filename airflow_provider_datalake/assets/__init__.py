"""Asset URIs of the provider's services."""
