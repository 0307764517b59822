package app

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/webhooks"
	"github.com/partnergraph/partnergraph/store/jobs"
)

// httpMetrics are what /metrics tells of requests.
type httpMetrics struct {
	registry   *prometheus.Registry
	duration   *prometheus.HistogramVec
	operations *prometheus.HistogramVec
	rejected   *prometheus.CounterVec
	webhooks   *prometheus.HistogramVec
	waiting    prometheus.Gauge
	jobs       *prometheus.HistogramVec
	jobsDead   prometheus.Gauge
	jobsOldest prometheus.Gauge
}

func newMetrics() *httpMetrics {
	m := &httpMetrics{
		registry: prometheus.NewRegistry(),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "partnergraph", Name: "http_request_duration_seconds", Help: "Time to answer a request.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"route", "method", "status"}),
		operations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "partnergraph", Name: "graphql_operation_duration_seconds", Help: "Time to execute a GraphQL operation.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"operation", "outcome"}),
		rejected: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "partnergraph", Name: "graphql_errors_total", Help: "GraphQL errors by code.",
		}, []string{"code"}),
		webhooks: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "partnergraph", Name: "webhook_attempt_duration_seconds", Help: "Time of an attempt to deliver a webhook, by outcome and whether there is another attempt.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 15},
		}, []string{"outcome", "again"}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: "partnergraph", Name: "webhook_oldest_due_seconds", Help: "How long the oldest webhook delivery to an enabled endpoint has been due.",
		}),
	}
	m.jobs = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: "partnergraph", Name: "job_attempt_duration_seconds", Help: "Time of an attempt to carry a job out, by kind and outcome.",
		Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
	}, []string{"kind", "outcome"})
	m.jobsDead = prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: "partnergraph", Name: "jobs_dead", Help: "Jobs that failed at every attempt and wait for an operator.",
	})
	m.jobsOldest = prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: "partnergraph", Name: "job_oldest_due_seconds", Help: "How long the oldest job that no replica has taken has been due.",
	})
	m.registry.MustRegister(m.jobs, m.jobsDead, m.jobsOldest, m.duration, m.operations, m.rejected, m.webhooks, m.waiting, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *httpMetrics) observe(route, method string, status int, took time.Duration) {
	m.duration.WithLabelValues(route, method, strconv.Itoa(status)).Observe(took.Seconds())
}

var _ webhooks.Meter = (*httpMetrics)(nil)

// Attempted measures an attempt to deliver a webhook.
func (m *httpMetrics) Attempted(outcome string, again bool, took time.Duration) {
	m.webhooks.WithLabelValues(outcome, strconv.FormatBool(again)).Observe(took.Seconds())
}

// Waiting says how long the oldest webhook delivery has been due.
func (m *httpMetrics) Waiting(oldest time.Duration) { m.waiting.Set(oldest.Seconds()) }

var _ jobs.Meter = (*httpMetrics)(nil)

// JobRan measures an attempt to carry a job out.
func (m *httpMetrics) JobRan(kind models.JobKind, outcome string, took time.Duration) {
	m.jobs.WithLabelValues(string(kind), outcome).Observe(took.Seconds())
}

// jobsStand says how the queue stands.
func (m *httpMetrics) jobsStand(standing jobs.Standing) {
	m.jobsDead.Set(float64(standing.Dead))
	m.jobsOldest.Set(standing.OldestDue.Seconds())
}

func (m *httpMetrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
