# The operator's image, for Docker and buildah alike: docs/image.md.
# BASE has Python 3.11 and nothing to build with; BUILDER has the same Python and pip.
ARG BASE=python:3.11-slim-bookworm
ARG BUILDER=python:3.11-slim-bookworm

FROM ${BUILDER} AS dependencies
COPY requirements/build.txt requirements/operator.txt /
# The two secrets, which may be missing, are how pip finds its index: they stay out of every layer.
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    --mount=type=secret,id=authorities,target=/run/secrets/authorities \
    python3 -m venv --without-pip /opt/modelyard \
 && python3 -m pip --python /opt/modelyard install --no-cache-dir --no-compile \
    --only-binary :all: --require-hashes -r /operator.txt \
 && python3 -m pip install --no-cache-dir --target /build \
    --only-binary :all: --require-hashes -r /build.txt
# Compiled here, as the root file system is read-only later; what cannot change is not checked.
RUN python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/modelyard/lib

FROM dependencies AS product
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY requirements/operator.in requirements/
COPY controllers controllers
COPY operators operators
RUN PYTHONPATH=/build python3 -m pip --python /opt/modelyard install --no-compile \
    --no-index --no-deps --no-build-isolation --prefix /product . \
 && python3 -m compileall -q --invalidation-mode unchecked-hash \
    -s /product -p /opt/modelyard /product/lib

FROM ${BASE}
# A user that exists: kopf asks for its name. Of Python only what runs: no pip, and all of it compiled.
RUN echo 'modelyard:x:65532:65532:Modelyard:/nonexistent:/usr/sbin/nologin' >> /etc/passwd \
 && echo 'modelyard:x:65532:' >> /etc/group \
 && library="$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" \
 && rm -rf "$library/ensurepip" "$library/site-packages" /usr/local/bin/pip* /usr/local/bin/wheel \
 && python3 -m compileall -q -x 'lib2to3/tests|/test/' "$library"
# Two layers, so that a new version on the same dependencies is a small one.
COPY --from=dependencies /opt/modelyard /opt/modelyard
COPY --from=product /product /opt/modelyard
ENV PATH=/opt/modelyard/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# The list of what is in here, and the proof that the command starts on this BASE.
RUN --mount=type=bind,source=hack/image/sbom.py,target=/tmp/sbom.py \
    python3 /tmp/sbom.py modelyard > /opt/modelyard/sbom.cdx.json \
 && modelyard run --help > /dev/null
ARG VERSION=0.1.0
ARG REVISION=""
LABEL org.opencontainers.image.title="modelyard" \
      org.opencontainers.image.description="Kubernetes operators for machine-learning operations" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/opt/modelyard/bin/modelyard"]
CMD ["run"]
