"""PostgreSQL and Valkey from their wheels, and one supervisor over them, the API and the workers."""
