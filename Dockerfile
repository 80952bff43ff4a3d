# Airflow with this project: one image for every service of docker-compose.yaml.
ARG AIRFLOW_IMAGE=apache/airflow:3.3.2-python3.11
FROM ${AIRFLOW_IMAGE}

USER root
# Named volumes take over the owner and mode of the folder that they cover.
RUN install -d -o airflow -g root /opt/connector /opt/venv \
    && install -d -o airflow -g root -m 0700 /var/lib/connector /var/lib/connector/xcom \
        /var/lib/connector/reports /var/lib/connector/twins

USER airflow
WORKDIR /opt/connector
# An environment of its own beside the image's: it holds exactly what the lock says, which is what the tests
# ran on, and none of the image's other providers.
ENV PIP_USER=false \
    PIP_NO_CACHE_DIR=true \
    PYTHONDONTWRITEBYTECODE=1
COPY --chown=airflow:root requirements-bootstrap.txt requirements-compose.txt ./
RUN python -m venv /opt/venv \
    && /opt/venv/bin/python -m pip install --require-hashes -r requirements-bootstrap.txt \
    && /opt/venv/bin/python -m pip install --require-hashes -r requirements-compose.txt
ENV VIRTUAL_ENV=/opt/venv \
    PATH=/opt/venv/bin:${PATH}

# Installed editable: the entry point that makes the connection types known comes from here, the code from the
# folders that docker-compose.yaml mounts at the same places.
COPY --chown=airflow:root pyproject.toml README.md LICENSE ./
COPY --chown=airflow:root include include
COPY --chown=airflow:root plugins plugins
COPY --chown=airflow:root dags dags
COPY --chown=airflow:root sandbox sandbox
COPY --chown=airflow:root config config
RUN /opt/venv/bin/python -m pip install --no-deps --no-build-isolation --editable .
