// SPDX-License-Identifier: Apache-2.0

// Package language is the language of games: what an app consists of, what its
// services do when they are called, and who calls them. A game that Parse
// returns can be run: everything it calls exists, and every request ends.
//
// The types are those of the file that the emulator reads, and of the field game
// of a claim: the schema of the latter is generated from them.
//
// +kubebuilder:object:generate=true
package language

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Limits of a game. They keep a game small enough for one machine, and the time
// to judge it short.
const (
	// MaxServices is how many services a game may have.
	MaxServices = 64
	// MaxEndpoints is how many endpoints a service may have.
	MaxEndpoints = 32
	// MaxSteps is how long a list of calls may be.
	MaxSteps = 32
	// MaxChoices is how many choices a oneOf may have.
	MaxChoices = 16
	// MaxRetries is how often a call may be tried again.
	MaxRetries = 10
	// MaxDepth is how many services a request may pass through, one calling the
	// next. It is what the hop limit of the emulator enforces.
	MaxDepth = 64
	// MaxWork is how many calls over HTTP a request may cause on average.
	MaxWork = 1000
	// MaxDuration is the longest time that can be given.
	MaxDuration = 24 * time.Hour
)

// A Game is an app: services that call each other, and who calls them.
type Game struct {
	// Services of the app.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +listType=map
	// +listMapKey=name
	Services []Service `json:"services"`

	// LoadGenerators send requests to services, without an end.
	// +kubebuilder:validation:MaxItems=32
	// +listType=map
	// +listMapKey=name
	// +optional
	LoadGenerators []LoadGenerator `json:"loadGenerators,omitempty"`

	// Chaos is what goes wrong from time to time.
	// +kubebuilder:validation:MaxItems=32
	// +listType=map
	// +listMapKey=name
	// +optional
	Chaos []Chaos `json:"chaos,omitempty"`
}

// A Name is a DNS label: lower-case letters, digits and dashes, not longer than
// 63. A service's name is its host name.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:Pattern=`^[a-z]([-a-z0-9]*[a-z0-9])?$`
type Name string

// A Path of an endpoint, without query and fragment.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=256
// +kubebuilder:validation:Pattern=`^/[A-Za-z0-9._~/-]*$`
type Path string

// A Probability is a percentage from 0% (never) to 100% (always), with at most
// four decimals: 20%, 0.5%.
// +kubebuilder:validation:Type=string
// +kubebuilder:validation:MaxLength=8
// +kubebuilder:validation:Pattern=`^(100(\.0{1,4})?|[0-9]{1,2}(\.[0-9]{1,4})?)%$`
type Probability float64

// millionths are the smallest part of a probability that can be written.
const millionths = 1e6

// MarshalJSON writes the probability as a percentage. It never fails.
func (p Probability) MarshalJSON() ([]byte, error) {
	percent := math.Round(float64(p)*millionths) / (millionths / 100)
	return strconv.AppendQuote(nil, strconv.FormatFloat(percent, 'f', -1, 64)+"%"), nil
}

// UnmarshalJSON reads what MarshalJSON writes. It returns an error for what is no
// percentage from 0% to 100%.
func (p *Probability) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("cannot read a probability: %w", err)
	}
	v, err := parseProbability(s)
	if err != nil {
		return err
	}
	*p = v
	return nil
}

func parseProbability(s string) (Probability, error) {
	number, isPercentage := strings.CutSuffix(s, "%")
	whole, decimals, _ := strings.Cut(number, ".")
	v, err := strconv.ParseFloat(number, 64)
	if !isPercentage || err != nil || strings.Trim(whole+decimals, "0123456789") != "" || len(decimals) > 4 {
		return 0, fmt.Errorf("%q is no percentage such as 20%% or 0.5%%", s)
	}
	if v > 100 {
		return 0, fmt.Errorf("%s is not between 0%% and 100%%", s)
	}
	// By way of integers, so that what is read is what was written.
	return Probability(math.Round(v*millionths/100) / millionths), nil
}

// A Schedule says in cron's five fields (minute, hour, day, month, day of the
// week) in which minutes something happens, in UTC.
// +kubebuilder:validation:MinLength=9
// +kubebuilder:validation:MaxLength=128
// +kubebuilder:validation:Pattern=`^[-0-9*,/]+( +[-0-9*,/]+){4}$`
type Schedule string

// A Duration is written as Go does: 1.5s, 300ms, 2m. At most a day.
// +kubebuilder:validation:Type=string
// +kubebuilder:validation:MaxLength=32
// +kubebuilder:validation:Pattern=`^([0-9]{1,4}(\.[0-9]{1,9})?h|[0-9]{1,6}(\.[0-9]{1,9})?(ns|us|ms|s|m)){1,4}$`
// +kubebuilder:object:generate=false
type Duration struct {
	time.Duration `json:"-"`
}

// MarshalJSON writes the duration as a string. It never fails.
func (d Duration) MarshalJSON() ([]byte, error) {
	return strconv.AppendQuote(nil, strings.Replace(d.String(), "µ", "u", 1)), nil
}

// UnmarshalJSON reads what MarshalJSON writes. It returns an error for what is
// no duration. Whether it is too long is for Validate to say.
func (d *Duration) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("cannot read a duration: %w", err)
	}
	v, err := parseDuration(s)
	if err != nil {
		return err
	}
	d.Duration = v
	return nil
}

// durations that can be written: of what Go reads, what has no sign, is ASCII
// and cannot overflow.
//
//nolint:gochecknoglobals // A function in all but name: nothing can change what it returns.
var durations = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([0-9]{1,4}(\.[0-9]{1,9})?h|[0-9]{1,6}(\.[0-9]{1,9})?(ns|us|ms|s|m)){1,4}$`)
})

func parseDuration(s string) (time.Duration, error) {
	v, err := time.ParseDuration(s)
	if err != nil || len(s) > 32 || !durations().MatchString(s) {
		return 0, fmt.Errorf("%q is no duration such as 300ms, 1.5s or 2m", s)
	}
	return v, nil
}

// A Service answers requests at its endpoints.
type Service struct {
	// Name of the service, and its host name.
	Name Name `json:"name"`

	// Version that the service's telemetry carries.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$`
	// +optional
	Version string `json:"version,omitempty"`

	// Replicas on a cluster; 1 when empty. On one machine a service runs once.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=20
	// +optional
	Replicas *int32 `json:"replicas,omitempty"`

	// Capacity limits how many requests each replica handles. Without it there
	// is no limit but the emulator's own.
	// +optional
	Capacity *Capacity `json:"capacity,omitempty"`

	// Endpoints of the service. Any other path is answered with 404.
	// +kubebuilder:validation:MaxItems=32
	// +listType=map
	// +listMapKey=path
	// +optional
	Endpoints []Endpoint `json:"endpoints,omitempty"`
}

// A Capacity limits how many requests are handled.
type Capacity struct {
	// MaxConcurrency is how many requests are handled at the same time.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	MaxConcurrency int32 `json:"maxConcurrency"`

	// MaxQueueLength is how many more may wait for a worker. What finds it full is
	// answered with 503.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=10000
	// +optional
	MaxQueueLength int32 `json:"maxQueueLength,omitempty"`
}

// An Endpoint is a path of a service, for every method.
type Endpoint struct {
	// Path of the endpoint. It matches exactly.
	Path Path `json:"path"`

	// Steps are made in this order. One that fails ends the request with an
	// error. When all have succeeded, the answer is 200.
	// +kubebuilder:validation:MaxItems=32
	// +observe-k8s:itemsExactlyOneOf=http;sleep;cpu;cache;database;log;error;leak;oneOf
	// +listType=atomic
	// +optional
	Steps []Call `json:"steps,omitempty"`
}

// A Call is a step, or a choice of several. A rule in CEL would be too
// expensive for as many calls as there may be, so the schema's oneOf judges.
type Call struct {
	Step `json:",inline"`

	// OneOf chooses one of several lists of calls at random.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +listType=atomic
	// +optional
	OneOf []Choice `json:"oneOf,omitempty"`
}

// A Choice of a oneOf.
type Choice struct {
	// Weight of this choice among the others; 1 when empty.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	// +optional
	Weight *int32 `json:"weight,omitempty"`

	// Steps are made in this order. No calls do nothing.
	// +kubebuilder:validation:MaxItems=32
	// +observe-k8s:itemsExactlyOneOf=http;sleep;cpu;cache;database;log;error;leak
	// +listType=atomic
	// +optional
	Steps []Step `json:"steps,omitempty"`
}

// A Step is one thing that an endpoint does. Exactly one of http, sleep, cpu,
// cache, database, log, error and leak says what.
type Step struct {
	// Probability that the step happens at all; 100% when empty.
	// +optional
	Probability *Probability `json:"probability,omitempty"`

	// Schedule says in which minutes the step happens; always when empty.
	// +optional
	Schedule Schedule `json:"schedule,omitempty"`

	// Timeout is how long to wait for an answer of http or database. A
	// step that takes longer fails. 30s when empty.
	// +optional
	Timeout *Duration `json:"timeout,omitempty"`

	// IgnoreErrors goes on with the next step when this one has failed.
	// +optional
	IgnoreErrors bool `json:"ignoreErrors,omitempty"`

	// HTTP calls another service.
	// +optional
	HTTP *HTTP `json:"http,omitempty"`

	// Sleep waits and uses nothing.
	// +optional
	Sleep *Delay `json:"sleep,omitempty"`

	// CPU keeps one CPU busy.
	// +optional
	CPU *Delay `json:"cpu,omitempty"`

	// Cache looks something up in memory, and does more if it is not there.
	// +optional
	Cache *Cache `json:"cache,omitempty"`

	// Database queries a database.
	// +optional
	Database *Database `json:"database,omitempty"`

	// Log writes a log record.
	// +optional
	Log *Log `json:"log,omitempty"`

	// Error ends the request with an error.
	// +optional
	Error *Error `json:"error,omitempty"`

	// Leak keeps memory that nobody needs.
	// +optional
	Leak *Leak `json:"leak,omitempty"`
}

// HTTP calls an endpoint of a service of the game. An answer of 400 or more is a
// failure.
type HTTP struct {
	// Service to call.
	Service Name `json:"service"`

	// Path of one of its endpoints; / when empty.
	// +optional
	Path Path `json:"path,omitempty"`

	// Method of the request; GET when empty.
	// +optional
	Method Method `json:"method,omitempty"`

	// Retries is how often to try again after a failure; 0 when empty.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=10
	// +optional
	Retries int32 `json:"retries,omitempty"`

	// Backoff is how long to wait before each retry; not at all when empty.
	// +optional
	Backoff *Duration `json:"backoff,omitempty"`
}

// A Method of HTTP.
// +kubebuilder:validation:Enum=GET;HEAD;POST;PUT;PATCH;DELETE
type Method string

// Methods that a request can have.
const (
	MethodGet    Method = "GET"
	MethodHead   Method = "HEAD"
	MethodPost   Method = "POST"
	MethodPut    Method = "PUT"
	MethodPatch  Method = "PATCH"
	MethodDelete Method = "DELETE"
)

// A Delay is how long something takes: duration, give or take jitter, with the
// same chance for every value between.
type Delay struct {
	// Duration that it takes.
	Duration Duration `json:"duration"`

	// Jitter is how far it may be off in both directions, and not more than the
	// duration; 0 when empty.
	// +optional
	Jitter *Duration `json:"jitter,omitempty"`
}

// A Cache is memory that may or may not have what is looked for.
type Cache struct {
	// Name of the cache in traces and metrics.
	// +optional
	Name Name `json:"name,omitempty"`

	// MissProbability is how probable it is that the cache does not have it; 0%
	// when empty.
	// +optional
	MissProbability *Probability `json:"missProbability,omitempty"`

	// Hit is how long it takes when the cache has it; no time when empty.
	// +optional
	Hit *Delay `json:"hit,omitempty"`

	// Miss is how long it takes when it does not; no time when empty.
	// +optional
	Miss *Delay `json:"miss,omitempty"`
}

// A Database answers a query. No database runs: the query takes its time, and
// its span looks like one of a client.
type Database struct {
	// Name of the database.
	Name Name `json:"name"`

	// System is the kind of database; PostgreSQL when empty.
	// +optional
	System System `json:"system,omitempty"`

	// Operation of the query; SELECT when empty.
	// +optional
	Operation Operation `json:"operation,omitempty"`

	// Collection is the table or collection that is asked.
	// +optional
	Collection Name `json:"collection,omitempty"`

	// Query as it stands in traces, parameterised.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	Query string `json:"query,omitempty"`

	// Time that the query takes; no time when empty.
	// +optional
	Time *Delay `json:"time,omitempty"`

	// ErrorProbability is how probable it is that the query fails; 0% when
	// empty.
	// +optional
	ErrorProbability *Probability `json:"errorProbability,omitempty"`
}

// A System is a kind of database.
// +kubebuilder:validation:Enum=PostgreSQL;MySQL;MariaDB;MongoDB;Redis;Cassandra
type System string

// Systems of databases.
const (
	SystemPostgreSQL System = "PostgreSQL"
	SystemMySQL      System = "MySQL"
	SystemMariaDB    System = "MariaDB"
	SystemMongoDB    System = "MongoDB"
	SystemRedis      System = "Redis"
	SystemCassandra  System = "Cassandra"
)

// An Operation of a database.
// +kubebuilder:validation:Enum=SELECT;INSERT;UPDATE;DELETE;GET;SET
type Operation string

// Operations of databases.
const (
	OperationSelect Operation = "SELECT"
	OperationInsert Operation = "INSERT"
	OperationUpdate Operation = "UPDATE"
	OperationDelete Operation = "DELETE"
	OperationGet    Operation = "GET"
	OperationSet    Operation = "SET"
)

// A Log is a log record. It carries the trace of the request.
type Log struct {
	// Level of the record; Info when empty.
	// +optional
	Level Level `json:"level,omitempty"`

	// Message of the record.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Message string `json:"message"`
}

// A Level of a log record.
// +kubebuilder:validation:Enum=Debug;Info;Warn;Error
type Level string

// Levels of log records.
const (
	LevelDebug Level = "Debug"
	LevelInfo  Level = "Info"
	LevelWarn  Level = "Warn"
	LevelError Level = "Error"
)

// An Error ends a request.
type Error struct {
	// Code is the status of the answer.
	// +kubebuilder:validation:Minimum=400
	// +kubebuilder:validation:Maximum=599
	Code int32 `json:"code"`

	// Message says what is wrong.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	Message string `json:"message,omitempty"`
}

// A Leak keeps memory with every request. When the limit is reached the replica
// is as good as killed: it forgets everything, answers 503 and is not ready until
// it has started again.
type Leak struct {
	// KiBPerRequest that each request keeps.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1024
	KiBPerRequest int32 `json:"kibPerRequest"`

	// LimitMiB is where the replica breaks down; 64 when empty.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1024
	// +optional
	LimitMiB *int32 `json:"limitMiB,omitempty"`

	// RestartDelay is how long it takes until the replica is back; 5s when empty.
	// +optional
	RestartDelay *Duration `json:"restartDelay,omitempty"`
}

// A LoadGenerator sends requests as people do: each user sends them one after the
// other, and starts again at the end.
type LoadGenerator struct {
	// Name of the loader.
	Name Name `json:"name"`

	// Users who do so at the same time; 1 when empty.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	// +optional
	Users *int32 `json:"users,omitempty"`

	// ThinkTime is how long a user waits after each answer, 1s when empty.
	// +optional
	ThinkTime *Delay `json:"thinkTime,omitempty"`

	// Requests in their order.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +listType=atomic
	Requests []Request `json:"requests"`
}

// A Request of a loader.
type Request struct {
	// Service to call.
	Service Name `json:"service"`

	// Path to call; / when empty. One that the service does not have is a
	// mistake unless expectNotFound says that it is meant.
	// +optional
	Path Path `json:"path,omitempty"`

	// Method of the request; GET when empty.
	// +optional
	Method Method `json:"method,omitempty"`

	// ExpectNotFound allows a path that the service does not have: the answer is 404.
	// +optional
	ExpectNotFound bool `json:"expectNotFound,omitempty"`
}

// Chaos disturbs a service from time to time. Exactly one of interval and schedule
// says when it begins, exactly one of hang, latency and loss what happens. All
// replicas do it at the same time.
// +kubebuilder:validation:XValidation:rule="has(self.interval) != has(self.schedule)",message="give exactly one of interval and schedule"
// +kubebuilder:validation:XValidation:rule="[has(self.hang), has(self.latency), has(self.loss)].filter(x, x).size() == 1",message="give exactly one of hang, latency, loss"
type Chaos struct {
	// Name of the disturbance.
	Name Name `json:"name"`

	// Target is the service that is disturbed.
	Target Name `json:"target"`

	// Interval is the time from one beginning to the next. The first is at
	// midnight of 1 January 1970 UTC, so that everybody agrees.
	// +optional
	Interval *Duration `json:"interval,omitempty"`

	// Schedule says in which minutes it begins.
	// +optional
	Schedule Schedule `json:"schedule,omitempty"`

	// Duration is how long it lasts, at most an hour.
	Duration Duration `json:"duration"`

	// Hang lets requests wait until it is over.
	// +optional
	Hang *Hang `json:"hang,omitempty"`

	// Latency lets every request take longer.
	// +optional
	Latency *Delay `json:"latency,omitempty"`

	// Loss drops connections without an answer.
	// +optional
	Loss *Loss `json:"loss,omitempty"`
}

// A Hang lets requests wait until it is over.
type Hang struct{}

// A Loss drops connections.
type Loss struct {
	// Probability that a request gets no answer.
	Probability Probability `json:"probability"`
}
