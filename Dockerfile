# Stride in a container. tests/architecture/test_dockerfile.py runs these very steps outside one.
FROM python:3.11-slim AS build
WORKDIR /src
COPY . .
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev
RUN python -m venv /tools && /tools/bin/pip install --no-cache-dir --require-hashes -r locks/compiling.txt
RUN /tools/bin/python -m tools.compiled.tree --no-compiling --into /compiled
RUN /tools/bin/python -m build --wheel --no-isolation --outdir /dist /compiled
RUN python -m venv /opt/stride
RUN /opt/stride/bin/pip install --no-cache-dir --require-hashes -r locks/production.txt
RUN /opt/stride/bin/pip install --no-cache-dir --no-deps /dist/*.whl

FROM python:3.11-slim
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --create-home stride && mkdir /data && chown stride /data
COPY --from=build /opt/stride /opt/stride
USER stride
WORKDIR /data
VOLUME /data
ENV PATH=/opt/stride/bin:$PATH \
    OMP_NUM_THREADS=1 \
    STRIDE_BIND=0.0.0.0:8000 \
    STRIDE_DATABASE_URL=sqlite:////data/stride.sqlite
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
CMD ["stride", "serve"]
