// Package browser has no code, only tests: a real Chromium opens the console of the program as people have it, built and started with
//
//	fundledger serve --sample --http 127.0.0.1:0
//
// They stand here and not in cmd/fundledger, so that both run at the same time.
//
// What holds of every page that any of these tests opens: nothing is written to the console as an error or a warning, no exception is thrown, the Content-Security-Policy is not
// violated, no dialog opens, and nothing is asked of another host than the server. A test that makes one of these happen, as one that stops the server, says which.
//
// They need Chromium, and axe-core, which is fetched once from the npm registry (or the one that npm_config_registry names), held against its hash and kept in the
// user's cache. Where one cannot be had the tests are skipped and say so; with FUNDLEDGER_REQUIRE=all or =browser they fail.
//
// With FUNDLEDGER_SHOTS=DIR, go test -run Shots leaves pictures of every screen in DIR: wide and narrow, Chinese and English, light and dark, and printed.
package browser
