# JupyterLab with the Go kernel, for the notebooks of this repository. binder/README.md
# says what is pinned by what, and why there are two equal copies of this file.

# The kernel and its helpers, in the versions of go.mod. They are built apart, because
# what they are made of is not needed to run them.
FROM golang:1.26.8-trixie AS tools
WORKDIR /src
COPY go.mod go.sum ./
RUN CGO_ENABLED=0 GOBIN=/opt/tools go install -ldflags=-s tool \
    && rm -rf /usr/local/go/api /usr/local/go/test \
    && find /usr/local/go/src -type d -name testdata -prune -exec rm -r {} +

FROM debian:trixie-20260824-slim

# Debian's package jupyterlab depends on 600 others that only its build needs: take the
# program out of it, and install what the program needs.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates jupyter-core python3-async-lru python3-jinja2 \
        'python3-jupyter-server=2.15.*' 'python3-jupyterlab-server=2.25.*' python3-notebook-shim \
        python3-packaging python3-tornado python3-traitlets \
    && cd /tmp && apt-get download 'jupyterlab=4.0.11*' \
    && dpkg-deb --fsys-tarfile jupyterlab_*.deb | tar -x -C / ./usr/bin ./usr/lib/python3 ./usr/share/jupyter ./etc \
    && python3 -m compileall -q /usr/lib/python3/dist-packages/jupyterlab \
    && find /usr/share/jupyter -name '*.map' -delete \
    && rm -rf /tmp/* /var/lib/apt/lists/* /var/cache/* /var/log/*
COPY binder/jupyter /etc/jupyter

ENV GOPATH=/opt/go GOTOOLCHAIN=local PATH=/opt/go/bin:/usr/local/go/bin:$PATH
COPY --from=tools /usr/local/go /usr/local/go
COPY --from=tools /opt/tools /usr/local/bin
RUN JUPYTER_DATA_DIR=/usr/local/share/jupyter gonb --install -logtostderr

# Anyone may write below the home folder and GOPATH, so that any user can be the one who
# runs the container.
ARG NB_USER=jovyan
ARG NB_UID=1000
ENV USER=${NB_USER} HOME=/home/${NB_USER}
RUN useradd --create-home --shell /bin/bash --uid ${NB_UID} ${NB_USER} \
    && mkdir ${GOPATH} && chown ${NB_UID}:${NB_UID} ${GOPATH} && chmod 777 ${HOME} ${GOPATH}
COPY --chown=${NB_UID}:${NB_UID} . ${HOME}
USER ${NB_USER}
WORKDIR ${HOME}

# Running the tutorial fetches the modules, fills the build cache and shows that the image
# works; the runner finds the tools where it would have built them. What no build reads is
# removed. The build cache gets a date in the future: the go command would remove what has
# not been used for days, and would write the date of each file that it uses.
RUN umask 0 && export GOFLAGS=-modcacherw \
    && for tool in gonb goimports gopls; do \
        version=$(go version -m /usr/local/bin/$tool | awk '$1 == "mod" { print $3 }'); \
        dir=.cache/nfkit/tools/$tool@$version-$(go env GOVERSION)-linux-$(go env GOARCH); \
        mkdir -p $dir && ln -s /usr/local/bin/$tool $dir/$tool || exit; \
    done \
    && go build ./nfkit/... \
    && go run ./notebooks -o /tmp/out \
    && find ${GOPATH}/pkg/mod/cache/download -name '*.zip' -delete \
    && find ${GOPATH}/pkg/mod -type d \( -name testdata -o -path '*/janpfeifer/gonb@*/docs' \) -prune -exec rm -r {} + \
    && find .cache/go-build -type f -exec touch -d 2037-01-01 {} + \
    && rm -rf /tmp/* notebooks/01_tutorial \
    && chmod -R a+rwX .

EXPOSE 8888
CMD ["jupyter", "lab", "--ip=0.0.0.0", "--no-browser"]
