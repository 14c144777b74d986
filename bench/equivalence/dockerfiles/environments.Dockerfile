ARG REGISTRY=docker.io/library
ARG TAG
FROM ${REGISTRY}/ubuntu:${TAG:-24.04} AS os
ARG USER_ID=1000 GROUP_ID=1000
ENV HOME=/home/user LANG=C.UTF-8
ENV FULL="$HOME/bin with blanks" PLAIN=one\ two
ARG HOME=/elsewhere
RUN useradd -u $USER_ID -g $GROUP_ID -d $HOME user
USER $USER_ID:$GROUP_ID
WORKDIR $HOME
LABEL org.title="a title" org.vendor='a vendor' org.home=$HOME

FROM os AS dev
ARG HOME
ARG TAG
ENV TAG=$TAG MODE=dev
RUN --network=none make MODE=$MODE TAG=$TAG HOME=$HOME
WORKDIR work

FROM dev AS prod
ENV MODE=prod
ENV LEGACY one two  three
RUN make
CMD ["run", "--mode", "prod"]
ENTRYPOINT ["/entry"]
EXPOSE 53/udp 53 8443/tcp
