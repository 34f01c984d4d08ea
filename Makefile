# make help lists what there is.

# Version of the packages that are built.
VERSION ?= v0.1.0

# What the function says of itself: the version that was asked for, or else the
# checkout that it was built from.
STAMP = $(if $(filter file,$(origin VERSION)),$(or $(shell git describe --always --dirty --tags 2>/dev/null),$(VERSION)),$(VERSION))

# Folder with full CRDs of providers (crds/) and charts (charts/), if there is one.
# Tests use the index of them in test/facts/schemas, and compare it with them.
OBSERVE_K8S_SCHEMAS ?= $(abspath $(firstword $(wildcard ../shared/schemas .cache/schemas)))
export OBSERVE_K8S_SCHEMAS

# The module that users import comes first; the others keep what only tools and
# tests need out of it.
MODULES := . apis cmd/kubectl-observe controlplane providers/local workloads/game test hack

OUT := $(CURDIR)/_output
BIN := $(OUT)/bin
LINT := $(CURDIR)/.cache/bin/golangci-lint
PROMTOOL := $(CURDIR)/.cache/bin/promtool

# Tests of one module look at files of others, which Go's test cache does not
# notice: they run every time.
GO_TEST := go test -count=1 $(TESTFLAGS)

.DEFAULT_GOAL := help
.PHONY: help generate generate-check schemas lint fmt build push mirror binaries render validate tree demo demo-down kind-up kind-down \
	test test-unit test-game test-game-e2e test-content game-load test-packages test-schemas test-build test-programs test-render test-cli test-e2e test-reliability bench bench-compare fuzz game clean

# The stages of make test, each a target that can be made alone. What fails
# soonest comes first.
TEST_STAGES := test-unit test-game test-content generate-check test-schemas test-packages test-game-e2e test-build test-programs test-render test-e2e

# What each stage took and how it ended, for the table at the end of make test.
STAGES := $(OUT)/stages

# stage runs a command and says what it took. $(1) is its name, $(2) the command.
define stage
@mkdir -p $(OUT); start=$$(date +%s); echo "=== $(1)"; rc=0; { $(2); } || rc=$$?; \
took=$$(($$(date +%s) - start)); echo "=== $(1): $$took s"; \
printf '%-42s %6d s  %s\n' '$(1)' $$took "$$(test $$rc = 0 && echo ok || echo FAILED)" >>$(STAGES); exit $$rc
endef

help: ## Show this help.
	@awk 'BEGIN {FS = ":.*## "; printf "Usage: make TARGET\n\n"} /^[a-z0-9-]+:.*## / {printf "  %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@printf '\nVariables:\n'
	@printf '  %-15s %s\n' 'CLAIM=FILE' 'the claim of render, validate, tree and demo' 'STEP=n' 'show it as it stands after n rounds' 'WATCH=1' 'follow the tree of a claim until it is Ready' \
		'DEMO_EXIT=1' 'end the demo when the claim is Ready' 'CHARTS=upstream' 'take real charts instead of stand-ins' \
		'VERSION=v1.2.3' 'version of the packages'

# What the generator makes of the types of provider-local.
LOCAL := --root ../../providers/local --api ./apis/v1alpha1 --crds --out package/crds

generate: ## Generate XRDs, CRDs and deep copies from the Go types, and dashboards and rules.
	@cd hack/generate && go run . && go run . $(LOCAL)
	@cd hack/content && go run .

generate-check: ## Test the generator, and fail if something generated is not up to date.
	$(call stage,generated files,cd hack/generate && $(GO_TEST) ./... && go run . --check && go run . --check $(LOCAL) && cd ../content && go run . --check)

schemas: ## Renew the index of schemas, from OBSERVE_K8S_SCHEMAS or from the providers' packages.
	@test -n "$(OBSERVE_K8S_SCHEMAS)" || { cd hack/build && go run . schemas --root $(CURDIR); }
	@cd test/schemas && OBSERVE_K8S_SCHEMAS=$(or $(OBSERVE_K8S_SCHEMAS),$(CURDIR)/.cache/schemas) go test -count=1 -v -run 'TestIndex$$' . -update

lint: $(LINT) ## Lint every module.
	@for m in $(MODULES); do echo "=== lint $$m"; (cd $$m && $(LINT) run --config $(CURDIR)/.golangci.yml ./...) || rc=1; done; exit $${rc:-0}

fmt: $(LINT) ## Format every module.
	@for m in $(MODULES); do (cd $$m && $(LINT) fmt --config $(CURDIR)/.golangci.yml ./...) || rc=1; done; exit $${rc:-0}

# Built from its module, so that the version is pinned with everything else.
$(LINT): hack/tools/go.mod hack/tools/go.sum
	@echo "building golangci-lint (once, some minutes)"
	@cd hack/tools && go build -trimpath -o $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

$(PROMTOOL): hack/tools/promtool/go.mod hack/tools/promtool/go.sum
	@echo "building promtool (once, some minutes)"
	@cd hack/tools/promtool && go build -trimpath -tags remove_all_sd -ldflags '-s -w' -o $@ github.com/prometheus/prometheus/cmd/promtool

build: ## Build the Crossplane packages into _output.
	@cd hack/build && go run . build --root $(CURDIR) --version $(VERSION) $(if $(ARCH),--arch $(ARCH))

# Whoever is logged in to the registry with docker or helm is logged in here.
push: ## Push packages and charts to REGISTRY, with SBOMs, signed with KEY=FILE or KEYLESS=1.
	@$(if $(REGISTRY),,$(error say where to: make push REGISTRY=registry.example.org/observe-k8s))$(MAKE) -s build
	@cd hack/build && go run . push $(REGISTRY) --root $(CURDIR) --version $(VERSION) --digests $(OUT)/pushed.txt \
		$(if $(KEY),--key $(abspath $(KEY))) $(if $(KEYLESS),--keyless) $(if $(INSECURE),--insecure)

.PHONY: release install-manifest release-notes
release: ## Build the archives of kubectl-observe for every platform into _output/release, with checksums, an SBOM and a manifest for krew.
	@cd hack/build && go run . release --root $(CURDIR) --version $(VERSION)

install-manifest: ## Show what a platform team applies to install VERSION.
	@sed 's|\(package: xpkg.crossplane.io/observe-k8s/[-a-z0-9]*\):.*|\1:$(VERSION)|' package/install.yaml

release-notes: ## Show what CHANGELOG.md says of VERSION.
	@awk '/^## /{show = ($$2 == "$(VERSION)")} show' CHANGELOG.md | grep . || { echo "CHANGELOG.md says nothing of $(VERSION)" >&2; exit 1; }

# Charts are rendered to see which images they need, so this needs a network.
mirror: $(BIN)/kubectl-observe ## List the charts and images of CLAIM=FILE or PROFILE=NAME, with PACKAGES=1 those of Crossplane; copy them to TO=URL.
	@$< mirror $(CLAIM) $(if $(PROFILE),--profile $(PROFILE)) $(if $(PACKAGES),--packages) $(if $(FROM),--from $(FROM)) $(if $(TO),--to $(TO))

# What runs on this machine. Go decides what has to be built again.
binaries: $(BIN)/kubectl-observe
	@go build -ldflags '-X main.version=$(STAMP)' -o $(BIN)/function ./functions

.PHONY: $(BIN)/kubectl-observe
$(BIN)/kubectl-observe:
	@cd cmd/kubectl-observe && go build -ldflags '-X main.version=$(STAMP)' -o $@ .

# A file is shown as it will become, a name as it is.
OBSERVE = @$< $@ $(or $(CLAIM),$(error say which claim: make $@ CLAIM=examples/existing.yaml, or make tree CLAIM=team-a/demo for one on the cluster that kubectl uses)) $(if $(STEP),--step $(STEP)) $(if $(WATCH),--watch)

render: $(BIN)/kubectl-observe ## Show every object that CLAIM=FILE becomes, as YAML.
	$(OBSERVE)

validate: $(BIN)/kubectl-observe ## Say what is wrong with CLAIM=FILE, and what would be right.
	$(OBSERVE)

tree: $(BIN)/kubectl-observe ## Show the tree of CLAIM=FILE, or of CLAIM=[NAMESPACE/]NAME on kubectl's cluster.
	$(OBSERVE)

demo: $(BIN)/kubectl-observe ## Start a control plane and watch a claim become a platform.
	@$< demo $(CLAIM) --version $(VERSION) $(if $(CHARTS),--charts $(CHARTS)) $(if $(DEMO_EXIT),--exit)

demo-down: $(BIN)/kubectl-observe ## Stop the demo.
	@$< demo down

# The provider for clusters of containers gets docker's socket.
kind-up: $(BIN)/kubectl-observe ## Make a kind management cluster with all of this on it, where there is docker.
	@$< up --root $(CURDIR) --version $(VERSION) $(KIND_UP)

kind-down: $(BIN)/kubectl-observe ## Delete that cluster.
	@$< down

# A stage that fails does not keep the others from being run.
test: ## Run every test, and say what each stage took.
	@rm -f $(STAGES); rc=0; \
	for s in $(TEST_STAGES); do $(MAKE) -s --no-print-directory $$s || rc=1; done; \
	printf '\n%-42s %8s  %s\n' 'stage' 'took' 'result'; cat $(STAGES); exit $$rc

game: $(BIN)/kubectl-observe ## Run all services of GAME=FILE on this machine.
	@$< game run $(or $(GAME),workloads/game/games/shop.yaml)

test-unit: ## Run unit and golden tests.
	$(call stage,unit and golden tests,go test $(TESTFLAGS) ./... && cd apis && go test $(TESTFLAGS) ./...)

test-game: ## Test the emulator of games and its chart.
	$(call stage,o11y-game,cd workloads/game && $(GO_TEST) -race ./... && cd ../../test/charts && $(GO_TEST) ./...)

# The first run builds both programs, some minutes.
test-game-e2e: ## Play a game with a real collector and a real Prometheus.
	$(call stage,o11y-game with collector and Prometheus,cd test/game && $(GO_TEST) -timeout 20m ./...)

# How long the game is under load.
GAME_LOAD := 10m
game-load: ## Put a game under 2,000 requests per second for GAME_LOAD.
	@cd test/game && GAME_LOAD=$(GAME_LOAD) go test -count=1 -v -timeout 2h -run TestLoad .

test-content: $(PROMTOOL) ## Test dashboards, rules and alerts.
	$(call stage,dashboards and rules,cd hack/content && PROMTOOL=$(PROMTOOL) $(GO_TEST) ./...)

.PHONY: test-local test-docker
TEST_STAGES += test-local test-docker

test-local: ## Test the provider for clusters of containers.
	$(call stage,provider-local,cd providers/local && $(GO_TEST) -race ./...)

# It starts a container engine of its own; where it cannot, it says so and ends.
test-docker: binaries build ## Test that provider on a real container engine.
	$(call stage,clusters on a container engine,cd controlplane && $(GO_TEST) -v -p 1 ./docker/... && cd ../test && $(GO_TEST) -v -p 1 -timeout 40m ./docker/...)

# Minimizing what is interesting takes Go longer than finding it.
FUZZTIME := 2m
fuzz: ## Fuzz the function, every kind, the language of games and their plans, for FUZZTIME each.
	@go test ./functions -run '^$$' -fuzz FuzzRunFunction -fuzztime $(FUZZTIME) -fuzzminimizetime 5x
	@go test ./functions/composers -run '^$$' -fuzz FuzzType -fuzztime $(FUZZTIME) -fuzzminimizetime 5x
	@cd apis && go test ./game/language -run '^$$' -fuzz FuzzParse -fuzztime $(FUZZTIME) -fuzzminimizetime 5x
	@cd workloads/game && go test ./emulator -run '^$$' -fuzz FuzzPlan -fuzztime $(FUZZTIME) -fuzzminimizetime 5x
	@cd providers/local && go test ./internal/engine -run '^$$' -fuzz FuzzConfig -fuzztime $(FUZZTIME) -fuzzminimizetime 5x

test-packages: ## Test the packages, and the action for CI jobs.
	$(call stage,packages,cd hack/build && $(GO_TEST) ./... && cd ../../cmd/kubectl-observe && $(GO_TEST) ./...)

test-schemas: ## Prove rendered objects and bad input against schemas.
	$(call stage,schemas,cd test/schemas && $(GO_TEST) ./...)

test-build: ## Build what the tests below run.
	$(call stage,function and packages,$(MAKE) -s --no-print-directory binaries build)

test-programs: $(BIN)/kubectl-observe ## Build the control plane's programs, once.
	$(call stage,programs of the control plane,$< demo build)

test-render: binaries ## Prove that the simulation equals Crossplane's render engine.
	$(call stage,simulation against Crossplane,cd test/render && $(GO_TEST) -timeout 30m ./...)

# Building it takes minutes, so this is for a release.
test-cli: binaries ## Give every example to Crossplane's own tool: its render and its validate.
	$(call stage,examples and Crossplane's tool,cd test/render && $(GO_TEST) -v -timeout 60m -run TestCLI . -cli)

# End-to-end tests wait more than they work, so several control planes share them:
# all tests that are not named here have the first one.
E2E_SECOND := ^(TestClouds|TestDefaultFlags|TestHostsAreNotShared|TestInterrupted|TestAction|TestPackages)$$
E2E_THIRD := ^(TestProfiles|TestWorkloads|TestTenants|TestClusterGoneForGood)$$
E2E := $(GO_TEST) -v -timeout 50m

# What takes long, and is measured before a release rather than at every change.
RELIABILITY := ^(TestKill|TestScale|TestLifetime|TestFlux|TestFluxDefaultFlags|TestSlow|TestPrivileges|TestChartCache|TestDeleteFailed|TestFull)$$

# beside runs tests in the background. $(1) is which control plane, $(2) the tests.
beside = $(E2E) -run '$(2)' . -name e2e-$(1) >$(OUT)/e2e-$(1).log 2>&1 & $(1)=$$!

test-e2e: binaries build ## Run end-to-end tests on real control planes.
	$(call stage,control plane,cd controlplane && $(GO_TEST) $$(go list ./... | grep -v -e /docker))
	$(call stage,end-to-end tests,(cd test/e2e; $(call beside,second,$(E2E_SECOND)); $(call beside,third,$(E2E_THIRD)); \
		rc=0; $(E2E) -skip '$(E2E_SECOND)|$(E2E_THIRD)|$(RELIABILITY)' . || rc=1; \
		wait $$second || rc=1; wait $$third || rc=1; cat $(OUT)/e2e-second.log $(OUT)/e2e-third.log; exit $$rc))

.PHONY: test-docs
TEST_STAGES += test-docs

test-docs: binaries ## Run the commands of the docs, and check what else they say.
	$(call stage,docs,cd test/docs && $(GO_TEST) -timeout 30m ./...)

# How often processes are killed, how many claims there are, and how long
# a cluster is gone.
KILLS := 200
SCALE := 1,10,50,200
GONE := 10m
test-reliability: binaries build ## Kill processes KILLS times, claim SCALE platforms, take one away for GONE, read what was asked for.
	$(call stage,reliability,cd test/e2e && $(GO_TEST) -v -timeout 300m -run '$(RELIABILITY)' . -kills $(KILLS) -scale $(SCALE) -gone $(GONE) -audit)

# The commit with whose benchmarks those of this checkout are compared, which
# benchmarks, and how often each is run.
BASE ?= HEAD~1
BENCH := BenchmarkRunFunction|BenchmarkCompose
BENCHCOUNT := 6
BENCHSTAT := golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da
bench-compare: ## Compare the benchmarks of BASE=COMMIT with those of this checkout.
	@mkdir -p $(OUT) && rm -rf $(OUT)/base && git worktree prune && git worktree add -q --detach $(OUT)/base $(BASE)
	@rc=0; (cd $(OUT)/base && go test -run '^$$' -bench '$(BENCH)' -benchmem -count $(BENCHCOUNT) ./functions/... >$(OUT)/base.bench) || rc=1; \
		go test -run '^$$' -bench '$(BENCH)' -benchmem -count $(BENCHCOUNT) ./functions/... >$(OUT)/this.bench || rc=1; \
		git worktree remove --force $(OUT)/base; test $$rc = 0 || { cat $(OUT)/base.bench $(OUT)/this.bench; exit 1; }
	@go run $(BENCHSTAT) base=$(OUT)/base.bench this=$(OUT)/this.bench

bench: ## Run the benchmarks of the function and the game.
	@go test -run '^$$' -bench . -benchmem ./functions/...
	@cd workloads/game && go test -run '^$$' -bench . -benchmem ./...

clean: ## Remove what was built; caches stay.
	@rm -rf $(OUT)
