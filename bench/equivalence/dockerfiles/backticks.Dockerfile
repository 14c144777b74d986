# escape=`
FROM busybox AS files
COPY one `
     two `
     C:\there\
FROM files
ENV A=1 `
    B=2
RUN dir `
 `
    /w
WORKDIR C:\work
