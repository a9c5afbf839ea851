# syntax=docker/dockerfile:1
# Two stages: the first has what is needed to install, the second only what is needed to run.
# Packages come from the index that pip in your build environment is configured for; none is named here.

FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv /opt/migrate-bot
COPY requirements.lock ./
RUN /opt/migrate-bot/bin/python -m pip install --no-cache-dir --no-deps --require-hashes -r requirements.lock \
    && /opt/migrate-bot/bin/python -m pip check
# Kerberos is built from source: a compiler and MIT's headers, in this stage only.
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends gcc libc6-dev libkrb5-dev
COPY requirements-kerberos.lock requirements-kerberos-build.lock ./
RUN python -m pip install --no-cache-dir --no-deps --require-hashes -r requirements-kerberos-build.lock \
    && python -m pip wheel --no-cache-dir --no-deps --no-build-isolation --require-hashes --wheel-dir /wheels/kerberos -r requirements-kerberos.lock \
    && /opt/migrate-bot/bin/python -m pip install --no-cache-dir --no-deps --no-index /wheels/kerberos/*.whl
# The build backend is not among the run-time dependencies; it stays in this stage.
RUN python -m pip install --no-cache-dir "setuptools>=77"
COPY pyproject.toml README.md LICENSE ./
COPY bot ./bot
COPY core ./core
COPY lab ./lab
RUN python -m pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/migrate-bot/bin/python -m pip install --no-cache-dir --no-deps --no-index /wheels/*.whl

FROM python:3.13-slim
# MIT's Kerberos library, and kinit to try it with.
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends libgssapi-krb5-2 krb5-user \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --home-dir /var/lib/migrate-bot --create-home migrate-bot
COPY --from=build /opt/migrate-bot /opt/migrate-bot
ENV PATH="/opt/migrate-bot/bin:$PATH" PYTHONUNBUFFERED=1 \
    MIGRATE_BOT_STORE__URL="sqlite+aiosqlite:////var/lib/migrate-bot/migrate-bot.db"
USER migrate-bot
WORKDIR /var/lib/migrate-bot
# The database. Without a volume of its own, jobs are forgotten with the container.
VOLUME ["/var/lib/migrate-bot"]
ENTRYPOINT ["migrate-bot"]
CMD ["run", "--config", "/etc/migrate-bot/migrate-bot.toml"]
