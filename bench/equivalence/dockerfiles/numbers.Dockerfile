FROM node:22 AS Dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci

FROM node:22
WORKDIR /app
COPY --from=0 /app/node_modules node_modules
COPY . .
RUN npm run build

FROM alpine AS unused
RUN touch /never

FROM nginx:1.29-alpine AS web
COPY --from=1 /app/dist /usr/share/nginx/html
COPY --from=dependencies /app/package.json /usr/share/nginx/html/
COPY --from=busybox /bin/wget /usr/local/bin/wget
ENV LISTEN=8080
EXPOSE $LISTEN
HEALTHCHECK --interval=30s --timeout=3s CMD wget -q -O- http://localhost:${LISTEN}/ || exit 1
