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
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="ninedata-exporter" \
      org.opencontainers.image.description="Prometheus exporter for NineData prechecks" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/ninedata-exporter /opt/ninedata-exporter
ENV PATH=/opt/ninedata-exporter/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# By number, so that Kubernetes can see that it is not root.
USER 65532:65532
EXPOSE 10199
STOPSIGNAL SIGTERM
# http.client heeds no proxy settings. A listener with TLS or on another port needs a check of its own.
HEALTHCHECK --interval=15s --timeout=5s --start-period=10s \
    CMD ["python3", "-c", "import http.client, sys; c = http.client.HTTPConnection('127.0.0.1', 10199, timeout=3); c.request('GET', '/-/healthy'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["ninedata-exporter"]
CMD ["--config.file=/etc/ninedata-exporter/config.yaml"]
