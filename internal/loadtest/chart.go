package loadtest

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// Chart is a growth curve: what something costs, by how much of it there is.
type Chart struct {
	// File is the name of its picture, without a folder.
	File string
	// Title says what is drawn, Across and Up what is along the axes.
	Title, Across, Up string
	points            []point
}

type point struct{ x, y float64 }

// The size of a chart and of what is around the curve, in pixels.
const (
	chartWidth, chartHeight                          = 480, 260
	chartLeft, chartRight, chartTop, chartBottomEdge = 64, 20, 34, 44
)

// SVG draws the chart on a light ground; both axes begin at 0.
func (c *Chart) SVG() string {
	var most point
	for _, p := range c.points {
		most.x, most.y = max(most.x, p.x), max(most.y, p.y)
	}
	acrossStep, upStep := step(most.x), step(most.y)
	acrossEnd, upEnd := math.Max(most.x, acrossStep), math.Ceil(most.y/upStep)*upStep
	x := func(value float64) float64 {
		return chartLeft + value/acrossEnd*(chartWidth-chartLeft-chartRight)
	}
	const bottom = chartHeight - chartBottomEdge
	y := func(value float64) float64 { return bottom - value/upEnd*(bottom-chartTop) }

	var svg strings.Builder
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="11" fill="#333" role="img">`+"\n", chartWidth, chartHeight)
	fmt.Fprintf(&svg, "<title>%s</title>\n", html.EscapeString(c.Title))
	fmt.Fprintf(&svg, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", chartWidth, chartHeight)
	fmt.Fprintf(&svg, `<text x="%d" y="20" font-size="13" font-weight="bold">%s</text>`+"\n", chartLeft, html.EscapeString(c.Title))
	for value := 0.0; value <= upEnd*1.001; value += upStep {
		fmt.Fprintf(&svg, `<path d="M%d %.1fH%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n",
			chartLeft, y(value), chartWidth-chartRight, chartLeft-6, y(value)+4, significant(value))
	}
	for value := 0.0; value <= acrossEnd*1.001; value += acrossStep {
		fmt.Fprintf(&svg, `<text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", x(value), bottom+16, significant(value))
	}
	fmt.Fprintf(&svg, `<text x="%d" y="%d" text-anchor="end">%s</text>`+"\n", chartWidth-chartRight, chartHeight-8, html.EscapeString(c.Across))
	fmt.Fprintf(&svg, `<text transform="translate(13 %d) rotate(-90)" text-anchor="end">%s</text>`+"\n", chartTop, html.EscapeString(c.Up))
	var path strings.Builder
	for i, p := range c.points {
		command := "L"
		if i == 0 {
			command = "M"
		}
		fmt.Fprintf(&path, "%s%.1f %.1f", command, x(p.x), y(p.y))
	}
	fmt.Fprintf(&svg, `<path d="%s" fill="none" stroke="#1f6fb2" stroke-width="2"/>`+"\n", &path)
	for _, p := range c.points {
		fmt.Fprintf(&svg, `<circle cx="%.1f" cy="%.1f" r="3.5" fill="#1f6fb2"><title>%s: %s</title></circle>`+"\n", x(p.x), y(p.y), significant(p.x), significant(p.y))
	}
	svg.WriteString("</svg>\n")
	return svg.String()
}

// step is the distance of about five marks up to most, as 1, 2 or 5 with zeros.
func step(most float64) float64 {
	if most <= 0 {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(most/5)))
	for _, times := range []float64{1, 2, 5} {
		if most/(unit*times) <= 6 {
			return unit * times
		}
	}
	return unit * 10
}
