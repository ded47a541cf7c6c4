# One image for API, workers, beat, Flower and migrations: the command says which. PostgreSQL and Valkey are
# services of their own, so what `notify up` needs on a single machine is left out.
FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv /opt/notify
COPY requirements.lock .
RUN /opt/notify/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md celeryconfig.py ./
COPY notify notify
COPY workers workers
RUN /opt/notify/bin/pip install --no-cache-dir --no-build-isolation --no-deps .

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin notify
COPY --from=build /opt/notify /opt/notify
ENV PATH=/opt/notify/bin:$PATH PYTHONUNBUFFERED=1
USER notify
WORKDIR /tmp
EXPOSE 8020 5555
CMD ["uvicorn", "--factory", "notify.api.app:create_app", "--host", "0.0.0.0", "--port", "8020"]
