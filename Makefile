# make setup · make reproduce [PROFILE=quick] [STAGE=03_tinyfer_lite] [FER2013=download] [FERPLUS=fer2013new.csv] [CKPLUS=download] [RAFDB=download SPLIT=90/10] …
#   · test · lab · clean; to teach: labs · grade SUBMISSIONS=folder; for who works on it: notebooks · scripts · deps · reference
#   · lock
# Each sets up what it needs by itself, from nothing but make, git and Python 3.11 to 3.14. macOS has GNU make 3.81.

# What is given to make is a path or a word: as text it goes to the commands, through the environment, and neither make
# nor a shell ever reads it as code.
GIVEN := $(foreach name,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $(name)))),$(name)))
$(foreach name,$(GIVEN),$(eval override $(name) := $$(value $(name)))$(eval export $(name)))

PROFILE ?= quick
STAGE   ?= site
export PROFILE STAGE
FITS    := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))  # as pyproject.toml has it
PYTHON  ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11 python,\
             $(shell $(name) -c '$(FITS)' 2>/dev/null && echo $(name))))
VENV    := .venv
BIN     := $(VENV)/bin
READY   := $(VENV)/ready

# For what dvc and fercore start. Recipes name their commands by $(BIN): what is no line for a shell, make 3.81 looks for
# in the PATH that it was started with.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export DVC_NO_ANALYTICS := 1
export PYDEVD_DISABLE_FILE_VALIDATION := 1

.PHONY: reproduce test lab labs grade notebooks scripts deps reference lock clean setup
.DEFAULT_GOAL := reproduce

setup: $(READY)

# The lock pins every package with its hashes; fercore itself then needs nothing more. Only when one of the two changes is
# anything installed again, or when the folder was copied or renamed: an environment runs the code of where it was made.
ifneq ($(shell cat $(READY) 2>/dev/null),$(CURDIR))
.PHONY: $(READY)
endif

# One set-up at a time: whoever comes second waits, and then finds it done. Every process of a set-up holds the lock, so
# that nobody begins beside what a killed one has left running.
define ALONE
import fcntl, os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it without a traceback
lock = os.open("requirements.lock", os.O_RDWR)
os.set_inheritable(lock, True)
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print("make: another make sets up .venv; waiting for it", flush=True)
    fcntl.flock(lock, fcntl.LOCK_EX)
except OSError:
    pass  # a file system without locks
os.execvp(sys.argv[1], sys.argv[1:])
endef
export ALONE

ifndef LOCKED
$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" && $(PYTHON) -c '$(FITS)' || { echo "make: needs Python 3.11 to 3.14; name one with PYTHON=..."; exit 1; }
	@$(PYTHON) -c "$$ALONE" $(MAKE) --no-print-directory LOCKED=yes $(READY)
else
$(READY): requirements.lock pyproject.toml
	@[ ! -L $(VENV) ] || rm $(VENV)  # to an environment of another folder, which --clear would empty
	$(PYTHON) -m venv $(if $(filter-out $(CURDIR),$(shell cat $(READY) 2>/dev/null)),--clear) $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@echo "$(CURDIR)" > $@
endif

KNOWN := PROFILE STAGE PYTHON LOCKED SPLIT FER2013 FERPLUS RAFDB AFFECTNET CKPLUS OULUCASIA JAFFE KDEF FOLDER

reproduce: $(READY)
	@$(if $(filter-out $(KNOWN),$(GIVEN)),$(error unknown variable $(firstword $(filter-out $(KNOWN),$(GIVEN))); known are $(KNOWN)))
	@case "$$PROFILE" in smoke|quick|laptop|paper) ;; *) printf 'make: no profile %s; there are smoke, quick, laptop, paper\n' "$$PROFILE"; exit 1;; esac
	@$(BIN)/fercore import --given
	@$(BIN)/fercore params $(PROFILE)
	@$(BIN)/dvc repro --quiet "$$STAGE@$$PROFILE" || { printf 'make: stopped; where nothing above says why, .venv/bin/dvc repro %s does\n' "$$STAGE@$$PROFILE"; exit 1; }
	@if [ "$$STAGE" = site ]; then echo "The report is reports/$$PROFILE/index.html"; \
	  else echo "Results are in reports/$$PROFILE/$$STAGE, the executed notebook is reports/$$PROFILE/notebooks/$$STAGE.html"; fi

test: $(READY)
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder
	@$(BIN)/ruff check

lab: $(READY)
	@JUPYTER_CONFIG_PATH="$(CURDIR)/.jupyter" $(BIN)/jupyter lab --notebook-dir notebooks $(ARGS) notebooks/index.ipynb

# Student versions and autograders; again where a master or what makes them has changed. build/ is not in git: it holds the solutions.
labs: build/labs/made

build/labs/made: $(READY) $(wildcard notebooks/labs/[0-9]*.ipynb notebooks/labs/[0-9]*.py) fercore/labs/make.py fercore/labs/students.md
	@$(BIN)/fercore labs
	@touch $@

grade: build/labs/made
	@test -n "$$SUBMISSIONS" || { echo "make: which submissions? make grade SUBMISSIONS=folder"; exit 1; }
	@$(BIN)/fercore grade "$$SUBMISSIONS"

# The scripts are what is reviewed. In JupyterLab both are kept alike, and what was run is kept in the notebook, which is not
# committed: `notebooks` takes it out. After an edit elsewhere, one is made from the other.
notebooks: $(READY)
	@$(BIN)/jupytext --quiet --update --to ipynb notebooks/*.py notebooks/labs/[0-9]*.py
	@$(BIN)/jupyter nbconvert --log-level=ERROR --clear-output --ClearMetadataPreprocessor.enabled=True \
		--ClearMetadataPreprocessor.clear_cell_metadata=False \
		--ClearMetadataPreprocessor.preserve_nb_metadata_mask='{"jupytext", "kernelspec"}' \
		--inplace notebooks/*.ipynb notebooks/labs/[0-9]*.ipynb

scripts: $(READY)
	@$(BIN)/jupytext --quiet --update --to py:percent notebooks/*.ipynb notebooks/labs/[0-9]*.ipynb

# After a notebook or a module imports something new.
deps: $(READY)
	@$(BIN)/fercore deps

# After the results in reports/reference, or the claims, have changed.
reference: $(READY)
	@$(BIN)/fercore site reference

# For whoever changes the dependencies; needs uv.
lock:
	uv pip compile --universal --generate-hashes --python-version 3.11 --all-extras --quiet \
	  --custom-compile-command "make lock" pyproject.toml --output-file requirements.lock

# Trained networks in runs/ stay: they are hours of work, and are trained again where anything they rest on has changed.
clean:
	rm -rf $(VENV) build/labs reports/smoke reports/quick reports/laptop reports/paper data/smoke data/quick data/laptop data/paper data/subjects \
	  data/*/dataset.json data/*/pixels-*.npy data/*/table-*.csv .dvc/cache .dvc/tmp .pytest_cache .ruff_cache notebooks/.ipynb_checkpoints notebooks/labs/.ipynb_checkpoints
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
