# The pipeline and its command in an image:
#
#   docker build -t sentiment .
#   mkdir -p artifacts
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD/artifacts:/srv/artifacts" -v sentiment-cache:/srv/cache sentiment run
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD/artifacts:/srv/artifacts" -p 127.0.0.1:8500:8500 -p 127.0.0.1:8501:8501 sentiment serve
#
# --user makes you the owner of what a run writes; any user's number will do. What is downloaded stays in the
# volume sentiment-cache. In the image, `serve` listens on all addresses of the container: who can ask the model
# is decided by -p, and without 127.0.0.1 in front of the port that is everybody in your network.
#
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
# Whoever --user names has no name and no home of its own here.
RUN useradd --no-create-home --home-dir /srv/home sentiment && install --directory --mode 1777 /srv/artifacts /srv/cache /srv/home
COPY --from=build /app/.venv /app/.venv
ENV PATH=/app/.venv/bin:$PATH HOME=/srv/home USER=sentiment XDG_CACHE_HOME=/srv/cache SENTIMENT_SERVE_HOST=0.0.0.0
USER sentiment
WORKDIR /srv
VOLUME /srv/artifacts /srv/cache
EXPOSE 8500 8501
# Without a shell in front, so that SIGTERM reaches the command.
ENTRYPOINT ["sentiment"]
CMD ["--help"]
