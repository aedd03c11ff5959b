package monitor

import (
	"fmt"
	"strings"
	"time"
)

// The size of a plot in its own units: one minute is four wide.
const (
	plotWidth  = 4 * hour
	plotHeight = 60
)

// plot is a small picture of one or two figures over the last hour.
type plot struct {
	Title string
	// Unit follows the figures.
	Unit   string
	Series []series
	// Top is the largest value of all, as text.
	Top     string
	Minutes []minute
}

// series is one figure of a plot.
type series struct {
	Name string
	// Now is the newest value as text.
	Now string
	// Line and Area are SVG paths.
	Line, Area string
}

// minute is what a plot says of one minute when it is pointed at.
type minute struct {
	X    int
	Text string
}

// Summary says in words what the plot shows.
func (p plot) Summary() string {
	if len(p.Minutes) == 0 {
		return p.Title + ": no figures yet"
	}
	var now []string
	for _, s := range p.Series {
		now = append(now, strings.TrimSpace(s.Now+" "+s.Name))
	}
	return fmt.Sprintf("%s: %s now, at most %s%s within the last hour", p.Title, strings.Join(now, ", "), p.Top, p.Unit)
}

// figure is one value of a sample and how it is called.
type figure struct {
	name  string
	value func(*sample) float64
	text  func(float64) string
}

// newPlot draws figures of samples, the newest at the right edge.
func newPlot(title, unit string, samples []sample, figures ...figure) plot {
	p := plot{Title: title, Unit: unit}
	top := 0.0
	for i := range samples {
		for _, f := range figures {
			top = max(top, f.value(&samples[i]))
		}
	}
	p.Top = figures[0].text(top)
	for _, f := range figures {
		s := series{Name: f.name}
		if len(samples) > 0 {
			s.Now = f.text(f.value(&samples[len(samples)-1]))
			s.Line = path(samples, f.value, top)
			s.Area = fmt.Sprintf("%sV%dH%dZ", s.Line, plotHeight, column(0, len(samples)))
		}
		p.Series = append(p.Series, s)
	}
	for i := range samples {
		var said []string
		for _, f := range figures {
			said = append(said, strings.TrimSpace(f.text(f.value(&samples[i]))+" "+f.name))
		}
		p.Minutes = append(p.Minutes, minute{
			X:    column(i, len(samples)) - 2,
			Text: samples[i].at.Format("15:04") + ": " + strings.Join(said, ", "),
		})
	}
	return p
}

// column is where a sample stands of so many.
func column(i, count int) int { return plotWidth - 4*(count-1-i) - 2 }

// path is the line through the values, as an SVG path. The line of a largest value
// does not touch the upper edge.
func path(samples []sample, value func(*sample) float64, top float64) string {
	const margin = 3
	var b strings.Builder
	for i := range samples {
		y := float64(plotHeight)
		if top > 0 {
			y -= value(&samples[i]) / top * (plotHeight - margin)
		}
		command := "L"
		if i == 0 {
			command = "M"
		}
		fmt.Fprintf(&b, "%s%d %.1f", command, column(i, len(samples)), y)
	}
	return b.String()
}

// whole writes a number of things, large ones in thousands and millions.
func whole(value float64) string {
	switch {
	case value >= 10e6:
		return fmt.Sprintf("%.0f M", value/1e6)
	case value >= 10e3:
		return fmt.Sprintf("%.0f k", value/1e3)
	}
	return fmt.Sprintf("%.0f", value)
}

// duration writes seconds as people read them.
func duration(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d == 0:
		return "–"
	case d < time.Millisecond:
		return fmt.Sprintf("%.2g ms", float64(d)/float64(time.Millisecond))
	case d < time.Second:
		return fmt.Sprintf("%.3g ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%.3g s", d.Seconds())
}

// plots are those of the status page.
func plots(samples []sample) []plot {
	number := func(name string, value func(*sample) uint64) figure {
		return figure{name, func(s *sample) float64 { return float64(value(s)) }, whole}
	}
	return []plot{
		newPlot("Stanzas", " a minute", samples,
			number("in", func(s *sample) uint64 { return s.stanzasIn }), number("out", func(s *sample) uint64 { return s.stanzasOut })),
		newPlot("IRC lines", " a minute", samples,
			number("in", func(s *sample) uint64 { return s.linesIn }), number("out", func(s *sample) uint64 { return s.linesOut })),
		newPlot("Users and connections", "", samples,
			number("users", func(s *sample) uint64 { return uint64(s.users) }), number("connections", func(s *sample) uint64 { return uint64(s.online) })),
		newPlot("Requests refused", " a minute", samples, number("refused", func(s *sample) uint64 { return s.refusals })),
		newPlot("Faults", " a minute", samples, number("faults", func(s *sample) uint64 { return s.faults })),
		newPlot("Time through the gateway", "", samples,
			figure{"for 99 of 100", func(s *sample) float64 { return s.slowest.Seconds() }, duration}),
	}
}
