# Every target takes CONFIG=path/to/config.yaml. Nothing is installed twice: the stamps in .venv remember.
CONFIG ?= configs/demo.yaml
# The first of these that fits makes .venv; PYTHON=... names another. Tested with the pins of constraints.txt.
PYTHON ?= python3.13 python3.12 python3.11 python3
FITS := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt
EXTRAS_RUN := demo,mcu
EXTRAS_DETECT := demo,mcu,detect
EXTRAS_DEV := demo,mcu,detect,dev

.PHONY: demo ingest filter train quantize verify report test bench drill review doctor clean lint docs
demo: .venv/run.stamp
	@$(BIN)/tinysieve demo

ingest filter train quantize verify report: .venv/detect.stamp
	@$(BIN)/tinysieve $@ --config $(CONFIG)

review: .venv/detect.stamp
	@$(BIN)/tinysieve review --config $(CONFIG)

doctor: .venv/run.stamp
	@$(BIN)/tinysieve doctor

test: .venv/dev.stamp
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: .venv/dev.stamp
	@$(BIN)/ruff check .
	@$(BIN)/mypy -p tinysieve

# Pages made from the code and from benchmarks/results, then the site in build/site.
docs: .venv/docs.stamp
	@$(BIN)/python -m docsite
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "build/site/index.html"

# Without the trainings (voc2007), the scripts that write pictures or weights, and what others import.
BENCHMARKS = $(filter-out $(addprefix benchmarks/, chromium.py drill.py gap_won_back.py label_quality_inputs.py \
	label_quality_peers.py rooms_picture.py train_presence_head.py voc2007.py voc_classes.py walkthrough_pictures.py), $(wildcard benchmarks/[a-z]*.py))

# Kills inside every stage and a flip in every file; writes the table of docs/reliability.md.
drill: .venv/dev.stamp
	@$(BIN)/python benchmarks/drill.py

bench: .venv/dev.stamp
	@for one in $(BENCHMARKS); do echo "== $$one"; $(BIN)/python $$one || echo "   $$one: a goal was missed, or it could not run"; done

clean:
	rm -rf runs/demo build *.egg-info

.venv/bin/python:
	@for python in $(PYTHON); do \
		if $$python -c '$(FITS)' 2>/dev/null; then \
			echo "using $$python, which is $$($$python --version), for .venv"; \
			exec $$python -m venv .venv; \
		fi; \
	done; \
	if command -v uv >/dev/null; then \
		echo "no Python from 3.11 to 3.13 with its venv module here: uv brings 3.13 for .venv"; \
		exec uv venv --quiet --seed --python 3.13 .venv; \
	fi; \
	echo "tinysieve needs Python 3.11, 3.12 or 3.13 with its venv module (TensorFlow has no wheel for 3.14):" \
		"install python3.13 and python3.13-venv, or uv, or set PYTHON=/path/to/python, and run make again"; \
	exit 3

.venv/run.stamp: pyproject.toml constraints.txt | .venv/bin/python
	@echo "installing tinysieve[$(EXTRAS_RUN)] into .venv (once; one to three minutes)"
	@$(PIP) -e '.[$(EXTRAS_RUN)]'
	@touch $@

.venv/detect.stamp: pyproject.toml constraints.txt | .venv/bin/python
	@echo "installing tinysieve[$(EXTRAS_DETECT)] into .venv (once; two to five minutes)"
	@$(PIP) -e '.[$(EXTRAS_DETECT)]'
	@touch $@ .venv/run.stamp

.venv/docs.stamp: .venv/run.stamp
	@echo "installing tinysieve[docs] into .venv (once)"
	@$(PIP) -e '.[docs]'
	@touch $@

.venv/dev.stamp: pyproject.toml constraints.txt | .venv/bin/python
	@echo "installing tinysieve[$(EXTRAS_DEV)] into .venv (once; two to five minutes)"
	@$(PIP) -e '.[$(EXTRAS_DEV)]'
	@touch $@ .venv/run.stamp .venv/detect.stamp
