# One image for all of ado's processes; the command says which: docs/docker.md.
#
#   docker build -t ado .
#
# The base is Debian with Node.js 22.12 or later. A base of your own may hold what your network needs, such as a
# certificate authority or the address of a registry.
ARG BASE_IMAGE=node:24-bookworm-slim

FROM ${BASE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN PATH=node_modules/.bin:$PATH sh tools/build.sh
# Of the native libraries for five platforms one is left; the others are 110 MB.
RUN npm prune --omit=dev && \
  find node_modules/@temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 \
    ! -name "$(uname -m)-unknown-linux-gnu" -exec rm -r {} + && \
  find node_modules -type d -empty -delete
# What the image contains of npm, in CycloneDX; Debian's packages are in its own list. With --omit=dev npm 11 leaves out what
# development needs too, such as zod.
RUN npm pkg delete devDependencies && npm sbom --sbom-format=cyclonedx >sbom.cdx.json

FROM ${BASE_IMAGE}
RUN apt-get update && \
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    bubblewrap ca-certificates git openssh-client tini && \
  apt-get clean && \
  rm -rf /var/lib/apt/lists/* /var/cache/debconf/* /var/log/* && \
  groupadd --gid 10001 ado && \
  useradd --uid 10001 --gid ado --create-home --shell /usr/sbin/nologin ado && \
  install -d -o ado -g ado /var/lib/ado && \
  ln -s /app/dist/cli/main.js /usr/local/bin/ado
WORKDIR /app
COPY --from=build /app/package.json /app/sbom.cdx.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist

# API and workers never share a container, so what the API could find out about its own sandbox decides nothing.
ENV NODE_ENV=production ADO_HOME=/var/lib/ado ADO_API_HOST=0.0.0.0 ADO_METRICS_HOST=0.0.0.0 ADO_API_CHECKS_SANDBOX=false
USER 10001:10001
EXPOSE 3000 9090
# Healthy once the process can do its work: an API with its stores, a worker that polls.
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.ADO_METRICS_PORT ?? 9090}/health/ready`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["tini", "--"]
CMD ["node", "dist/api/main.js"]

ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="ado" \
  org.opencontainers.image.description="A durable runtime for coding agents, at scale." \
  org.opencontainers.image.licenses="MIT" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"
