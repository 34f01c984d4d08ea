// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/observe-k8s/observe-k8s/controlplane"
	"github.com/observe-k8s/observe-k8s/controlplane/cloud"
	"github.com/observe-k8s/observe-k8s/controlplane/ports"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
)

// claimTimeout is how long one claim may take among many before something hangs.
const claimTimeout = 30 * time.Second

// TestScale claims ever more platforms of profile Minimal, so many at a time: in a
// cloud, where clouds are simulated, and else on clusters that exist. provider-helm
// and provider-kubernetes are stopped, and what they look after is SIMULATED: no
// cluster would take the charts of hundreds of claims. What one more claim costs
// should not depend on how many there are.
func TestScale(t *testing.T) {
	s := newScaling(t)
	// What was measured is told even if what follows fails.
	t.Cleanup(func() { t.Log("\n" + s.table.String() + "\n" + s.processors.String()) })
	all := numbers(t, *scale)
	for _, n := range all {
		s.grow(t, n, n == slices.Max(all))
		t.Logf("so far\n%s\n%s", s.table.String(), s.processors.String())
	}
	s.end(t)
}

// A scaling is what claims ever more.
type scaling struct {
	one               *unstructured.Unstructured
	claimed           []*unstructured.Unstructured
	clouds, providers *cloud.Simulator
	profiles          map[string]string
	table, processors strings.Builder
}

// newScaling prepares the control plane, and leaves it as it was when the test ends.
func newScaling(t *testing.T) *scaling {
	t.Helper()
	if *atOnce < 1 {
		t.Fatalf("-at-once=%d: no claim would ever be made; want 1 or more", *atOnce)
	}
	s := &scaling{one: example(t, "existing.yaml"), clouds: w.cp.Clouds()}
	what := "on clusters that exist"
	if s.clouds != nil {
		s.one = example(t, *scaleOn+".yaml")
		provider, _, _ := unstructured.NestedString(s.one.Object, "spec", "cluster", "provider")
		what = "on " + provider + ", SIMULATED"
	}
	unstructured.RemoveNestedField(s.one.Object, "spec", "workloads")
	unstructured.RemoveNestedField(s.one.Object, "spec", "lifetime")
	if err := unstructured.SetNestedMap(s.one.Object, map[string]any{"profile": "Minimal"}, "spec", "stack"); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&s.table, "Platforms of profile Minimal %s, %d at a time; Releases and Objects SIMULATED; controller-manager with --kube-api-qps=200, Crossplane with --poll-interval=10m\n%6s %11s %11s %10s %10s %12s %12s %11s %10s %10s %8s %9s\n", what, *atOnce,
		"claims", "of them new", "resources/c", "composed", "all Ready", "Ready median", "Ready latest", "func runs/c", "API req/c", "simul. w/c", "RSS MiB", "breakers")
	fmt.Fprintf(&s.processors, "processor seconds per claim\n%6s %-5s", "claims", "")
	for _, p := range busiest() {
		fmt.Fprintf(&s.processors, " %18s", cmp.Or(p, "simulators, test"))
	}
	s.processors.WriteString("\n")

	stopped := []string{controlplane.ProcessProviderHelm, controlplane.ProcessProviderKubernetes}
	served := []string{controlplane.ProcessAPIServer, controlplane.ProcessCrossplane, controlplane.ProcessFunction}
	play, stop := context.WithCancel(context.Background())
	t.Cleanup(func() {
		stop()
		for _, p := range slices.Concat(served, stopped, []string{controlplane.ProcessControllerManager}) {
			if err := w.cp.Restart(context.Background(), p); err != nil {
				t.Error(err)
			}
		}
	})
	t.Cleanup(func() { clean(t) })
	onFailure(t)
	for _, p := range stopped {
		if err := w.cp.StopProcess(p); err != nil {
			t.Fatal(err)
		}
	}
	s.serveProfiles(t, served)
	// By default its garbage collector asks the API server 40 times a second, which is
	// all that a deletion of many claims at once then waits for.
	if err := w.cp.Restart(t.Context(), controlplane.ProcessControllerManager, "--kube-api-qps=200", "--kube-api-burst=400"); err != nil {
		t.Fatal(err)
	}
	var err error
	s.providers, err = cloud.Start(play, w.management.Config(), cloud.Cluster{}, []schema.GroupVersionResource{
		{Group: release.Group, Version: release.Version, Resource: "releases"},
		{Group: "kubernetes.m.crossplane.io", Version: "v1alpha1", Resource: "objects"},
	})
	if err != nil {
		t.Fatal(err)
	}
	settle(t)
	return s
}

// settle waits until processes have little to do: what was started anew has much at
// first, and no claim is the reason.
func settle(t *testing.T) {
	t.Helper()
	eventually(t, hang, "the control plane is quiet", func() (bool, string) {
		before := processorTime()
		time.Sleep(5 * time.Second)
		sum := 0.0
		for p, now := range processorTime() {
			sum += now - before[p]
		}
		return sum < 1, fmt.Sprintf("%.1f seconds of processors within 5", sum)
	})
}

// more claims until there are n, ten in a namespace.
func (s *scaling) more(t *testing.T, n int) []*unstructured.Unstructured {
	t.Helper()
	var out []*unstructured.Unstructured
	for i := len(s.claimed); i < n; i++ {
		o := s.one.DeepCopy()
		o.SetName(fmt.Sprintf("scale-%d", i))
		// The kubeconfig of a cluster that exists is in one namespace only.
		if s.clouds != nil {
			o.SetNamespace(fmt.Sprintf("scale-%d", i/10))
			apply(t, parse(t, "{apiVersion: v1, kind: Namespace, metadata: {name: "+o.GetNamespace()+"}}"))
		}
		out = append(out, o)
	}
	return out
}

// grow claims more until there are n.
func (s *scaling) grow(t *testing.T, n int, profiled bool) {
	t.Helper()
	added := s.more(t, n)
	opens, runs, requests, writes, busy := breakerOpens(t), functionRuns(t), apiRequests(t), s.writes(), processorTime()
	start := time.Now()
	profiles := func() string { return "" }
	if profiled {
		profiles = s.profile(t, max(10*time.Second, time.Duration(n)*time.Second))
	}
	ready := s.claim(t, added)
	perClaim := func(f float64) float64 { return f / float64(len(added)) }
	// What is looked at from here on costs requests of its own.
	runs, writes = perClaim(functionRuns(t)-runs), perClaim(s.writes()-writes)
	sum, told := most(requests, apiRequests(t), len(added))
	s.computed(n, "up", len(added), busy)
	resources, composed := s.composed(t)
	waits := s.waits(t, added)
	fmt.Fprintf(&s.table, "%6d %11d %11.1f %10s %10s %12s %12s %11.0f %10.0f %10.0f %8.1f %9.0f\n", n, len(added), float64(resources)/float64(n), since(start, composed), since(start, ready),
		waits[len(waits)/2], waits[len(waits)-1], runs, sum, writes, resident(t, "function"), breakerOpens(t)-opens)
	if got := breakerOpens(t) - opens; got != 0 {
		t.Errorf("circuit_breaker_opens_total rose by %v with the burst that our install sets, want 0", got)
	}
	t.Logf("%.0f requests per claim until Ready:\n%s%s", sum, told, profiles())
}

// claim applies claims, so many at a time, and says when the last was Ready.
func (s *scaling) claim(t *testing.T, added []*unstructured.Unstructured) time.Time {
	t.Helper()
	before, applied := len(s.claimed), 0
	s.claimed = append(s.claimed, added...)
	var last time.Time
	eventually(t, hang+time.Duration(len(added))*claimTimeout, "all Ready", func() (bool, string) {
		var ready int
		ready, last = readyOf(t, s.one.GroupVersionKind())
		onTheWay := applied - (ready - before)
		next := added[applied:min(len(added), applied+max(0, *atOnce-onTheWay))]
		each(t, next, func(o *unstructured.Unstructured) error { return w.management.Apply(t.Context(), o) })
		applied += len(next)
		if ready == len(s.claimed) {
			return true, ""
		}
		look(len(s.claimed))
		return false, fmt.Sprintf("%d of %d", ready, len(s.claimed))
	})
	return last
}

// end deletes all claims at once.
func (s *scaling) end(t *testing.T) {
	t.Helper()
	n := len(s.claimed)
	requests, busy, start := apiRequests(t), processorTime(), time.Now()
	each(t, s.claimed, func(o *unstructured.Unstructured) error { return deleteObject(t.Context(), o, background) })
	eventually(t, hang+time.Duration(n)*claimTimeout, "nothing left", func() (bool, string) {
		look(n)
		left, err := s.left(t.Context())
		return err == nil && len(left) == 0, fmt.Sprintf("%v, %v", left, err)
	})
	fmt.Fprintf(&s.table, "nothing left of %d claims, deleted at once, after %s\n", n, since(start, time.Now()))
	s.computed(n, "down", n, busy)
	sum, told := most(requests, apiRequests(t), n)
	t.Logf("%.0f requests per claim of the deletion:\n%s", sum, told)
	for _, c := range s.simulators() {
		for _, v := range c.Violations() {
			t.Errorf("wrong order: %s", v)
		}
	}
}

// waits are how long claims took until they were Ready, the shortest first.
func (s *scaling) waits(t *testing.T, claims []*unstructured.Unstructured) []time.Duration {
	t.Helper()
	objs, err := w.management.List(t.Context(), s.one.GroupVersionKind(), "")
	if err != nil {
		t.Fatal(err)
	}
	var out []time.Duration
	for _, o := range objs {
		if slices.ContainsFunc(claims, func(c *unstructured.Unstructured) bool { return c.GetName() == o.GetName() }) {
			out = append(out, readyAt(&o).Sub(o.GetCreationTimestamp().Time))
		}
	}
	slices.Sort(out)
	return out
}

// look waits until it is time to look at so many claims again: to look more often
// would be a load of its own.
func look(n int) { time.Sleep(max(time.Second, time.Duration(n)*10*time.Millisecond)) }

// each does something with every object, some at a time.
func each(t *testing.T, objs []*unstructured.Unstructured, f func(*unstructured.Unstructured) error) {
	t.Helper()
	var wg sync.WaitGroup
	slots := make(chan struct{}, 8)
	for _, o := range objs {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := f(o); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func since(start, end time.Time) string {
	return max(0, end.Sub(start)).Round(time.Second).String()
}

// readyOf counts the objects of a kind that are Ready, and says since when the last
// one is.
func readyOf(t *testing.T, gvk schema.GroupVersionKind) (int, time.Time) {
	t.Helper()
	r, err := w.management.Resource(gvk, "")
	if err != nil {
		return 0, time.Time{}
	}
	// From the API server's cache.
	l, err := r.List(t.Context(), metav1.ListOptions{ResourceVersion: "0"})
	if err != nil {
		return 0, time.Time{}
	}
	n, last := 0, time.Time{}
	for _, o := range l.Items {
		if !isReady(&o) {
			continue
		}
		n++
		if at := readyAt(&o); at.After(last) {
			last = at
		}
	}
	return n, last
}

// kinds that the claims consist of.
func (s *scaling) kinds() []schema.GroupVersionKind {
	return slices.Concat(kinds(), w.clouds)
}

// composed counts what all claims became, and says when the last resource was
// composed.
func (s *scaling) composed(t *testing.T) (resources int, last time.Time) {
	t.Helper()
	for _, k := range s.kinds() {
		objs, err := w.management.List(t.Context(), k, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range objs {
			if at := o.GetCreationTimestamp().Time; at.After(last) {
				last = at
			}
		}
		if k.Kind != s.one.GetKind() {
			resources += len(objs)
		}
	}
	return resources, last
}

// left counts by kind what is left of the claims, in the simulated clouds too.
func (s *scaling) left(ctx context.Context) (map[string]int, error) {
	left := map[string]int{}
	// What is left on a cluster goes with the cluster.
	if s.clouds != nil {
		for _, thing := range s.clouds.Resources() {
			kind, _, _ := strings.Cut(thing, " ")
			left["SIMULATED "+kind]++
		}
	}
	for _, k := range s.kinds() {
		n, err := w.management.Count(ctx, k)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			left[k.Kind] += n
		}
	}
	return left, nil
}

func (s *scaling) simulators() []*cloud.Simulator {
	if s.clouds == nil {
		return []*cloud.Simulator{s.providers}
	}
	return []*cloud.Simulator{s.clouds, s.providers}
}

// writes is how often the simulators wrote, as providers do.
func (s *scaling) writes() float64 {
	n := 0
	for _, c := range s.simulators() {
		n += c.Writes()
	}
	return float64(n)
}

// computed notes how long each process has computed since for each of so many claims.
func (s *scaling) computed(n int, what string, claims int, before []float64) {
	fmt.Fprintf(&s.processors, "%6d %-5s", n, what)
	for p, now := range processorTime() {
		fmt.Fprintf(&s.processors, " %18.2f", (now-before[p])/float64(claims))
	}
	s.processors.WriteString("\n")
}

// serveProfiles starts processes anew so that they serve profiles.
func (s *scaling) serveProfiles(t *testing.T, processes []string) {
	t.Helper()
	s.profiles = map[string]string{}
	pool := ports.NewPool()
	defer pool.Close()
	for _, p := range processes {
		port, err := pool.Free()
		if err != nil {
			t.Fatal(err)
		}
		flags := map[string][]string{
			controlplane.ProcessAPIServer: {"--profiling=true"},
			// By default it looks at each Usage there is once a minute.
			controlplane.ProcessCrossplane: {"--profile=" + ports.Addr(port), "--poll-interval=10m"},
			controlplane.ProcessFunction:   {"--profile-address=" + ports.Addr(port)},
		}[p]
		if err := w.cp.Restart(t.Context(), p, flags...); err != nil {
			t.Fatal(err)
		}
		s.profiles[p] = "http://" + ports.Addr(port)
		if p == controlplane.ProcessAPIServer {
			s.profiles[p] = w.management.Config().Host
		}
	}
}

// profile takes profiles of where processors go, for so long from now on. What it
// returns waits for them, and tells the functions that took most with what they
// called: where the control plane is the limit, these are not ours.
func (s *scaling) profile(t *testing.T, d time.Duration) func() string {
	t.Helper()
	var wg sync.WaitGroup
	processes := []string{controlplane.ProcessAPIServer, controlplane.ProcessCrossplane, controlplane.ProcessFunction}
	tops := make([]string, len(processes))
	dir := t.TempDir()
	for i, p := range processes {
		wg.Go(func() {
			top, err := s.top(t.Context(), p, filepath.Join(dir, p), d)
			if err != nil {
				top = err.Error() + "\n"
			}
			tops[i] = fmt.Sprintf("%s, %s from the claims on\n%s", p, d, top)
		})
	}
	return func() string {
		wg.Wait()
		return "\n" + strings.Join(tops, "\n")
	}
}

// top is what a profile of a process says.
func (s *scaling) top(ctx context.Context, process, file string, d time.Duration) (string, error) {
	client, err := rest.HTTPClientFor(w.management.Config())
	if err != nil {
		return "", err
	}
	raw, err := download(ctx, client, fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", s.profiles[process], int(d.Seconds())))
	if err != nil {
		return "", fmt.Errorf("cannot take a profile of %s: %w", process, err)
	}
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		return "", fmt.Errorf("cannot keep the profile of %s: %w", process, err)
	}
	out, err := exec.CommandContext(ctx, "go", "tool", "pprof", "-top", "-cum", "-nodecount=20", file).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("cannot read the profile of %s: %w: %s", process, err, out)
	}
	return string(out), nil
}

func download(ctx context.Context, client *http.Client, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	rsp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer rsp.Body.Close()
	if rsp.StatusCode != http.StatusOK {
		return nil, errors.New(rsp.Status)
	}
	return io.ReadAll(rsp.Body)
}

// busiest are the processes that share the work. The last is this one, which plays
// clouds and providers.
func busiest() []string {
	return []string{"function", "crossplane", "apiserver", "etcd", "controller-manager", ""}
}

// processorTime is how many seconds each of them has computed so far.
func processorTime() []float64 {
	var out []float64
	for _, p := range busiest() {
		pid := os.Getpid()
		if p != "" {
			pid, _ = w.cp.PID(p)
		}
		raw, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		// Behind the name in brackets, the 12th and 13th are hundredths of a second.
		_, behind, _ := strings.Cut(string(raw), ") ")
		fields, sum := strings.Fields(behind), 0.0
		for i := 11; i <= 12 && i < len(fields); i++ {
			ticks, _ := strconv.ParseFloat(fields[i], 64)
			sum += ticks / 100
		}
		out = append(out, sum)
	}
	return out
}

func isReady(o *unstructured.Unstructured) bool {
	cs, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	for _, c := range cs {
		if m, _ := c.(map[string]any); m["type"] == "Ready" {
			return m["status"] == "True"
		}
	}
	return false
}

// apiRequests is how many requests the management cluster's API server has had, by
// verb and resource.
func apiRequests(t *testing.T) map[string]float64 {
	t.Helper()
	raw, err := w.management.Raw(t.Context(), "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	label := regexp.MustCompile(`(verb|resource|subresource)="([^"]*)"`)
	s := bufio.NewScanner(strings.NewReader(string(raw)))
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		if !strings.HasPrefix(s.Text(), "apiserver_request_total{") {
			continue
		}
		labels := map[string]string{}
		for _, m := range label.FindAllStringSubmatch(s.Text(), -1) {
			labels[m[1]] = m[2]
		}
		fields := strings.Fields(s.Text())
		v, _ := strconv.ParseFloat(fields[len(fields)-1], 64)
		out[strings.TrimSuffix(labels["verb"]+" "+labels["resource"]+"/"+labels["subresource"], "/")] += v
	}
	return out
}

// most tells which requests there were most of since, for a claim, and how many in all.
func most(before, now map[string]float64, n int) (sum float64, told string) {
	rose := map[string]float64{}
	for k, v := range now {
		rose[k] = (v - before[k]) / float64(n)
		sum += rose[k]
	}
	keys := slices.SortedFunc(maps.Keys(rose), func(a, b string) int { return cmp.Compare(rose[b], rose[a]) })
	var b strings.Builder
	for _, k := range keys[:min(12, len(keys))] {
		fmt.Fprintf(&b, "%8.0f %s\n", rose[k], k)
	}
	return sum, b.String()
}

// resident memory of a process, in MiB.
func resident(t *testing.T, process string) float64 {
	t.Helper()
	pid, ok := w.cp.PID(process)
	if !ok {
		t.Fatalf("%s does not run", process)
	}
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(raw)) {
		if size, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.ParseFloat(strings.Fields(size)[0], 64)
			return kb / 1024
		}
	}
	return 0
}
