// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/observe-k8s/observe-k8s/apis/game/language"
	"github.com/observe-k8s/observe-k8s/functions/workload"
)

// TestWindows asks Prometheus in which minutes windows of chaos are open, and
// compares with what cron's fields say.
func TestWindows(t *testing.T) {
	prometheus := startPrometheus(t)
	cases := map[string]struct {
		reason          string
		schedule, lasts string
		from            string
	}{
		"SecondHalf":   {"The second half of every hour.", "30 * * * *", "30m", "2026-11-22T00:00:00Z"},
		"Always":       {"Windows may follow each other.", "*/20 * * * *", "20m", "2026-11-22T00:00:00Z"},
		"OverTheHour":  {"A window goes on in the next hour, whatever that hour is.", "45 3 * * *", "60m", "2026-11-22T00:00:00Z"},
		"OverMidnight": {"And on the next day.", "50 23 * * 0", "30m", "2026-11-21T00:00:00Z"},
		"WorkingHours": {"Hours and days of the week restrict it.", "30 8-17 * * 1-5", "45m", "2026-11-20T00:00:00Z"},
		"EitherDay":    {"Of two days that are restricted either is enough.", "0 12 13 * 5", "10m", "2026-11-12T00:00:00Z"},
		"OtherMonth":   {"In another month there is none.", "0 * * 12 *", "10m", "2026-11-30T00:00:00Z"},
		"Sunday":       {"Sunday is 7, too.", "5,35 6-8/2 * * 7", "3m", "2026-11-21T00:00:00Z"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			from, err := time.Parse(time.RFC3339, tc.from)
			if err != nil {
				t.Fatal(err)
			}
			cron, err := language.ParseSchedule(language.Schedule(tc.schedule))
			if err != nil {
				t.Fatal(err)
			}
			lasts, err := strconv.Atoi(strings.TrimSuffix(tc.lasts, "m"))
			if err != nil {
				t.Fatal(err)
			}
			const minutes = 3 * 24 * 60
			open := during(t, prometheus, workload.WindowQuery(tc.schedule, tc.lasts), from, minutes)
			for m := range minutes {
				now := from.Add(time.Duration(m) * time.Minute)
				want := false
				for ago := range lasts {
					want = want || cron.Matches(now.Add(-time.Duration(ago)*time.Minute))
				}
				if open[now.Unix()] != want {
					t.Fatalf("\n%s\n%q for %s at %s: want open %t, got %t", tc.reason, tc.schedule, tc.lasts, now, want, open[now.Unix()])
				}
			}
		})
	}
}

// during are the times of a range, a minute apart, at which a query gives 1.
func during(t *testing.T, prometheus, q string, from time.Time, minutes int) map[int64]bool {
	t.Helper()
	to := from.Add(time.Duration(minutes-1) * time.Minute)
	b := fetch(t, fmt.Sprintf("%s/api/v1/query_range?query=%s&start=%d&end=%d&step=60", prometheus, url.QueryEscape(q), from.Unix(), to.Unix()))
	var answer struct {
		Data struct {
			Result []struct {
				Values [][2]any `json:"values"`
			} `json:"result"`
		} `json:"data"`
	}
	if err := json.Unmarshal(b, &answer); err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	out := map[int64]bool{}
	for _, r := range answer.Data.Result {
		for _, v := range r.Values {
			at, _ := v[0].(float64)
			out[int64(at)] = v[1] == "1"
		}
	}
	return out
}
