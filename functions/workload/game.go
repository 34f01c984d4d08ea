// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/observe-k8s/observe-k8s/apis/game/language"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"k8s.io/apimachinery/pkg/runtime"
)

// maxGameProblems is how much of what is wrong with a game one message tells.
const maxGameProblems = 5

// maxGameSize is how many bytes of JSON a game may have: it stands in the claim,
// in what is composed of it, and in a ConfigMap and a Secret on the cluster.
const maxGameSize = 256 << 10

// game are the values of a game, as its chart takes them.
func game(g *language.Game) (map[string]any, error) {
	m, err := runtime.DefaultUnstructuredConverter.ToUnstructured(g)
	if err != nil {
		return nil, fmt.Errorf("cannot encode the game: %w", err)
	}
	return map[string]any{"game": m}, nil
}

// checkGame finds what no schema can: calls of what does not exist, and requests
// that may never end.
func checkGame(p v1alpha1.WorkloadParameters) []compose.Problem {
	if p.App != v1alpha1.AppGame {
		return nil
	}
	refuse := func(format string, args ...any) []compose.Problem {
		return []compose.Problem{{ConditionType: ConditionAppReady, Reason: "InvalidGame", Message: fmt.Sprintf(format, args...)}}
	}
	if p.Game == nil {
		return refuse("App %s needs a game", p.App)
	}
	var wrong language.ProblemsError
	switch err := language.Validate(p.Game); {
	case errors.As(err, &wrong):
		return refuse("The game cannot be played: %s", firstProblems(wrong))
	case err != nil:
		return refuse("The game cannot be played: %v", err)
	}
	b, err := json.Marshal(p.Game)
	if err != nil {
		return refuse("The game cannot be written: %v", err)
	}
	if len(b) > maxGameSize {
		return refuse("The game has %d bytes as JSON; %d are allowed", len(b), maxGameSize)
	}
	return nil
}

// firstProblems is the beginning of what is wrong, in one line.
func firstProblems(wrong language.ProblemsError) string {
	lines := make([]string, 0, maxGameProblems+1)
	for i, p := range wrong {
		if i == maxGameProblems {
			lines = append(lines, fmt.Sprintf("and more, %d in all", len(wrong)))
			break
		}
		lines = append(lines, p.String())
	}
	return strings.Join(lines, "; ")
}
