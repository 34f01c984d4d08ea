// SPDX-License-Identifier: Apache-2.0

package language

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Cron is a schedule that can be asked.
// +kubebuilder:object:generate=false
type Cron struct {
	minute, hour, day, month, weekday uint64
	// Cron's oldest rule: when both days are restricted, either is enough.
	anyDay bool
}

// ParseSchedule reads a schedule. Each of the five fields is *, a number, a range
// (8-17), either with a step (*/15), or a list of those with commas. Sunday is 0
// or 7. It returns an error that names the field that is wrong.
func ParseSchedule(s Schedule) (Cron, error) {
	fields := strings.Fields(string(s))
	if len(fields) != 5 {
		return Cron{}, fmt.Errorf("schedule %q has %d fields instead of 5: minute, hour, day, month and day of the week", s, len(fields))
	}
	var (
		c    Cron
		errs [5]error
	)
	c.minute, errs[0] = cronField(fields[0], "minute", 0, 59)
	c.hour, errs[1] = cronField(fields[1], "hour", 0, 23)
	c.day, errs[2] = cronField(fields[2], "day of the month", 1, 31)
	c.month, errs[3] = cronField(fields[3], "month", 1, 12)
	c.weekday, errs[4] = cronField(fields[4], "day of the week", 0, 7)
	for _, err := range errs {
		if err != nil {
			return Cron{}, err
		}
	}
	if c.weekday&(1<<7) != 0 {
		c.weekday |= 1
	}
	c.anyDay = !strings.HasPrefix(fields[2], "*") && !strings.HasPrefix(fields[4], "*")
	return c, nil
}

func cronField(s, name string, low, high int) (uint64, error) {
	var bits uint64
	for part := range strings.SplitSeq(s, ",") {
		from, to, step, err := cronRange(part, low, high)
		if err != nil {
			return 0, fmt.Errorf("%s %q of a schedule must be *, numbers from %d to %d, ranges or steps", name, s, low, high)
		}
		for i := from; i <= to; i += step {
			bits |= 1 << i
		}
	}
	return bits, nil
}

func cronRange(s string, low, high int) (from, to, step int, err error) {
	what, every, stepped := strings.Cut(s, "/")
	step = 1
	if stepped {
		if step, err = cronNumber(every, 1, high); err != nil {
			return 0, 0, 0, err
		}
	}
	if what == "*" {
		return low, high, step, nil
	}
	first, last, ranged := strings.Cut(what, "-")
	if from, err = cronNumber(first, low, high); err != nil {
		return 0, 0, 0, err
	}
	if !ranged {
		if stepped {
			return from, high, step, nil
		}
		return from, from, 1, nil
	}
	to, err = cronNumber(last, from, high)
	return from, to, step, err
}

func cronNumber(s string, low, high int) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0, fmt.Errorf("cannot read a number: %w", err)
	}
	if n < low || n > high {
		return 0, fmt.Errorf("%d is not between %d and %d", n, low, high)
	}
	return n, nil
}

// Matches says whether the minute that t is in belongs to the schedule.
func (c Cron) Matches(t time.Time) bool {
	t = t.UTC()
	if c.minute&(1<<t.Minute()) == 0 || c.hour&(1<<t.Hour()) == 0 || c.month&(1<<int(t.Month())) == 0 {
		return false
	}
	day := c.day&(1<<t.Day()) != 0
	weekday := c.weekday&(1<<int(t.Weekday())) != 0
	if c.anyDay {
		return day || weekday
	}
	return day && weekday
}
