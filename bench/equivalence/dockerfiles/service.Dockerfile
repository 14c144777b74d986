# syntax=docker/dockerfile:1
ARG GO=1.25
ARG DISTRO=alpine

# What compiles.
FROM --platform=$BUILDPLATFORM golang:${GO} AS base
WORKDIR /src
ENV CGO_ENABLED=0 GOFLAGS=-mod=readonly
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download

FROM base AS build
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=dev
RUN --mount=type=bind,source=.,target=/src --mount=type=cache,target=/go/pkg/mod \
    GOOS=$TARGETOS GOARCH=$TARGETARCH go build -ldflags "-X main.version=${VERSION}" \
    # where the last stage looks for it
    -o /out/service ./cmd/service

FROM base AS test
RUN --mount=type=bind,source=.,target=/src go test ./...

FROM ${DISTRO}:3 AS certificates
RUN apk add --no-cache ca-certificates

FROM scratch
ARG VERSION=dev
LABEL version="$VERSION" maintainer=somebody
COPY --from=certificates /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=1 --chown=65532:65532 /out/service /service
USER 65532:65532
EXPOSE 8080 9090/tcp
ENTRYPOINT ["/service"]
CMD ["--port", "8080"]
