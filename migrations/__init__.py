"""The history of the schema; `backlot migrate` applies it from wherever the package is installed."""
