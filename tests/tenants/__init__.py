"""What `test_tenants.py` is made of: the requests of the OpenAPI document, a victim, and those who are after it."""
