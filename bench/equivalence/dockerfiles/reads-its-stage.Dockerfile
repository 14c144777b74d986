FROM alpine:3 AS one
ARG TARGETSTAGE
RUN echo "$TARGETSTAGE" > /stage

FROM alpine:3 AS two
COPY --from=one /stage /stage

FROM two
RUN cat /stage
