ARG FLAVOUR=slim
ARG BASE=python-${FLAVOUR}

FROM python:3.13 AS python-full
ENV PIP_NO_CACHE_DIR=1
RUN pip install uv

FROM python:3.13-slim AS python-slim
ENV PIP_NO_CACHE_DIR 1

FROM $BASE AS environment
ARG BASE
ARG EXTRAS=all
ENV EXTRAS=${EXTRAS:-none} VIRTUAL_ENV=/venv
ENV PATH=$VIRTUAL_ENV/bin:$PATH
LABEL base=$BASE
RUN python -m venv $VIRTUAL_ENV && pip install app[$EXTRAS]

FROM python-slim
COPY --from=environment /venv /venv
ENV VIRTUAL_ENV=/venv
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN find / -name '*.pyc' | xargs rm
VOLUME ["/data", "/cache"]
STOPSIGNAL SIGINT
WORKDIR /data
CMD python -m app
