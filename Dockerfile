# To pin the base, replace the tag by its digest, which `docker buildx imagetools inspect python:3.13-slim` prints:
# python:3.13-slim@sha256:...
FROM python:3.13-slim AS base

FROM base AS build
WORKDIR /src
# The build tools stay in a virtual environment of their own; the one that is shipped has not even pip.
RUN python3 -m venv /build \
    && python3 -m venv --without-pip /opt/ninedata-exporter
COPY requirements.lock tools/requirements-build.lock ./
RUN /build/bin/pip install --no-cache-dir --require-hashes -r requirements-build.lock \
    && /build/bin/pip --python /opt/ninedata-exporter/bin/python install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE config.example.yaml ./
COPY exporter exporter
# Whatever the wheel needs is there by now: neither step may reach for the network.
RUN /build/bin/pip wheel --no-index --no-deps --no-build-isolation --wheel-dir dist . \
    && /build/bin/pip --python /opt/ninedata-exporter/bin/python install --no-index --no-deps dist/*.whl

FROM base
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
ARG SOURCE=https://github.com/ninedata-exporter/ninedata-exporter
LABEL org.opencontainers.image.title="ninedata-exporter" \
      org.opencontainers.image.description="Prometheus exporter for NineData prechecks, comparisons and replications" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="docker.io/library/python:3.13-slim" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.url="${SOURCE}" \
      org.opencontainers.image.documentation="${SOURCE}/blob/main/README.md" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
COPY --from=build /opt/ninedata-exporter /opt/ninedata-exporter
ENV PATH=/opt/ninedata-exporter/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# By number, so that Kubernetes can see that it is not root.
USER 65532:65532
EXPOSE 10199
STOPSIGNAL SIGTERM
# With bash, which takes milliseconds; a start of Python every few seconds would cost more CPU than the exporter. A listener with
# TLS, on another port or with a route prefix needs a check of its own.
HEALTHCHECK --interval=15s --timeout=5s --start-period=10s \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/10199 && printf 'GET /-/healthy HTTP/1.0\\r\\n\\r\\n' >&3 && read -r -t 3 _ status _ <&3 && [[ $status == 200 ]]"]
ENTRYPOINT ["ninedata-exporter"]
CMD ["--config.file=/etc/ninedata-exporter/config.yaml"]
