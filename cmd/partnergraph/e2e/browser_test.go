//go:build e2e

package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// startBrowser starts one headless Chromium and returns how to get a visitor with a cookie jar of its own.
func startBrowser(t *testing.T, shots string) func(t *testing.T) *visitor {
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Fatal("the end-to-end test needs a browser: put chromium, chromium-browser or google-chrome into PATH")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1280, 800), chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("lang", "en-US"))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	browser, closeBrowser := chromedp.NewContext(allocator)
	t.Cleanup(func() { closeBrowser(); stop() })
	if err := chromedp.Do(browser); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return func(t *testing.T) *visitor {
		t.Helper()
		ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
		ctx, cancelLate := context.WithTimeout(ctx, 3*time.Minute)
		t.Cleanup(func() { cancelLate(); cancel() })
		v := &visitor{t: t, ctx: ctx, shots: shots}
		v.do(chromedp.EmulateViewport(1280, 800))
		return v
	}
}

// visitor is a person at a browser.
type visitor struct {
	t     *testing.T
	ctx   context.Context
	shots string
}

// in is the same person in a part of the test.
func (v *visitor) in(t *testing.T) *visitor {
	return &visitor{t: t, ctx: v.ctx, shots: v.shots}
}

func (v *visitor) do(steps ...chromedp.Action[chromedp.Void]) {
	v.t.Helper()
	if err := chromedp.Do(v.ctx, steps...); err != nil {
		v.shot("failed")
		v.t.Fatalf("%v, at %s", err, v.eval("location.href"))
	}
}

// eval returns what an expression gives as text; "" while a page is changing.
func (v *visitor) eval(expression string) string {
	text, err := chromedp.Run(v.ctx, chromedp.Evaluate[string]("String("+expression+")"))
	if err != nil {
		return ""
	}
	return text
}

func (v *visitor) visit(address string) {
	v.t.Helper()
	v.do(chromedp.Navigate(address))
}

func (v *visitor) click(selector string) {
	v.t.Helper()
	v.do(chromedp.Click(chromedp.CSS(selector)))
}

func (v *visitor) fill(selector, value string) {
	v.t.Helper()
	v.do(chromedp.Clear(chromedp.CSS(selector)), chromedp.SendKeys(chromedp.CSS(selector), value))
}

// text returns what a person reads in the first element that matches, "" when there is none.
func (v *visitor) text(selector string) string {
	return v.eval(fmt.Sprintf("(document.querySelector(%q)?.innerText ?? '').trim()", selector))
}

func (v *visitor) count(selector string) string {
	return v.eval(fmt.Sprintf("document.querySelectorAll(%q).length", selector))
}

// lands waits until the browser has loaded the page at an address, its query aside, that shows an element.
func (v *visitor) lands(address, selector string) {
	v.t.Helper()
	arrived := fmt.Sprintf("location.origin + location.pathname === %q && document.readyState === 'complete' && document.querySelector(%q) !== null", address, selector)
	limit := time.Now().Add(15 * time.Second)
	for v.eval(arrived) != "true" {
		if time.Now().After(limit) {
			v.shot("failed")
			v.t.Fatalf("the browser is at %s, not at %s with %s; it shows:\n%s", v.eval("location.href"), address, selector, v.text("body"))
		}
		time.Sleep(30 * time.Millisecond)
	}
}

// refused checks the error page: its code, its status, and that it gives the support id.
func (v *visitor) refused(code string, status int) {
	v.t.Helper()
	limit := time.Now().Add(15 * time.Second)
	for v.eval("document.readyState") != "complete" || v.text("dd.mono") != code {
		if time.Now().After(limit) {
			v.shot("failed")
			v.t.Fatalf("the browser is at %s, not at the error page with %s; it shows:\n%s", v.eval("location.href"), code, v.text("body"))
		}
		time.Sleep(30 * time.Millisecond)
	}
	if got := v.status(); got != fmt.Sprint(status) {
		v.t.Errorf("the page with %s has status %s, not %d", code, got, status)
	}
	if len(v.text("dd.mono ~ dd.mono")) != 32 {
		v.t.Errorf("the page with %s gives no support id:\n%s", code, v.text("main"))
	}
	v.shot("error-" + strings.ToLower(code))
}

// status is the HTTP status of the page that is shown.
func (v *visitor) status() string {
	return v.eval("performance.getEntriesByType('navigation')[0].responseStatus")
}

// shot keeps a picture of the whole page.
func (v *visitor) shot(name string) {
	v.t.Helper()
	v.keep(name, chromedp.FullScreenshot(100))
}

// window keeps a picture of what fits the window.
func (v *visitor) window(name string) {
	v.t.Helper()
	v.keep(name, chromedp.CaptureScreenshot())
}

func (v *visitor) keep(name string, take chromedp.Action[[]byte]) {
	v.t.Helper()
	picture, err := chromedp.Run(v.ctx, take)
	if err == nil {
		err = os.WriteFile(filepath.Join(v.shots, name+".png"), picture, 0o644)
	}
	if err != nil {
		v.t.Errorf("picture %s: %v", name, err)
	}
}

// cookies are what the browser would send to an address.
func (v *visitor) cookies(address string) []*http.Cookie {
	v.t.Helper()
	found, err := chromedp.Call(v.ctx, network.GetCookies, network.GetCookiesParams{URLs: []string{address}})
	if err != nil {
		v.t.Fatal(err)
	}
	var cookies []*http.Cookie
	for _, c := range found.Cookies {
		cookies = append(cookies, &http.Cookie{Name: c.Name, Value: c.Value})
	}
	return cookies
}

// atConsumer holds the browser's next post to our assertion consumer and sends what change makes of it; nil drops it.
// This is the place of whoever sits between the identity provider and us: the person at the browser.
func (v *visitor) atConsumer(change func(form url.Values) url.Values) {
	v.t.Helper()
	ctx, cancel := context.WithCancel(v.ctx)
	err := chromedp.Listen(ctx, func(event any) {
		paused, ok := event.(*fetch.EventRequestPaused)
		if !ok {
			return
		}
		// The browser's events are handed over one by one, so whatever calls it back has to leave first.
		go func() {
			defer cancel()
			v.answer(paused, change)
		}()
	})
	if err == nil {
		_, err = chromedp.Call(v.ctx, fetch.Enable, fetch.EnableParams{Patterns: []*fetch.RequestPattern{{URLPattern: "*/saml/sp/*/acs"}}})
	}
	if err != nil {
		v.t.Fatal(err)
	}
}

func (v *visitor) answer(paused *fetch.EventRequestPaused, change func(url.Values) url.Values) {
	var body []byte
	for _, part := range paused.Request.PostDataEntries {
		body = append(body, part.Bytes...)
	}
	form, err := url.ParseQuery(string(body))
	if err == nil {
		if form = change(form); form == nil {
			_, err = chromedp.Call(v.ctx, fetch.FailRequest, fetch.FailRequestParams{RequestID: paused.RequestID, ErrorReason: network.ErrorReasonAborted})
		} else {
			_, err = chromedp.Call(v.ctx, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: paused.RequestID, PostData: []byte(form.Encode())})
		}
	}
	if err == nil {
		_, err = chromedp.Call(v.ctx, fetch.Disable, cdp.Empty{})
	}
	if err != nil {
		v.t.Errorf("hold the post to the assertion consumer: %v", err)
	}
}

// post lets the browser post a form from another site.
func (v *visitor) post(address string, form url.Values) {
	v.t.Helper()
	var script strings.Builder
	fmt.Fprintf(&script, "(() => { const form = document.createElement('form'); form.method = 'post'; form.action = %q;", address)
	for name, values := range form {
		fmt.Fprintf(&script, "{ const field = document.createElement('input'); field.type = 'hidden'; field.name = %q; field.value = %q; form.append(field); }", name, values[0])
	}
	script.WriteString("document.body.append(form); form.submit(); return 'sent'; })()")
	if v.eval(script.String()) != "sent" {
		v.t.Fatal("the browser did not take the form")
	}
}

func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
