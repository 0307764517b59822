package pages

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/text/language"
)

// lang is one language of the catalogue.
type lang struct {
	// tag is what the html element and Content-Language say.
	tag string
	// text maps a key to its words; {0}, {1} … stand for arguments.
	text map[string]string
}

// languages returns the tags in the order of the matcher; the first is what
// visitors get whose languages we do not speak.
func languages() []language.Tag { return []language.Tag{language.English, language.SimplifiedChinese} }

// loadLanguages reads the catalogue, one language for each of languages().
func loadLanguages() ([]*lang, error) {
	var list []*lang
	for _, l := range []struct{ tag, file string }{{"en", "en"}, {"zh-CN", "zh"}} {
		raw, err := embedded.ReadFile("catalogue/" + l.file + ".json")
		if err != nil {
			return nil, err
		}
		text := make(map[string]string)
		if err := json.Unmarshal(raw, &text); err != nil {
			return nil, fmt.Errorf("catalogue %s: %w", l.file, err)
		}
		list = append(list, &lang{tag: l.tag, text: text})
	}
	return list, nil
}

// say returns the words of key with its arguments in place. A missing key is an
// error, which the test of every page finds before a visitor does.
func (l *lang) say(key string, args ...string) (string, error) {
	s, ok := l.text[key]
	if !ok {
		return "", fmt.Errorf("no words for %q in %s", key, l.tag)
	}
	if len(args) == 0 {
		return s, nil
	}
	pairs := make([]string, 0, 2*len(args))
	for i, a := range args {
		pairs = append(pairs, "{"+strconv.Itoa(i)+"}", a)
	}
	// One pass: an argument that looks like a placeholder stays as it is.
	return strings.NewReplacer(pairs...).Replace(s), nil
}

// sayOr returns the words of group.code, or those of the fallback key; with an
// empty fallback, the code itself. For codes that come from elsewhere.
func (l *lang) sayOr(fallback, group, code string) (string, error) {
	if s, ok := l.text[group+"."+code]; ok {
		return s, nil
	}
	if fallback == "" {
		return code, nil
	}
	return l.say(fallback)
}

// of returns which of two texts is in this language.
func (l *lang) of(en, zh string) string {
	if l.tag == "en" {
		return en
	}
	return zh
}

// choose returns the index of the language that fits Accept-Language best.
func choose(m language.Matcher, r *http.Request) int {
	// A broken header yields no tags, and so the first language.
	tags, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil {
		tags = nil
	}
	_, index, _ := m.Match(tags...)
	return index
}
