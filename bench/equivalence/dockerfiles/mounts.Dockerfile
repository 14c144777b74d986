FROM rust:1 AS chef
WORKDIR /app
RUN cargo install cargo-chef

FROM chef AS planner
COPY . .
RUN cargo chef prepare

FROM chef AS builder
COPY --from=planner /app/recipe.json recipe.json
RUN --mount=type=cache,id=cargo,target=/usr/local/cargo,sharing=locked cargo chef cook
RUN --mount=type=secret,id=token,required=true --mount=type=ssh cargo fetch
RUN --mount=from=planner,source=/app,target=/plan,ro --mount=type=tmpfs,target=/tmp cargo build
RUN --mount=type=bind,from=busybox,src=/bin,dst=/busy,readwrite /busy/ls

FROM builder AS tests
RUN cargo test

FROM gcr.io/distroless/cc AS release
COPY --link --from=builder /app/target/release/app /app
COPY --from=builder --link ["/app/a file", "/app/another file", "/files/"]
ENTRYPOINT ["/app"]
