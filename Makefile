# Commands of the README. `make demo` and `make test` work as the first command of a fresh clone.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
RUN    := $(BIN)/attnbench

.PHONY: demo test lint docs bench bench-train gpu-bench gpu-test evidence evidence-dense evidence-mechanisms clean

demo: $(VENV)/.installed
	$(RUN) ceilings
	$(RUN) profile --n-tokens 4096 --anchors 30
	$(RUN) sweep --n-tokens 196,576,1024,2304 --anchors 10,30,100 --time-budget 0.5
	for attention in anchor dense window sparse; do \
		$(RUN) train pyramid-t --attention $$attention --epochs 8 || exit 1; \
	done
	for model in anchorformer-det-t picodet-s anchorformer-seg-t pyramid-seg-t; do \
		$(RUN) train $$model --img-size 64 --epochs 2 || exit 1; \
	done
	$(RUN) report
	@echo "Open report/index.html"

test: $(VENV)/.installed
	$(BIN)/python -m pytest -q -n auto --maxprocesses 4 --dist loadfile --durations=5

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Builds the site into site/ (a warning is an error), and runs every command that its pages show.
docs: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[docs]"
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	$(BIN)/python -m pytest -q --documents -m documents

# Measures the harness, the anchor layer, the reading of large files, the opening of pages, a
# training step of a detector, and mechanisms beside public forms; prints Markdown, in about twenty
# minutes.
bench: $(VENV)/.installed
	$(BIN)/python scripts/bench.py
	$(BIN)/python scripts/bench_anchor.py
	$(BIN)/python scripts/bench_files.py
	$(BIN)/python scripts/bench_page.py
	$(BIN)/python scripts/bench_dense.py
	$(BIN)/python scripts/bench_mechanisms.py

# Images a second of our training loop and of timm's parts: make bench-train DATA=FOLDER
bench-train: $(VENV)/.installed
	$(BIN)/python scripts/bench_train.py $(DATA)

# Trains eleven rows in one trunk on two sets of images, three seeds each, two epochs, in about four hours
# and a half on one core: make evidence DATA=FOLDER    (holds cifar10/ and imagenette128/)
# What was stopped goes on, what has ended is left alone.
evidence: $(VENV)/.installed
	bash scripts/evidence_frontier.sh $(DATA)

# Trains attentions in a detector and in a segmenter, in about an hour and a half on two cores:
#   make evidence-dense DATA=FOLDER    (holds bccd/ and camvid11/)
# What was stopped goes on, what has ended is left alone.
evidence-dense: $(VENV)/.installed
	bash scripts/evidence_dense.sh $(DATA)

# Measures all mechanisms at three sizes, trains each in one trunk, in about two hours on two cores,
# and draws them into docs/mechanisms.md: make evidence-mechanisms DATA=FOLDER
evidence-mechanisms: $(VENV)/.installed
	bash scripts/evidence_mechanisms.sh $(DATA)
	$(BIN)/python scripts/mechanisms_page.py results/runs/mechanisms

# Everything that needs a GPU, in one command; records go to results/measured/.
gpu-bench:
	bash scripts/gpu_bench.sh

gpu-test: $(VENV)/.installed
	$(BIN)/python -m pytest -q -m gpu

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) report build *.egg-info
