# The pipeline and its command in an image: docker build -t sentiment . && docker run --rm -v "$PWD/artifacts:/srv/artifacts" sentiment run
# Debian 13 has the glibc that TFX 1.21 needs; pyfarmhash is compiled, and the compiler stays behind.
FROM python:3.12-slim-trixie AS build
RUN apt-get update && apt-get install --yes --no-install-recommends g++ && rm -rf /var/lib/apt/lists/*
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /app
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
COPY pyproject.toml uv.lock README.md LICENSE ./
RUN uv sync --locked --no-dev --no-install-project --python /usr/local/bin/python3
COPY components components
COPY pipeline pipeline
COPY serving serving
RUN uv sync --locked --no-dev --no-editable --python /usr/local/bin/python3

FROM python:3.12-slim-trixie
RUN useradd --create-home sentiment && mkdir /srv/artifacts && chown -R sentiment /srv
COPY --from=build /app/.venv /app/.venv
ENV PATH=/app/.venv/bin:$PATH
USER sentiment
WORKDIR /srv
VOLUME /srv/artifacts
EXPOSE 8500 8501
ENTRYPOINT ["sentiment"]
CMD ["--help"]
