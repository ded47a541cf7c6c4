# One image for API, workers, beat, Flower and migrations: the command says which. PostgreSQL and Valkey are
# services of their own, so what `notify up` needs on a single machine is left out.
# Every library is pinned by its hash in requirements.lock; to pin the base as well:
#   docker build --build-arg PYTHON=python:3.13-slim@sha256:... .
ARG PYTHON=python:3.13-slim

FROM ${PYTHON} AS build
WORKDIR /src
RUN python -m venv /opt/notify
COPY requirements.lock .
RUN /opt/notify/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md celeryconfig.py ./
COPY notify notify
COPY workers workers
RUN /opt/notify/bin/pip install --no-cache-dir --no-build-isolation --no-deps . \
 && /opt/notify/bin/pip uninstall --yes setuptools pip

FROM ${PYTHON}
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin notify
COPY --from=build /opt/notify /opt/notify
# Threads that have memory areas of their own waste more of it than they save time.
ENV PATH=/opt/notify/bin:$PATH PYTHONUNBUFFERED=1 MALLOC_ARENA_MAX=2
USER 10001
WORKDIR /tmp
EXPOSE 8020 5555 9109
CMD ["uvicorn", "--factory", "notify.api.app:create_app", "--host", "0.0.0.0", "--port", "8020", "--no-proxy-headers"]
