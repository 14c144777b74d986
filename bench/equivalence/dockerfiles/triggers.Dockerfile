FROM busybox AS parent
ENV WHO=parent
ONBUILD ARG WHAT=thing
ONBUILD COPY --from=assets /assets /assets
ONBUILD RUN echo $WHO $WHAT > /triggered
ONBUILD LABEL what=$WHAT

FROM busybox AS assets
COPY assets/* /assets/

FROM parent AS child
ENV WHO=child
RUN echo $WHO

FROM child
COPY --from=child /triggered /
CMD cat /triggered
