// SPDX-License-Identifier: Apache-2.0

package language

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/observe-k8s/observe-k8s/apis/nearest"
)

// maxProblems is how many problems are told. A person mends a few at a time.
const maxProblems = 20

// A Problem is something wrong with a game.
// +kubebuilder:object:generate=false
type Problem struct {
	// Line and Column of the place in the file, from 1; 0 when there is no file.
	Line, Column int
	// Path of the field, such as services[web].endpoints[/].steps[0].http.
	Path string
	// Message says what is wrong, and what would be right.
	Message string
}

// String is the problem as one line: 12:5: path: message.
func (p Problem) String() string {
	where := ""
	if p.Line > 0 {
		where = fmt.Sprintf("%d:%d: ", p.Line, p.Column)
	}
	if p.Path != "" {
		where += p.Path + ": "
	}
	return where + p.Message
}

// A ProblemsError is all that is wrong with a game, in the order of the file.
// +kubebuilder:object:generate=false
type ProblemsError []Problem

// Error is one line for each problem.
func (p ProblemsError) Error() string {
	lines := make([]string, 0, len(p))
	for _, one := range p {
		lines = append(lines, one.String())
	}
	return strings.Join(lines, "\n")
}

// err is nil when there are no problems.
func (p ProblemsError) err() error {
	if len(p) == 0 {
		return nil
	}
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	if more := len(p) - maxProblems; more > 0 {
		p = append(p[:maxProblems:maxProblems], Problem{Message: fmt.Sprintf("and %d more", more)})
	}
	return p
}

// nearestOf the candidates to a word, as the end of a message.
// It is empty without candidates.
func nearestOf[T ~string](word T, candidates []T) string {
	for _, c := range nearest.Words(word, candidates, 1) {
		return fmt.Sprintf("; the nearest is %s", c)
	}
	return ""
}
