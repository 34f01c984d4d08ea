// SPDX-License-Identifier: Apache-2.0

package language

import (
	"fmt"
	"slices"
	"strings"
)

// margin keeps games away from the border at which requests do not end, where
// rounding would decide.
const margin = 1e-9

// A vertex is an endpoint, and what a request to it causes on average.
type vertex struct {
	service Name
	path    Path
	// where is the endpoint's place in the game.
	where string
	// causes is how many requests to each other vertex one request makes on
	// average, never less than in truth.
	causes map[int]float64
}

func (n vertex) String() string { return string(n.service) + string(n.path) }

// endless finds what may not end. Requests and the requests they cause are a
// branching process: it ends with certainty, and after a finite number of
// requests on average, exactly when the means inside every group of endpoints
// that call each other in a circle have a spectral radius below 1.
func endless(g *Game) ProblemsError {
	graph := graphOf(g)
	var problems ProblemsError
	work := make([]float64, len(graph))
	depth := make([]int, len(graph))
	// Groups come callees first, so what they call is known already.
	for _, group := range components(graph) {
		slices.Sort(group)
		if !solve(graph, group, work) {
			problems = append(problems, Problem{Path: graph[group[0]].where, Message: fmt.Sprintf(
				"requests may never end: %s is a cycle in which a request causes at least one more on average. Give a call in it a lower probability, or an error before it", circle(graph, group),
			)})
			return problems
		}
		below := 0
		for _, v := range group {
			for _, to := range sortedKeys(graph[v].causes) {
				if !slices.Contains(group, to) {
					below = max(below, depth[to])
				}
			}
		}
		for _, v := range group {
			depth[v] = below + len(group)
			if depth[v] > MaxDepth {
				problems = append(problems, Problem{Path: graph[v].where, Message: fmt.Sprintf("a request may pass through %d endpoints, one calling the next; %d are allowed", depth[v], MaxDepth)})
				return problems
			}
			if work[v] > MaxWork {
				problems = append(problems, Problem{Path: graph[v].where, Message: fmt.Sprintf("a request causes up to %.0f others on average; %d are allowed", work[v], MaxWork)})
				return problems
			}
		}
	}
	return problems
}

func graphOf(g *Game) []vertex {
	type key struct {
		service Name
		path    Path
	}
	index := map[key]int{}
	var graph []vertex
	for i := range g.Services {
		s := &g.Services[i]
		for j := range s.Endpoints {
			path := s.Endpoints[j].Path
			index[key{s.Name, path}] = len(graph)
			where := element(element("services", i, string(s.Name))+".endpoints", j, string(path))
			graph = append(graph, vertex{service: s.Name, path: path, where: where, causes: map[int]float64{}})
		}
	}
	n := 0
	for i := range g.Services {
		for j := range g.Services[i].Endpoints {
			causes := graph[n].causes
			count(g.Services[i].Endpoints[j].Steps, func(h *HTTP, times float64) {
				if times > 0 {
					causes[index[key{h.Service, h.Path.Or()}]] += times
				}
			})
			n++
		}
	}
	return graph
}

// count tells how often each HTTP call of a list is made on average, at most.
func count(calls []Call, tell func(h *HTTP, times float64)) {
	reach := 1.0
	for i := range calls {
		c := &calls[i]
		if len(c.OneOf) == 0 {
			reach *= 1 - fails(&c.Step, reach, tell)
			continue
		}
		total := 0.0
		for _, choice := range c.OneOf {
			total += float64(Default(choice.Weight, 1))
		}
		happens := float64(Default(c.Probability, 1))
		failed := 0.0
		for _, choice := range c.OneOf {
			share := happens * float64(Default(choice.Weight, 1)) / total
			inside := 1.0
			for k := range choice.Steps {
				inside *= 1 - fails(&choice.Steps[k], reach*share*inside, tell)
			}
			failed += share * (1 - inside)
		}
		if c.Schedule == "" && !c.IgnoreErrors {
			reach *= max(0, 1-failed)
		}
	}
}

// fails is how probable it is that a step that is come to ends the request, at
// least. What depends on the time of day or on others does not count.
func fails(s *Step, reach float64, tell func(h *HTTP, times float64)) float64 {
	p := float64(Default(s.Probability, 1))
	if s.HTTP != nil {
		tell(s.HTTP, reach*p*float64(1+s.HTTP.Retries))
	}
	if s.Schedule != "" || s.IgnoreErrors {
		return 0
	}
	switch {
	case s.Error != nil:
		return p
	case s.Database != nil:
		return p * float64(Default(s.Database.ErrorProbability, 0))
	default:
		return 0
	}
}

// components are the strongly connected components of a graph, callees first
// (Tarjan).
func components(graph []vertex) [][]int {
	var (
		out     [][]int
		stack   []int
		visit   func(v int)
		next    = 1
		number  = make([]int, len(graph))
		low     = make([]int, len(graph))
		onStack = make([]bool, len(graph))
	)
	visit = func(v int) {
		number[v], low[v] = next, next
		next++
		stack, onStack[v] = append(stack, v), true
		for _, to := range sortedKeys(graph[v].causes) {
			if number[to] == 0 {
				visit(to)
			}
			if onStack[to] {
				low[v] = min(low[v], low[to])
			}
		}
		if low[v] != number[v] {
			return
		}
		at := slices.Index(stack, v)
		group := slices.Clone(stack[at:])
		stack = stack[:at]
		for _, w := range group {
			onStack[w] = false
		}
		out = append(out, group)
	}
	for v := range graph {
		if number[v] == 0 {
			visit(v)
		}
	}
	return out
}

// solve sets how many requests one to each vertex of a group causes on average.
// It says false when there is no such number. It eliminates without changing
// rows: I-M is the matrix of a process that ends exactly when all pivots are
// positive.
func solve(graph []vertex, group []int, work []float64) bool {
	n := len(group)
	at := make(map[int]int, n)
	for i, v := range group {
		at[v] = i
	}
	rows := make([][]float64, n)
	for i, v := range group {
		rows[i] = make([]float64, n+1)
		rows[i][i] = 1
		// Sorted, since sums of floats depend on their order.
		for _, to := range sortedKeys(graph[v].causes) {
			times := graph[v].causes[to]
			rows[i][n] += times
			if j, ok := at[to]; ok {
				rows[i][j] -= times
				continue
			}
			rows[i][n] += times * work[to]
		}
	}
	for i := range n {
		if rows[i][i] <= margin {
			return false
		}
		for k := i + 1; k < n; k++ {
			f := rows[k][i] / rows[i][i]
			if f == 0 {
				continue
			}
			for j := i; j <= n; j++ {
				rows[k][j] -= f * rows[i][j]
			}
		}
	}
	for i := n - 1; i >= 0; i-- {
		x := rows[i][n]
		for j := i + 1; j < n; j++ {
			x -= rows[i][j] * work[group[j]]
		}
		work[group[i]] = x / rows[i][i]
	}
	return true
}

func sortedKeys(m map[int]float64) []int {
	out := make([]int, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// circle is the way along the most frequent calls of a group until it comes back
// to where it was.
func circle(graph []vertex, group []int) string {
	var way []int
	for v := group[0]; ; {
		if i := slices.Index(way, v); i >= 0 {
			way = append(way[i:], v)
			break
		}
		way = append(way, v)
		best, most := v, -1.0
		for _, to := range sortedKeys(graph[v].causes) {
			if times := graph[v].causes[to]; slices.Contains(group, to) && times > most {
				best, most = to, times
			}
		}
		v = best
	}
	names := make([]string, 0, len(way))
	for _, v := range way {
		names = append(names, graph[v].String())
	}
	return strings.Join(names, " → ")
}
