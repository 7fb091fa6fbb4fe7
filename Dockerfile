# The page and the worker, for a GPU host: CUDA comes with the torch wheel, so that no CUDA image is
# needed below, and the same image runs on a CPU. compose.yaml says how the two are started.

FROM python:3.11.17-slim-trixie@sha256:45037981b62b34b44602584fccbc4d884d5f7dc92c7ee86bb38a698a79fe1e51 AS base

# Installed in a stage of its own, so that nothing of how it is installed is left. pip's downloads
# stay with the builder: another version of one package fetches that one only.
FROM base AS packages
# torch<2.11 brings CUDA 12.8, for drivers before 580.
ARG TORCH=torch
WORKDIR /opt
COPY requirements.txt requirements.lock ./
# First what the lock names, file by file; then torch, the one thing that is still missing.
# Left out: torch's own tests, and headers and compilers for building extensions (140 MB).
RUN --mount=type=cache,target=/root/.cache/pip \
    python3 -m venv /opt/venv \
    && /opt/venv/bin/python -m pip install --disable-pip-version-check \
        --require-hashes --no-deps --requirement requirements.lock \
    && /opt/venv/bin/python -m pip install --disable-pip-version-check \
        --requirement requirements.txt "${TORCH}" \
    && rm -rf venv/lib/python3*/site-packages/torch/test \
        venv/lib/python3*/site-packages/torch/include \
        venv/lib/python3*/site-packages/torch/bin/protoc* \
        venv/lib/python3*/site-packages/torch/bin/test_*

FROM base
# Without a CJK font charts exported as PNG show boxes. This one is 5 MB, fonts-noto-cjk 91 MB.
# hadolint ignore=DL3008
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends fonts-wqy-microhei \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log
# Any user may write here: compose.yaml runs as the owner of the mounted folders.
RUN useradd --uid 1000 --home-dir /cache --no-create-home langskew \
    && mkdir --mode=1777 /cache /checkpoints
COPY --from=packages /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/cache \
    XDG_CACHE_HOME=/cache \
    HF_HOME=/cache/huggingface \
    LANGSKEW_CACHE=/cache/langskew \
    LANGSKEW_CHECKPOINTS=/checkpoints \
    STREAMLIT_SERVER_ADDRESS=0.0.0.0
WORKDIR /app
COPY . .
RUN python -m compileall -q .
USER 1000:1000
VOLUME ["/checkpoints", "/cache"]
EXPOSE 8501
HEALTHCHECK --start-period=60s --timeout=5s CMD ["python", "docker/health.py"]
CMD ["streamlit", "run", "app.py"]
