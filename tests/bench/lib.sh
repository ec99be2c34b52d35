# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# What the tests of the benchmarks share, on top of tests/lib.sh.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
# shellcheck disable=SC2034 # for the scripts
BENCH=$TESTDIR/../bench

# own_job FILE: a job as a user may write it, without depth and number from outside
own_job() {
	cat >"$1" <<-'E'
		[mixed]
		filename=${FILE}
		size=1m
		ioengine=libaio
		direct=1
		rw=randrw
		bs=8k
		number_ios=50
	E
}

# report_is_right HTML FIGURES: it is well-formed, HTML5 without an error, needs nothing from elsewhere, and its tables
# have the medians of the figures
report_is_right() {
	python3 - "$1" "$2" <<-'P'
		import html5lib, json, re, statistics, sys
		import xml.etree.ElementTree as ET
		html, figures = sys.argv[1:]
		html5lib.HTMLParser(strict=True).parse(open(html, "rb"))
		text = open(html, encoding="utf-8").read()
		page = ET.fromstring(text)		# all of it, SVGs included
		ids = [e.get("id") for e in page.iter() if e.get("id")]
		assert len(ids) == len(set(ids)), "an id twice"
		tags = [e.tag.rpartition("}")[2] for e in page.iter()]
		assert not set(tags) & {"script", "link", "img", "iframe", "object", "image"}, "not self-contained"
		for e in page.iter():
		    for name, value in e.attrib.items():
		        assert not re.search(r"(href|src)$", name) or value[0] == "#", (name, value)
		        if value.startswith("#") and name.endswith("href"):
		            assert value[1:] in ids, value
		assert not re.search(r"url\((?!#)|@import|@PLOT", text), "something from elsewhere, or a plot missing"
		svgs = [e for e in page.iter() if e.tag.endswith("}svg")]
		assert svgs and all(list(s.iter("{http://www.w3.org/2000/svg}path")) for s in svgs), "no plots, or empty ones"

		rows = [r for r in map(json.loads, open(figures, encoding="utf-8")) if "cell" in r]
		contenders = list(dict.fromkeys(r["contender"] for r in rows))
		ns = "{http://www.w3.org/1999/xhtml}"
		titles = {"IOPS": ("iops", 1), "Throughput, MiB/s": ("bytes_per_s", 1048576),
			  "Latency p50, us": ("lat_ns_p50", 1000), "Latency p99.9, us": ("lat_ns_p999", 1000),
			  "CPU per I/O, us": ("cpu_us_per_io", 1)}
		seen = 0
		for table in page.iter(ns + "table"):
		    metric, div = titles.get(table.find(ns + "caption").text, (None, 1))
		    if not metric:
		        continue
		    assert [th.text for th in table.find(ns + "thead").iter(ns + "th")][1:] == contenders
		    for tr in table.find(ns + "tbody"):
		        for c, td in zip(contenders, tr.findall(ns + "td")):
		            want = statistics.median(r[metric] for r in rows
		                                     if r["cell"] == tr.find(ns + "th").text and r["contender"] == c) / div
		            data = td.find(ns + "data")
		            assert abs(float(data.get("value")) - want) <= 1e-9 * want, (c, metric, want, data.get("value"))
		            assert abs(float(data.text) - want) <= .01 * want + .5, (data.text, want)
		            seen += 1
		cells = {r["cell"] for r in rows}
		print(len(svgs), "plots,", seen, "numbers")
		assert seen == len(titles) * len(cells) * len(contenders), seen
	P
}
