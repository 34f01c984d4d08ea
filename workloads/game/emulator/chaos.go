// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"time"

	"github.com/observe-k8s/observe-k8s/apis/game/language"
)

// An activeFault is chaos that is ready to happen.
type activeFault struct {
	every   time.Duration
	cron    *language.Cron
	lasts   time.Duration
	pause   bool
	latency timeRange
	loss    float64
}

func newActiveFault(c *language.Chaos) (activeFault, error) {
	d := activeFault{every: language.Span(c.Interval, 0), lasts: c.Duration.Duration, pause: c.Hang != nil, latency: rangeOf(c.Latency)}
	if c.Loss != nil {
		d.loss = float64(c.Loss.Probability)
	}
	if c.Schedule == "" {
		return d, nil
	}
	cron, err := language.ParseSchedule(c.Schedule)
	d.cron = &cron
	return d, err
}

// left is how long the fault still lasts at a time; 0 when there is none.
// It depends on nothing but the time, so that all replicas agree.
func (d *activeFault) left(now time.Time) time.Duration {
	if d.cron == nil {
		if d.every <= 0 {
			return 0
		}
		into := time.Duration(now.UnixNano()) % d.every
		return max(0, d.lasts-into)
	}
	for begin := now.Truncate(time.Minute); now.Sub(begin) < d.lasts; begin = begin.Add(-time.Minute) {
		if d.cron.Matches(begin) {
			return d.lasts - now.Sub(begin)
		}
	}
	return 0
}

// injectFault a request before the service sees it, as a network would. It says true
// when the request gets no answer at all.
func (p *Plan) injectFault(r *run) (lost bool) {
	if len(p.chaos) == 0 {
		return false
	}
	now := r.service.world.Now()
	for i := range p.chaos {
		d := &p.chaos[i]
		left := d.left(now)
		if left <= 0 {
			continue
		}
		wait := d.latency.pick(&r.rng)
		if d.pause {
			wait = left
		}
		if r.sleep(wait) != nil {
			return true
		}
		if d.loss > 0 && r.rng.float() < d.loss {
			return true
		}
	}
	return false
}
