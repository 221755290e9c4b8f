# The image for the tinysieve command on a processor; the DataPerf services of docker-compose.yml run in it.
#
#   docker build -t tinysieve:cpu .
#   docker run -it --rm -v $PWD:/app tinysieve:cpu tinysieve --help
#
# The working folder is mounted over /app, so nothing that the image needs lives there.
FROM python:3.11-slim-bookworm

ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore \
    PYTHONUNBUFFERED=1 \
    TF_CPP_MIN_LOG_LEVEL=2

WORKDIR /opt/tinysieve

COPY constraints.txt pyproject.toml ./
RUN python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" > requirements.txt \
    && pip install -c constraints.txt -r requirements.txt

COPY README.md ./
COPY src src
RUN pip install --no-deps . \
    && python -c "import tinysieve.dataperf.strategies.registry, tinysieve.pipeline.cli"

WORKDIR /app
CMD ["tinysieve", "--help"]
