# Two stages: the first has what is needed to install, the second only what is needed to run.
# Packages come from the index that pip in your build environment is configured for; none is named here.
# The base is the most exact tag there is; to freeze it wholly, append the digest that your registry shows for it.
# Only instructions that `make image-check` knows how to carry out without a container.

FROM python:3.13.12-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /opt/migrate-bot
COPY requirements.lock requirements-build.lock ./
RUN /opt/migrate-bot/bin/python -m pip install --no-cache-dir --no-deps --only-binary :all: --require-hashes -r requirements.lock \
    && /opt/migrate-bot/bin/python -m pip check
# Kerberos is built from source: a compiler and MIT's headers, in this stage only.
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends gcc libc6-dev libkrb5-dev
COPY requirements-kerberos.lock requirements-kerberos-build.lock ./
RUN python -m pip install --no-cache-dir --no-deps --only-binary :all: --require-hashes -r requirements-kerberos-build.lock \
    && python -m pip wheel --no-cache-dir --no-deps --no-build-isolation --require-hashes --wheel-dir /wheels/kerberos -r requirements-kerberos.lock \
    && /opt/migrate-bot/bin/python -m pip install --no-cache-dir --no-deps --no-index /wheels/kerberos/*.whl
# The build backend is not among the run-time dependencies; it stays in this stage.
RUN python -m pip install --no-cache-dir --no-deps --only-binary :all: --require-hashes -r requirements-build.lock
COPY pyproject.toml README.md LICENSE ./
COPY bot ./bot
COPY core ./core
COPY deploy ./deploy
COPY lab ./lab
RUN python -m pip wheel --no-cache-dir --no-deps --no-build-isolation --no-index --wheel-dir /wheels . \
    && /opt/migrate-bot/bin/python -m pip install --no-cache-dir --no-deps --no-index /wheels/*.whl

# The pages, with tools of their own that stay in this stage.
COPY requirements-docs.lock ./
RUN python -m venv /opt/docs-tools \
    && /opt/docs-tools/bin/python -m pip install --no-cache-dir --no-deps --only-binary :all: --require-hashes -r requirements-docs.lock
COPY CONTRIBUTING.md Dockerfile ./
COPY website ./website
COPY docs ./docs
COPY changes ./changes
COPY benchmarks ./benchmarks
COPY tests/scenarios ./tests/scenarios
RUN /opt/docs-tools/bin/python -m website /opt/docs

FROM python:3.13.12-slim-bookworm
# MIT's Kerberos library, and kinit to try it with.
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends libgssapi-krb5-2 krb5-user \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --home-dir /var/lib/migrate-bot --create-home migrate-bot
COPY --from=build /opt/migrate-bot /opt/migrate-bot
# Answered at /docs of the health address when [slack] docs names this folder.
COPY --from=build /opt/docs /opt/migrate-bot/docs
# The environment wins over the settings file: to answer health elsewhere, set this variable.
ENV PATH="/opt/migrate-bot/bin:$PATH" PYTHONUNBUFFERED=1 MIGRATE_BOT_SLACK__HEALTH="127.0.0.1:8080"
USER migrate-bot
# The database is in the current folder unless the settings say otherwise.
WORKDIR /var/lib/migrate-bot
# Without a volume of its own, jobs are forgotten with the container.
VOLUME ["/var/lib/migrate-bot"]
HEALTHCHECK --interval=60s --timeout=15s --start-period=60s --retries=3 \
    CMD ["migrate-bot", "health", "--config", "/etc/migrate-bot/migrate-bot.toml"]
ENTRYPOINT ["migrate-bot"]
CMD ["run", "--config", "/etc/migrate-bot/migrate-bot.toml"]
