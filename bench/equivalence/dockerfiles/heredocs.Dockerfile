FROM debian:13 AS tools
ARG PACKAGES="curl git"
RUN <<EOT
set -e
apt-get update
apt-get install -y $PACKAGES
EOT
COPY <<-"CONF" /etc/tool.conf
	# not a comment
	path = $PATH
	CONF
RUN <<PYTHON python3
print("hello")
PYTHON

FROM debian:13
ARG NAME=world
COPY --from=tools /etc/tool.conf /etc/
COPY <<GREETING /greeting
hello ${NAME}
GREETING
ADD --chmod=755 https://downloads.invalid/tool /usr/local/bin/
RUN cat /greeting; \
  # said twice

  cat /greeting
