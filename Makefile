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

# Hashes of what is installed, made by `make lock`; LOCKS= installs by version alone, as on a machine that has no lock.
LOCKS ?= locks
TORCH := torch torchvision

.PHONY: demo ingest filter train quantize verify report test bench drill review doctor clean lint docs lock licenses sbom advisories advisories-local
demo: .venv/run.stamp
	@$(BIN)/tinysieve demo

ingest filter train quantize verify report: .venv/detect.stamp
	@$(BIN)/tinysieve $@ --config $(CONFIG)

review: .venv/detect.stamp
	@$(BIN)/tinysieve review --config $(CONFIG)

doctor: .venv/run.stamp
	@$(BIN)/tinysieve doctor

# Bytecode is kept, whatever the environment says: else each of the processes that tests start compiles all of src again.
test: .venv/dev.stamp
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: .venv/dev.stamp
	@$(BIN)/ruff check .
	@$(BIN)/mypy -p tinysieve

# Pages made from the code and from benchmarks/results, then the site in build/site.
docs: .venv/docs.stamp
	@$(BIN)/python -m docsite
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "build/site/index.html"

# Without the trainings (voc2007), the scripts that write pictures or weights, and what others import.
BENCHMARKS = $(filter-out $(addprefix benchmarks/, chromium.py drill.py fit_time.py gap_won_back.py label_quality_inputs.py \
	label_quality_peers.py live_speed.py rooms_picture.py train_presence_head.py voc2007.py voc_classes.py walkthrough_pictures.py), $(wildcard benchmarks/[a-z]*.py))

# Kills inside every stage and a flip in every file; writes the table of docs/reliability.md.
drill: .venv/dev.stamp
	@$(BIN)/python benchmarks/drill.py

bench: .venv/dev.stamp
	@for one in $(BENCHMARKS); do echo "== $$one"; $(BIN)/python $$one || echo "   $$one: a goal was missed, or it could not run"; done

# Hashes for this Python on this kind of machine, from whatever index pip is set to.
lock: .venv/bin/python
	@$(BIN)/python supply_chain/lock.py

# Licences of what .venv has installed, into docs/licenses.md.
licenses: .venv/dev.stamp
	@$(BIN)/python supply_chain/licenses.py

# Software bills of materials (CycloneDX) of the wheel with what it needs (run), of the groups above it, and of the images, into build/.
sbom: .venv/bin/python
	@test -x build/sbom/bin/cyclonedx-py || { $(PYTHON) -m venv build/sbom && build/sbom/bin/python -m pip install --quiet cyclonedx-bom==7.5.0; }
	@for group in run detect dev; do build/sbom/bin/cyclonedx-py requirements --pyproject pyproject.toml --mc-type library \
		--output-reproducible -o build/tinysieve-$$group.cdx.json $(LOCKS)/$$($(BIN)/python supply_chain/lock.py --name $$group) && \
		echo build/tinysieve-$$group.cdx.json; done
	@$(BIN)/python supply_chain/images.py

# Known vulnerabilities of what the locks name; asks an advisory service over the network.
advisories: .venv/bin/python
	@test -x build/audit/bin/pip-audit || { $(PYTHON) -m venv build/audit && build/audit/bin/python -m pip install --quiet pip-audit==2.10.1; }
	@build/audit/bin/pip-audit --disable-pip --no-deps --strict -r $(LOCKS)/$$($(BIN)/python supply_chain/lock.py --name dev)

# The same from a database that is a package; it prints its date, which is years ago. The packages are looked at, not the network.
advisories-local: .venv/dev.stamp
	@test -d build/safety-db || $(BIN)/python -m pip install --quiet --no-deps --target build/safety-db safety-db==2021.7.17
	@$(BIN)/python supply_chain/advisories.py build/safety-db/safety_db/insecure_full.json

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

# $(call install,GROUP,EXTRAS,BY VERSION): the lock of this Python and machine, to the byte; what its builds differ in, and all
# where there is no lock, by version alone.
define install
echo "installing tinysieve[$(2)] into .venv (once; one to five minutes)"; \
lock="$(LOCKS)/$$($(BIN)/python supply_chain/lock.py --name $(1))"; \
if [ -f "$$lock" ]; then \
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --require-hashes --no-deps -r "$$lock" && \
	$(if $(3),$(PIP) $(3) &&) \
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e . \
	|| { echo "what the index serves is not what $$lock names; LOCKS= installs by version alone"; exit 3; }; \
else \
	$(PIP) -e '.[$(2)]'; \
fi
endef

STAMPS := pyproject.toml constraints.txt $(wildcard locks/*.txt) | .venv/bin/python

.venv/run.stamp: $(STAMPS)
	@$(call install,run,$(EXTRAS_RUN),)
	@touch $@

.venv/detect.stamp: $(STAMPS)
	@$(call install,detect,$(EXTRAS_DETECT),$(TORCH))
	@touch $@ .venv/run.stamp

.venv/docs.stamp: .venv/run.stamp
	@echo "installing tinysieve[docs] into .venv (once)"
	@$(PIP) -e '.[docs]'
	@touch $@

.venv/dev.stamp: $(STAMPS)
	@$(call install,dev,$(EXTRAS_DEV),$(TORCH))
	@touch $@ .venv/run.stamp .venv/detect.stamp
