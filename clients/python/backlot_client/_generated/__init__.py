"""Generated from docs/openapi.json by `make clients`: not to be changed by hand."""
