package monitor

import (
	"image"
	"image/color"
	"image/png"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// browsers are the programs that take screenshots without a screen. The whole Chromium
// is none of them: its windows are never as narrow as a phone.
var browsers = []string{"chromium-headless-shell", "chrome-headless-shell", "headless_shell"}

// schemes are how Chromium is told which colours are preferred.
var schemes = map[string]string{"light": "1", "dark": "0"}

// The page as a browser shows it: in the colours of light and dark, and within the
// width of a screen and of a phone. PASSERELLE_SCREENSHOTS names a folder to keep
// the pictures in.
func TestStatusPageInABrowser(t *testing.T) {
	browser := ""
	for _, name := range browsers {
		if found, err := exec.LookPath(name); err == nil {
			browser = found
			break
		}
	}
	if browser == "" {
		t.Skip("no headless Chromium is installed, so nobody looked at the status page: apt-get install chromium-headless-shell")
	}
	folder := os.Getenv("PASSERELLE_SCREENSHOTS")
	if folder == "" {
		folder = t.TempDir()
	}
	w := newWorld(t)
	h := w.busyHour()
	server := httptest.NewServer(h)
	defer server.Close()
	pages := map[color.RGBA]string{}
	for scheme, preferred := range schemes {
		for name, size := range map[string][2]int{"screen": {1200, 1500}, "phone": {390, 2600}} {
			file := filepath.Join(folder, "status-"+scheme+"-"+name+".png")
			shoot(t, browser, server.URL, file, preferred, size)
			picture := readPicture(t, file)
			if bounds := picture.Bounds(); bounds.Dx() != size[0] || bounds.Dy() != size[1] {
				t.Errorf("%s %s: a picture of %v", scheme, name, bounds)
			}
			page := colourAt(picture, 1, 1)
			if other, shown := pages[page]; shown && other != scheme {
				t.Errorf("%s has the colours of %s", scheme, other)
			}
			pages[page] = scheme
			inOrder(t, scheme+" "+name, picture, page)
		}
	}
}

// inOrder looks for content, and for content that goes beyond the right edge.
func inOrder(t *testing.T, name string, picture image.Image, page color.RGBA) {
	t.Helper()
	colours := make(map[color.RGBA]bool)
	bounds := picture.Bounds()
	for y := range bounds.Dy() {
		if got := colourAt(picture, bounds.Dx()-1, y); got != page {
			t.Errorf("%s: something reaches the right edge %d pixels from above", name, y)
			return
		}
		for x := range bounds.Dx() {
			colours[colourAt(picture, x, y)] = true
		}
	}
	if len(colours) < 20 {
		t.Errorf("%s: a picture of %d colours shows nothing", name, len(colours))
	}
}

func shoot(t *testing.T, browser, address, file, scheme string, size [2]int) {
	t.Helper()
	command := exec.CommandContext(t.Context(), browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
		"--user-data-dir="+t.TempDir(), "--force-device-scale-factor=1", "--blink-settings=preferredColorScheme="+scheme,
		"--window-size="+strconv.Itoa(size[0])+","+strconv.Itoa(size[1]), "--screenshot="+file, address)
	command.WaitDelay = 10 * time.Second
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
}

func readPicture(t *testing.T, file string) image.Image {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	picture, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

func colourAt(picture image.Image, x, y int) color.RGBA {
	return color.RGBAModel.Convert(picture.At(x, y)).(color.RGBA)
}
