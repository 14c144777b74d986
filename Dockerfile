# stagelint, for where there is no Python:
#
#   docker build --tag stagelint .
#   docker run --rm --volume "$PWD:/work:ro" stagelint

# Packages to install from; empty, for pip then asks PyPI. Where that cannot be reached, wheels come
# from a folder: --build-context wheels=FOLDER --build-arg PIP_NO_INDEX=1
FROM scratch AS wheels

FROM python:3.13-slim AS build
ARG PIP_NO_INDEX=
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_FIND_LINKS=/wheels
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY lint lint
COPY rules rules
# What ships is the environment alone: without pip, and with the bytecode that its user cannot write.
RUN --mount=from=wheels,target=/wheels --mount=type=cache,target=/root/.cache/pip \
    python -m venv --without-pip /opt/stagelint \
    && python -m pip --python /opt/stagelint/bin/python install .

FROM python:3.13-slim
LABEL org.opencontainers.image.title="stagelint" \
      org.opencontainers.image.description="Linter and fixer for multi-stage Dockerfiles" \
      org.opencontainers.image.licenses="Apache-2.0"
# stagelint: ignore[SL312] buildah 1.28, which is Debian 12's, does not know --link
COPY --from=build /opt/stagelint /opt/stagelint
ENV PATH=/opt/stagelint/bin:$PATH
WORKDIR /work
USER 65532:65532
ENTRYPOINT ["stagelint"]
