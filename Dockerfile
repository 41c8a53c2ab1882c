# JupyterLab with the Go kernel, for the notebooks of this repository. binder/README.md
# says what is pinned by what, and why there are two equal copies of this file.

# The kernel and its helpers, in the versions of the notebooks' go.mod. They are built
# apart, because what they are made of is not needed to run them.
FROM golang:1.26.8-trixie AS tools
WORKDIR /src
COPY nfkit/internal/notebook/go.mod nfkit/internal/notebook/go.sum ./
RUN CGO_ENABLED=0 GOBIN=/opt/tools go install -ldflags=-s \
        github.com/janpfeifer/gonb golang.org/x/tools/cmd/goimports golang.org/x/tools/gopls \
    && rm -rf /usr/local/go/api /usr/local/go/test \
    && find /usr/local/go/src -type d -name testdata -prune -exec rm -r {} +

FROM debian:trixie-20260824-slim

COPY binder/install-jupyterlab /usr/local/sbin/
RUN install-jupyterlab
COPY binder/jupyter /usr/local/etc/jupyter

ENV GOPATH=/opt/go GOCACHE=/opt/go/cache GOTOOLCHAIN=local PATH=/opt/go/bin:/usr/local/go/bin:$PATH
COPY --from=tools /usr/local/go /usr/local/go
COPY --from=tools /opt/tools /usr/local/bin
# A session may have 1 GB for everything, so a cell's program returns memory that it no longer needs, and gopls, which the kernel starts, sooner.
ENV GOMEMLIMIT=400MiB
RUN mv /usr/local/bin/gopls /usr/local/lib \
    && printf '#!/bin/sh\nGOMEMLIMIT=100MiB exec /usr/local/lib/gopls "$@"\n' >/usr/local/bin/gopls \
    && chmod +x /usr/local/bin/gopls
RUN JUPYTER_DATA_DIR=/usr/local/share/jupyter gonb --install -logtostderr

# Anyone may write below the home folder and GOPATH, so that any user can be the one who
# runs the container.
ARG NB_USER=jovyan
ARG NB_UID=1000
ENV USER=${NB_USER} HOME=/home/${NB_USER}
RUN useradd --create-home --shell /bin/bash --uid ${NB_UID} ${NB_USER} \
    && install -d -m 777 -o ${NB_UID} -g ${NB_UID} ${GOPATH} && chmod 777 ${HOME}
WORKDIR ${HOME}

# The modules and the build cache need the sources alone. What no build reads is removed.
# The cache's folders are sticky, as /tmp is: everybody may add to them, but only root may
# remove what is here, which the go command tries once it is five days old.
COPY go.mod go.sum ./
COPY nfkit nfkit
COPY notebooks/*.go notebooks/
COPY notebooks/setup notebooks/setup
RUN umask 0 && export GOFLAGS=-modcacherw \
    && go build ./... && go build -C nfkit/internal/notebook -o /dev/null . \
    && find ${GOPATH}/pkg/mod/cache/download -name '*.zip' -delete \
    && find ${GOPATH}/pkg/mod -type d -name testdata -prune -exec rm -r {} + \
    && find ${GOCACHE} -type d -exec chmod 1777 {} +

# Packages that notebooks import and nfkit does not: as the user, who can only add to the
# cache, so that this layer has nothing else.
COPY . .
RUN chown -R ${NB_UID}:${NB_UID} . && chmod -R a+rwX . \
    && su ${NB_USER} -c 'umask 0 && go build $(binder/imports)' \
    && find ${GOCACHE} -user ${NB_USER} -exec chown root:root {} +

# A JupyterLab that starts and a tutorial that runs show that the image works. What they
# leave is of no use again, but for the program that runs notebooks.
USER ${NB_USER}
RUN umask 0 && (jupyter lab --no-browser --port=28731 --IdentityProvider.token=t >/tmp/log 2>&1 & \
        binder/check 'http://127.0.0.1:28731/?token=t' || { cat /tmp/log; exit 1; }; kill $!) \
    && go run ./notebooks -set epochs=50 -o /tmp/out \
    && find ${GOCACHE} -user ${NB_USER} -delete \
    && rm -rf /tmp/* .cache/go* .config .ipython .jupyter .local notebooks/01_tutorial

EXPOSE 8888
CMD ["jupyter", "lab", "--ip=0.0.0.0", "--no-browser"]
