// SPDX-License-Identifier: Apache-2.0

package programs

import (
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"
)

const (
	// A build that takes less than this is not worth a line.
	quiet = 2 * time.Second
	// How often to say that a build is still running.
	liveEvery  = time.Second
	plainEvery = 15 * time.Second
)

// A Printer prints the progress of builds, with an estimate of what is left:
// one line that it keeps rewriting on a terminal, a line every 15 seconds
// elsewhere.
type Printer struct {
	w    io.Writer
	live bool

	mu    sync.Mutex
	todo  []Program
	done  int
	began time.Time
	start time.Time
	// What the finished builds took, and what they were estimated to take.
	took, estimated time.Duration
	stop            chan struct{}
	stopped         sync.WaitGroup
}

// NewPrinter returns a Printer that writes to w; live says that w is a terminal
// whose line it may rewrite.
func NewPrinter(w io.Writer, live bool) *Printer { return &Printer{w: w, live: live} }

// Wait prints why nothing happens.
func (p *Printer) Wait() {
	_, _ = fmt.Fprintln(p.w, "waiting for another process that is building the programs")
}

// Plan prints what has to be built.
func (p *Printer) Plan(todo []Program) {
	p.todo, p.began = todo, time.Now()
	if len(todo) == 0 {
		return
	}
	var total time.Duration
	for _, t := range todo {
		total += estimate(t)
	}
	_, _ = fmt.Fprintf(p.w, "building %d programs from source, once: about %s\n", len(todo), round(total))
}

// Begin starts to report about a program.
func (p *Printer) Begin(t Program) {
	p.start, p.stop = time.Now(), make(chan struct{})
	every := plainEvery
	if p.live {
		every = liveEvery
	}
	p.stopped.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-p.stop:
				return
			case <-tick.C:
				p.report(t)
			}
		}
	})
}

// End stops reporting about a program and prints how long it took.
func (p *Printer) End(t Program, took time.Duration, err error) {
	close(p.stop)
	p.stopped.Wait()
	p.mu.Lock()
	p.done++
	p.took += took
	p.estimated += estimate(t)
	p.mu.Unlock()

	if err != nil {
		p.clear()
		_, _ = fmt.Fprintf(p.w, "  %-20s failed after %s\n", t.Name, round(took))
		return
	}
	if took > quiet {
		p.clear()
		_, _ = fmt.Fprintf(p.w, "  %-20s built in %s (%s)\n", t.Name, round(took), t.About)
	}
	said := map[string]bool{}
	for _, patch := range t.Patches {
		line := fmt.Sprintf("    patched: %s, to %s", patch.File, patch.Why)
		if !said[line] {
			said[line] = true
			_, _ = fmt.Fprintln(p.w, line)
		}
	}
}

func (p *Printer) report(t Program) {
	p.clear()
	line := fmt.Sprintf("  building %s (%d of %d): %s, about %s left in all",
		t.Name, p.done+1, len(p.todo), round(time.Since(p.start)), round(p.left(time.Since(p.start))))
	if p.live {
		_, _ = fmt.Fprint(p.w, line)
		return
	}
	_, _ = fmt.Fprintln(p.w, line)
}

// clear the line that is being rewritten.
func (p *Printer) clear() {
	if p.live {
		_, _ = fmt.Fprint(p.w, "\r\x1b[K")
	}
}

// left estimates what is left of all builds, the current one having run for
// the given time, by how the finished ones compared with their estimates.
func (p *Printer) left(current time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	ratio := 1.0
	if p.estimated > 0 {
		ratio = float64(p.took) / float64(p.estimated)
	}
	var left time.Duration
	for i, t := range p.todo[p.done:] {
		e := time.Duration(float64(estimate(t)) * ratio)
		if i == 0 {
			e = max(e-current, 5*time.Second)
		}
		left += e
	}
	return left
}

// estimate how long a build from empty caches takes on this machine.
func estimate(p Program) time.Duration {
	return p.Cold / time.Duration(min(runtime.NumCPU(), 8))
}

func round(d time.Duration) time.Duration { return d.Round(time.Second) }
