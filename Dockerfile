# The image holds one static program and the certificate authorities, and nothing else.
FROM docker.io/library/golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=unknown
RUN CGO_ENABLED=0 go build -buildvcs=false -trimpath -ldflags "-s -w -X main.version=${VERSION}" \
        -o /out/passerelle ./cmd/passerelle && \
    mkdir /out/data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/passerelle /usr/bin/passerelle
COPY --from=build --chown=65532:65532 /out/data /var/lib/passerelle
USER 65532:65532
VOLUME /var/lib/passerelle
ENV PASSERELLE_STORE_DIRECTORY=/var/lib/passerelle \
    PASSERELLE_HTTP_LISTEN=127.0.0.1:8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["/usr/bin/passerelle", "health"]
ENTRYPOINT ["/usr/bin/passerelle"]
CMD ["run"]
