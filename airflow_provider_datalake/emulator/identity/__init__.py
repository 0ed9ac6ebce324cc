"""Azure Active Directory as far as the services need it: who sends a request, and tokens that prove it."""
