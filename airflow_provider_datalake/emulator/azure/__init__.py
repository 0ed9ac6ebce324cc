"""What Azure's REST services have in common: calls, error bodies, OData parameters."""
