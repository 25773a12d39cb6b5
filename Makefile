# One line a verb. Everything happens in .venv; nothing global is touched.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check fast simulate benchmark clean

demo: $(VENV)/.installed
	$(BIN)/python examples/demo/demo.py

# Most tests wait for processes and proxies: four at once keep two cores busy.
# The demo's tests take the ports and the time of a demo: by themselves, after the others.
test: $(VENV)/.installed-dev check
	$(BIN)/pytest -n 4 --dist worksteal --ignore=tests/examples
	$(BIN)/pytest tests/examples

fast: $(VENV)/.installed-dev
	$(BIN)/pytest -n 2 -m "not real and not faults"

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Many seeds; SEED=n plays one again and tells its story.
simulate: $(VENV)/.installed-dev
	$(BIN)/python -m pilotage.simulate $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),1000))

benchmark: $(VENV)/.installed-dev
	for script in router_changes rollback_time worker_cost command_startup rehearsal document_build; do \
		$(BIN)/python benchmarks/$$script.py || exit 1; done

clean:
	rm -rf $(VENV) .demo .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@ $(VENV)/.installed
