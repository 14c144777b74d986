FROM alpine AS alpine
RUN first
FROM alpine AS base
RUN second
FROM base AS base
RUN third
FROM scratch AS out
COPY --from=base /a /a
COPY --from=1 /b /b
COPY --from=0 /c /c
FROM out
COPY --from=alpine /d /d
