// SPDX-License-Identifier: Apache-2.0

package language

import (
	"encoding/json"
	"errors"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/observe-k8s/observe-k8s/apis/game/random"
)

var update = flag.Bool("update", false, "write golden files")

func TestParseProblems(t *testing.T) {
	cases := map[string]struct {
		reason string
		game   string
		want   []string
	}{
		"Valid": {
			reason: "A service without endpoints answers 404 to everything.",
			game:   `services: [{name: web}]`,
		},
		"JSON": {
			reason: "JSON is YAML.",
			game:   `{"services": [{"name": "web", "endpoints": [{"path": "/", "steps": [{"sleep": {"duration": "5ms"}}]}]}]}`,
		},
		"NullIsAbsent": {
			reason: "A field without a value is not there.",
			game:   "services: [{name: web, endpoints: }]\nloadGenerators:\n",
		},
		"Empty": {
			reason: "Nothing is no game.",
			game:   ``,
			want:   []string{"there is no game in here"},
		},
		"NoObject": {
			reason: "A list is no game.",
			game:   `[1, 2]`,
			want:   []string{"1:1: must be an object with fields"},
		},
		"TwoDocuments": {
			reason: "The second game would be ignored.",
			game:   "services: [{name: web}]\n---\nservices: [{name: shop}]\n",
			want:   []string{"2:1: a file holds one game: there is a second document"},
		},
		"UnknownField": {
			reason: "The message names the nearest field.",
			game:   call(`htp: {service: web}`),
			want:   []string{"5:7: services[web].endpoints[/].steps[0].htp: there is no such field; the nearest is http"},
		},
		"FieldTwice": {
			reason: "One of the two would be ignored.",
			game:   "services: [{name: web}]\nservices: [{name: shop}]\n",
			want:   []string{"2:1: services: the field is there twice"},
		},
		"Anchors": {
			reason: "A few aliases can blow up to gigabytes.",
			game:   "services: &a [{name: web}]\nloadGenerators: *a\n",
			want:   []string{"1:11: services: a game has no anchors and aliases", "2:17: loadGenerators: a game has no anchors and aliases"},
		},
		"Tags": {
			reason: "A tag could make a number of a text.",
			game:   `services: [{name: !!str web}]`,
			want:   []string{"1:19: services[web].name: a game has no tags"},
		},
		"CodeInQuotes": {
			reason: "A code in quotes must not become another one silently.",
			game:   call(`error: {code: "404"}`),
			want:   []string{`5:21: services[web].endpoints[/].steps[0].error.code: must be an integer, not "404"`},
		},
		"CodeOfSuccess": {
			reason: "An error that is none would be counted as a success.",
			game:   call(`error: {code: 200}`),
			want:   []string{"5:21: services[web].endpoints[/].steps[0].error.code: 200 is not between 400 and 599"},
		},
		"TextIsNumber": {
			reason: "A message that YAML takes for a number is asked for in quotes.",
			game:   call(`log: {message: 5}`),
			want:   []string{"5:22: services[web].endpoints[/].steps[0].log.message: must be text: put 5 in quotes"},
		},
		"Duration": {
			reason: "A number without a unit could be anything.",
			game:   call(`sleep: {duration: 5}`),
			want:   []string{`5:25: services[web].endpoints[/].steps[0].sleep.duration: "5" is no duration such as 300ms, 1.5s or 2m`},
		},
		"DurationInMinus": {
			reason: "Nothing takes less than no time.",
			game:   call(`sleep: {duration: -5s}`),
			want:   []string{`5:25: services[web].endpoints[/].steps[0].sleep.duration: "-5s" is no duration such as 300ms, 1.5s or 2m`},
		},
		"DurationTooLong": {
			reason: "Nobody waits for more than a day.",
			game:   call(`sleep: {duration: 25h}`),
			want:   []string{"5:25: services[web].endpoints[/].steps[0].sleep.duration: 25h0m0s is not between 0s and 24h0m0s"},
		},
		"Jitter": {
			reason: "Nothing takes less than no time.",
			game:   call(`sleep: {duration: 5ms, jitter: 6ms}`),
			want:   []string{"5:38: services[web].endpoints[/].steps[0].sleep.jitter: 6ms is not between 0s and 5ms"},
		},
		"ProbabilityTooHigh": {
			reason: "Nothing happens more often than always.",
			game:   call(`{sleep: {duration: 5ms}, probability: 101%}`),
			want:   []string{"5:45: services[web].endpoints[/].steps[0].probability: 101% is not between 0% and 100%"},
		},
		"ProbabilityIsNoPercentage": {
			reason: "A number could be meant either way.",
			game:   call(`{sleep: {duration: 5ms}, probability: 0.5}`),
			want:   []string{`5:45: services[web].endpoints[/].steps[0].probability: "0.5" is no percentage such as 20% or 0.5%`},
		},
		"ProbabilityIsNoNumber": {
			reason: "What computers take for numbers is none for people.",
			game:   call(`{sleep: {duration: 5ms}, probability: NaN%}`),
			want:   []string{`5:45: services[web].endpoints[/].steps[0].probability: "NaN%" is no percentage such as 20% or 0.5%`},
		},
		"ProbabilityTooFine": {
			reason: "More decimals would be lost.",
			game:   call(`{sleep: {duration: 5ms}, probability: 0.00001%}`),
			want:   []string{`5:45: services[web].endpoints[/].steps[0].probability: "0.00001%" is no percentage such as 20% or 0.5%`},
		},
		"TwoForms": {
			reason: "What comes first would be a guess.",
			game:   call(`{sleep: {duration: 5ms}, cpu: {duration: 5ms}}`),
			want:   []string{"5:7: services[web].endpoints[/].steps[0]: is sleep and cpu at once: give exactly one"},
		},
		"NoForm": {
			reason: "A call that is nothing is a mistake.",
			game:   call(`{probability: 100%}`),
			want:   []string{"5:7: services[web].endpoints[/].steps[0]: is nothing: give exactly one of http, sleep, cpu, cache, database, log, error, leak, oneOf"},
		},
		"NestedOneOf": {
			reason: "Schemas of Kubernetes have an end.",
			game:   call(`oneOf: [{steps: [{oneOf: []}]}]`),
			want:   []string{"5:25: services[web].endpoints[/].steps[0].oneOf[0].steps[0].oneOf: there is no such field; the nearest is leak"},
		},
		"UnknownService": {
			reason: "The message names the nearest service.",
			game:   call(`http: {service: wep}`),
			want:   []string{`5:23: services[web].endpoints[/].steps[0].http.service: there is no service "wep"; the nearest is web`},
		},
		"UnknownEndpoint": {
			reason: "The message names the nearest endpoint.",
			game:   call(`http: {service: web, path: /x}`),
			want:   []string{`5:34: services[web].endpoints[/].steps[0].http.path: service web has no endpoint "/x"; the nearest is /`},
		},
		"RemoteTimeoutOfSleep": {
			reason: "Nobody answers a sleep.",
			game:   call(`{sleep: {duration: 5ms}, timeout: 1s}`),
			want:   []string{"5:41: services[web].endpoints[/].steps[0].timeout: only http and database have a timeout"},
		},
		"Schedule": {
			reason: "The message names the field that is wrong.",
			game:   call(`{sleep: {duration: 5ms}, schedule: "* 25 * * *"}`),
			want:   []string{`5:42: services[web].endpoints[/].steps[0].schedule: hour "25" of a schedule must be *, numbers from 0 to 23, ranges or steps`},
		},
		"NameTwice": {
			reason: "A name is an address.",
			game:   `services: [{name: web}, {name: web}]`,
			want:   []string{"1:25: services[web]: the name web is there twice"},
		},
		"PathTwice": {
			reason: "A path is answered in one way.",
			game:   `services: [{name: web, endpoints: [{path: /}, {path: /}]}]`,
			want:   []string{"1:47: services[web].endpoints[/]: the path / is there twice"},
		},
		"LoaderLikeService": {
			reason: "Both would be Deployments of the same name.",
			game:   "services: [{name: web}]\nloadGenerators: [{name: web, requests: [{service: web, expectNotFound: true}]}]\n",
			want:   []string{"2:18: loadGenerators[web]: the name web is there twice"},
		},
		"NoLabel": {
			reason: "A name is the host name of a Service.",
			game:   `services: [{name: Web_1}]`,
			want:   []string{`1:19: services[Web_1].name: "Web_1" is no DNS label: it has lower-case letters, digits and dashes, begins with a letter, and is not longer than 63`},
		},
		"NoPath": {
			reason: "A query is no part of a path.",
			game:   `services: [{name: web, endpoints: [{path: "/a?b=c"}]}]`,
			want:   []string{`1:43: services[web].endpoints[/a?b=c].path: "/a?b=c" must begin with / and consist of letters, digits and ._~/-, at most 256`},
		},
		"Enumeration": {
			reason: "The message names the nearest value.",
			game:   call(`database: {name: shop, system: Postgres}`),
			want:   []string{`5:38: services[web].endpoints[/].steps[0].database.system: "Postgres" is not allowed; the nearest is PostgreSQL`},
		},
		"ChaosWithoutTime": {
			reason: "Chaos that never begins is a mistake.",
			game:   "services: [{name: web}]\nchaos: [{name: a, target: wep, duration: 1s, hang: {}, loss: {probability: 100%}}]\n",
			want: []string{
				"2:9: chaos[a]: give exactly one of interval and schedule",
				"2:9: chaos[a]: give exactly one of hang, latency and loss",
				`2:27: chaos[a].target: there is no service "wep"; the nearest is web`,
			},
		},
		"Loader": {
			reason: "A load generator that calls what does not exist must say that it means it.",
			game:   "services: [{name: web}]\nloadGenerators: [{name: l, requests: [{service: web}, {service: web, path: /x, expectNotFound: true}]}]\n",
			want:   []string{`2:39: loadGenerators[l].requests[0].path: service web has no endpoint "/"`},
		},
		"CycleOfItself": {
			reason: "A service that always calls itself never answers.",
			game:   call(`http: {service: web}`),
			want:   []string{"3:5: services[web].endpoints[/]: requests may never end: web/ → web/ is a cycle in which a request causes at least one more on average. Give a call in it a lower probability, or an error before it"},
		},
		"CycleWithChance": {
			reason: "A cycle that is left sooner or later ends.",
			game:   call(`{http: {service: web}, probability: 90%}`),
		},
		"CycleWithRetries": {
			reason: "Retries multiply: 0.6 with one retry is 1.2 of itself.",
			game:   call(`{http: {service: web, retries: 1}, probability: 60%}`),
			want:   []string{"3:5: services[web].endpoints[/]: requests may never end: web/ → web/ is a cycle in which a request causes at least one more on average. Give a call in it a lower probability, or an error before it"},
		},
		"CycleThatGrows": {
			reason: "Each call alone may end, both together do not.",
			game:   call(`{http: {service: web}, probability: 60%}`, `{http: {service: web}, probability: 60%}`),
			want:   []string{"3:5: services[web].endpoints[/]: requests may never end: web/ → web/ is a cycle in which a request causes at least one more on average. Give a call in it a lower probability, or an error before it"},
		},
		"CycleBehindError": {
			reason: "An error before the call ends some requests.",
			game:   call(`{error: {code: 500}, probability: 50%}`, `http: {service: web}`),
		},
		"CycleBehindIgnoredError": {
			reason: "An error that is ignored ends nothing.",
			game:   call(`{error: {code: 500}, probability: 50%, ignoreErrors: true}`, `http: {service: web}`),
			want:   []string{"3:5: services[web].endpoints[/]: requests may never end: web/ → web/ is a cycle in which a request causes at least one more on average. Give a call in it a lower probability, or an error before it"},
		},
		"CycleBehindScheduledError": {
			reason: "An error that comes in some minutes does not help in the others.",
			game:   call(`{error: {code: 500}, schedule: "0 0 * * *"}`, `http: {service: web}`),
			want:   []string{"3:5: services[web].endpoints[/]: requests may never end: web/ → web/ is a cycle in which a request causes at least one more on average. Give a call in it a lower probability, or an error before it"},
		},
		"CycleInOneOf": {
			reason: "A choice that leaves the cycle is an end.",
			game:   call(`oneOf: [{steps: [{http: {service: web}}]}, {}]`),
		},
		"ErrorInOneOf": {
			reason: "An error in a choice ends requests before the next call.",
			game:   call(`oneOf: [{steps: [{error: {code: 500}}]}, {}]`, `http: {service: web}`),
		},
		"Never": {
			reason: "A call of probability 0 is never made.",
			game:   call(`{http: {service: web}, probability: 0%}`),
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(tc.game))
			var got []string
			if err != nil {
				got = strings.Split(err.Error(), "\n")
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\nParse(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// call is a game of one service with these calls.
func call(calls ...string) string {
	out := "services:\n- endpoints:\n  - path: /\n    steps:\n"
	for _, c := range calls {
		out += "    - " + c + "\n"
	}
	return out + "  name: web\n"
}

func TestParseWork(t *testing.T) {
	// Ten calls each over four services are ten thousand requests. All of them end,
	// but who wants to wait?
	game := "services:\n"
	for i, next := range []string{"b", "c", "d", "e"} {
		game += "- name: " + string(rune('a'+i)) + "\n  endpoints: [{path: /, steps: [" + strings.Repeat("{http: {service: "+next+"}}, ", 10) + "]}]\n"
	}
	game += "- name: e\n  endpoints: [{path: /}]\n"
	_, err := Parse([]byte(game))
	want := "5:15: services[b].endpoints[/]: a request causes up to 1110 others on average; 1000 are allowed"
	if err == nil || err.Error() != want {
		t.Errorf("Parse(...): want %q, got %v", want, err)
	}
}

func TestParseDepth(t *testing.T) {
	game := "services:\n"
	for i := range MaxServices {
		game += "- name: " + name(i) + "\n  endpoints:\n  - {path: /, steps: [{http: {service: " + name(i) + ", path: /b}}]}\n"
		calls := ""
		if i+1 < MaxServices {
			calls = "{http: {service: " + name(i+1) + "}}"
		}
		game += "  - {path: /b, steps: [" + calls + "]}\n"
	}
	_, err := Parse([]byte(game))
	if err == nil || !strings.Contains(err.Error(), "may pass through 65 endpoints, one calling the next; 64 are allowed") {
		t.Errorf("Parse(...): want an error for the depth, got %v", err)
	}
}

func name(i int) string { return "s" + string(rune('a'+i/26)) + string(rune('a'+i%26)) }

func TestParseMany(t *testing.T) {
	game := "services:\n" + strings.Repeat("- {nam: x}\n", 100)
	_, err := Parse([]byte(game))
	var problems ProblemsError
	if !errors.As(err, &problems) || len(problems) != maxProblems+1 || problems[maxProblems].Message != "and 80 more" {
		t.Errorf("Parse(...): want %d problems and how many more there are, got %v", maxProblems, err)
	}
}

func TestParseGames(t *testing.T) {
	files, err := filepath.Glob("../../../workloads/game/games/*.yaml")
	if err != nil || len(files) != 3 {
		t.Fatalf("want 3 games, got %v, %v", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			g, err := Parse(b)
			if err != nil {
				t.Fatalf("Parse(%s): %v", file, err)
			}
			golden(t, strings.TrimSuffix(filepath.Base(file), ".yaml")+".json", g)
		})
	}
}

// TestParseDocs parses the example of the documentation.
func TestParseDocs(t *testing.T) {
	b, err := os.ReadFile("../../../docs/game.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "```yaml of a game\n")
	example, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("there is no example")
	}
	if _, err := Parse([]byte(example)); err != nil {
		t.Error(err)
	}
}

func golden(t *testing.T, file string, g *Game) {
	t.Helper()
	got, err := json.MarshalIndent(g, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	path := filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s: -want, +got:\n%s", path, diff)
	}
}

// TestRoundTrip shows that the reader knows every field that the types have: what
// comes back from JSON is what went in.
func TestRoundTrip(t *testing.T) {
	accepted := 0
	for seed := range uint64(300) {
		b, err := json.Marshal(random.Game(rand.New(rand.NewPCG(seed, 0))))
		if err != nil {
			t.Fatal(err)
		}
		g, err := Parse(b)
		if err != nil {
			continue
		}
		accepted++
		again, err := json.Marshal(g)
		if err != nil {
			t.Fatal(err)
		}
		var loose Game
		if err := json.Unmarshal(b, &loose); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&loose, g, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("seed %d: -JSON, +Parse:\n%s\n%s", seed, diff, again)
		}
	}
	if accepted < 100 {
		t.Errorf("only %d of 300 random games are valid", accepted)
	}
}

// TestJSON shows how a claim that was read stands in the objects made of it.
func TestJSON(t *testing.T) {
	type text struct {
		P Probability `json:"p"`
		D Duration    `json:"d"`
	}
	cases := map[string]struct {
		reason   string
		in, want string
	}{
		"Plain":     {"What is plain stays.", `{"p":"20%","d":"300ms"}`, `{"p":"20%","d":"300ms"}`},
		"Ends":      {"Never and always.", `{"p":"0%","d":"0s"}`, `{"p":"0%","d":"0s"}`},
		"Always":    {"Decimals that say nothing go.", `{"p":"100.00%","d":"24h"}`, `{"p":"100%","d":"24h0m0s"}`},
		"Fine":      {"All decimals there may be are kept.", `{"p":"0.0001%","d":"0.5us"}`, `{"p":"0.0001%","d":"500ns"}`},
		"Thirds":    {"No digit comes of rounding.", `{"p":"33.3333%","d":"1.5ms"}`, `{"p":"33.3333%","d":"1.5ms"}`},
		"Micro":     {"A microsecond stays in ASCII.", `{"p":"1%","d":"1500us"}`, `{"p":"1%","d":"1.5ms"}`},
		"Microtime": {"And one that is none of the others.", `{"p":"1%","d":"15us"}`, `{"p":"1%","d":"15us"}`},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			var v text
			if err := json.Unmarshal([]byte(tc.in), &v); err != nil {
				t.Fatal(err)
			}
			got, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, string(got)); diff != "" {
				t.Errorf("\n%s\n-want, +got:\n%s", tc.reason, diff)
			}
		})
	}
	for _, wrong := range []string{`{"p":0.5}`, `{"p":"1e1%"}`, `{"p":"-1%"}`, `{"p":"%"}`, `{"p":".%"}`, `{"p":"101%"}`, `{"d":5}`, `{"d":"5"}`} {
		if err := json.Unmarshal([]byte(wrong), &text{}); err == nil {
			t.Errorf("%s: want an error", wrong)
		}
	}
}

func TestCron(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse("2006-01-02 15:04:05", s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	cases := map[string]struct {
		reason   string
		schedule Schedule
		at       string
		want     bool
	}{
		"Always":      {"Five stars are always.", "* * * * *", "2026-02-03 04:05:06", true},
		"SecondHalf":  {"The second half of the hour begins at minute 30.", "30-59 * * * *", "2026-02-03 04:30:00", true},
		"FirstHalf":   {"And not before.", "30-59 * * * *", "2026-02-03 04:29:59", false},
		"Step":        {"Every quarter.", "*/15 * * * *", "2026-02-03 04:45:10", true},
		"StepFrom":    {"A number with a step goes on to the end.", "5/20 * * * *", "2026-02-03 04:45:10", true},
		"List":        {"A list of a number and a range.", "1,10-12 * * * *", "2026-02-03 04:11:10", true},
		"Sunday7":     {"Sunday is 7.", "* * * * 7", "2026-02-01 04:11:10", true},
		"Sunday0":     {"Sunday is 0.", "* * * * 0", "2026-02-01 04:11:10", true},
		"EitherDay":   {"Two days that are restricted are either of them.", "* * 13 * 5", "2026-02-06 00:00:00", true},
		"DayAndStar":  {"A day of the week alone decides.", "* * * * 5", "2026-02-05 00:00:00", false},
		"OtherMonth":  {"A month decides.", "* * * 3 *", "2026-02-05 00:00:00", false},
		"StarAndStep": {"A star with a step is no restriction of the other.", "* * */2 * 1", "2026-02-03 00:00:00", false},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c, err := ParseSchedule(tc.schedule)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.Matches(at(tc.at)); got != tc.want {
				t.Errorf("%s\n%q at %s: want %t, got %t", tc.reason, tc.schedule, tc.at, tc.want, got)
			}
		})
	}
	for _, wrong := range []Schedule{"", "* * * *", "* * * * * *", "60 * * * *", "5-1 * * * *", "*/0 * * * *", "a * * * *", "* * 0 * *", "1-2-3 * * * *", ", * * * *"} {
		if _, err := ParseSchedule(wrong); err == nil {
			t.Errorf("ParseSchedule(%q): want an error", wrong)
		}
	}
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("../../../workloads/game/games/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(call(`oneOf: [{weight: 2, steps: [{http: {service: web}}]}, {}]`)))
	f.Add([]byte("a: &a [*a]\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		began := time.Now()
		g, err := Parse(b)
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("Parse took %s", took)
		}
		if err != nil {
			return
		}
		if err := Validate(g); err != nil {
			t.Errorf("what Parse accepts, Validate does not: %v", err)
		}
		again, err := json.Marshal(g)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(again); err != nil {
			t.Errorf("what was written of a valid game is not valid: %v\n%s", err, again)
		}
	})
}
