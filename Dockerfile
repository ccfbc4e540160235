# Two images. `pipeline` is the whole command: runs, Beam's workers, the steps of Kubeflow.
# `server` is the model server and the client, without TFX.
#
#   docker build -t sentiment .
#   docker build -t sentiment-server --target server .
#   mkdir -p artifacts
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD/artifacts:/srv/artifacts" -v sentiment-cache:/srv/cache sentiment run
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD/artifacts:/srv/artifacts" -p 127.0.0.1:8500:8500 -p 127.0.0.1:8501:8501 sentiment-server
#
# --user makes you the owner of what a run writes; any user's number will do. What is downloaded stays in the
# volume sentiment-cache. In the images, the server listens on all addresses of the container: who can ask the
# model is decided by -p, and without 127.0.0.1 in front of the port that is everybody in your network.
#
# Debian 13 has the glibc that TFX 1.21 needs, and a Python that it runs on. What RUN runs are the scripts of
# docker/, which .ci/images runs as this file says.
FROM debian:trixie-slim AS base
COPY docker/base /docker/
RUN /docker/base

FROM base AS build
COPY docker/tools /docker/
RUN /docker/tools
COPY docker/dependencies docker/slim docker/package /docker/
WORKDIR /app
COPY pyproject.toml uv.lock README.md LICENSE ./

FROM build AS pipeline-build
RUN --mount=type=cache,target=/root/.cache/uv /docker/dependencies kubeflow
RUN /docker/slim
COPY components components
COPY pipeline pipeline
COPY serving serving
RUN --mount=type=cache,target=/root/.cache/uv /docker/package kubeflow

FROM build AS server-build
RUN --mount=type=cache,target=/root/.cache/uv /docker/dependencies server
RUN /docker/slim
COPY components components
COPY pipeline pipeline
COPY serving serving
RUN --mount=type=cache,target=/root/.cache/uv /docker/package server

FROM base AS runtime
LABEL org.opencontainers.image.version=0.1.0 org.opencontainers.image.licenses=Apache-2.0
ENV PATH=/app/.venv/bin:$PATH LANG=C.UTF-8 HOME=/srv/home USER=sentiment XDG_CACHE_HOME=/srv/cache SENTIMENT_SERVE_HOST=0.0.0.0
USER sentiment
WORKDIR /srv
EXPOSE 8500 8501

FROM runtime AS server
LABEL org.opencontainers.image.title=sentiment-server org.opencontainers.image.description="A TF-Serving-compatible server of text classifiers, and its client."
COPY --from=server-build /app/.venv /app/.venv
VOLUME /srv/artifacts
# Without a shell in front, so that SIGTERM reaches the command.
ENTRYPOINT ["sentiment", "serve", "--engine=embedded", "--enable_grpc_healthcheck_service"]
CMD []
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["sentiment", "status", "--health"]

FROM runtime AS pipeline
LABEL org.opencontainers.image.title=sentiment org.opencontainers.image.description="A TFX pipeline for text classification: from raw reviews to a gated model that TF-Serving serves."
COPY --from=pipeline-build /app/.venv /app/.venv
VOLUME /srv/artifacts /srv/cache
EXPOSE 50000
ENTRYPOINT ["sentiment"]
CMD ["--help"]
# Runs, workers and steps end by themselves; whoever started them sees it.
HEALTHCHECK NONE
