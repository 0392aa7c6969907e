#!/usr/bin/python3
"""Pages and pictures from outside: well-formed, self-contained, and hostile text is only text.

    test_page.py DEMO-PAGE      the program of tests/browser/demo_page.c
"""
import base64
import hashlib
import json
import re
import subprocess
import sys
import zlib
import xml.etree.ElementTree as etree
from html.parser import HTMLParser

import tap

DEMO = sys.argv[1]
SVG = "{http://www.w3.org/2000/svg}"
VOID = {"meta", "link", "br", "img", "hr", "input"}
# What would get out of a place that forgot to escape, and bytes that are no text.
HOSTILE = [b"</script><script>alert(1)</script>", b"<img src=x onerror=alert(1)>", b"\" onload=\"alert(1)\" x=\"", b"' onload='alert(1)",
           b"&lt;b&gt; &amp; &#60;", b"]]>", b"-->", b"<!--", b"</title></desc></text></style>", b"\xff\xfe\x80 \xc3", b"\xed\xa0\x80",
           b"\xef\xbf\xbe\xef\xbf\xbf", b"\x01\x1b[31m\x7f\xc2\x85", "\u2028\u2029".encode(), b"x" * 5000 + b"<b>", "\u00e9<".encode() * 700,
           b"url(http://x.y/)", b"<"]


def write(form, *arguments):
    return subprocess.run([DEMO, form, *arguments], check=True, stdout=subprocess.PIPE).stdout


def page(*arguments):
    return write("html", *arguments).decode()


class Outline(HTMLParser):
    """The elements of a page with their attributes, and its text; complains of what is not closed."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.text = [], [], {}
        self.feed(text)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs), f"an attribute twice: {tag} {attrs}"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> in {self.open}"
        self.open.pop()

    def handle_data(self, data):
        for tag in set(self.open):
            self.text[tag] = self.text.get(tag, "") + data

    def all(self, tag):
        return [attrs for name, attrs in self.elements if name == tag]


def sources(policy, directive):
    return re.search(rf"{directive} ([^;]*)", policy)[1].split()


def test_a_page_is_well_formed():
    outline = Outline(page())
    ids = [attrs["id"] for _, attrs in outline.elements if "id" in attrs]
    assert len(ids) == len(set(ids)), "an id twice"
    for _, attrs in outline.elements:
        if "aria-describedby" in attrs:
            assert attrs["aria-describedby"] in ids, attrs
    assert outline.all("html") == [{"lang": "en"}] and len(outline.all("h1")) == 1
    assert len(outline.all("table")) == 3 and len(outline.all("svg")) == 4 and len(outline.all("details")) == 1
    assert all(attrs.get("scope") in ("col", "row", "colgroup") for attrs in outline.all("th"))
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in outline.all("meta")


def test_a_page_stands_alone():
    text = page()
    outline = Outline(text)
    policy = next(attrs["content"] for attrs in outline.all("meta") if attrs.get("http-equiv") == "Content-Security-Policy")
    assert sources(policy, "default-src") == ["'none'"], policy
    hashed = {tag: base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
              for tag in ("style", "script") for code in re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.S)}
    for tag, code in hashed.items():
        assert sources(policy, f"{tag}-src") == [f"'sha256-{code}'"], policy
    assert len(outline.all("style")) == 1 and len(outline.all("script")) == 2
    for tag, attrs in outline.elements:
        for name, value in attrs.items():
            assert name not in ("src", "style", "srcset", "action") and not name.startswith("on"), (tag, attrs)
            assert "href" not in name or value.startswith("#"), (tag, attrs)
            assert "http" not in (value or "") and "url(" not in (value or ""), (tag, attrs)
    for foreign in ("url(", "@import", "http://", "https://", "fetch(", "import("):
        assert foreign not in text.replace("http://www.w3.org/2000/svg", ""), foreign


def test_the_result_is_inside_as_it_was():
    text = page()
    inside = re.search('<script type="application/json" id="vcost-result">(.*?)</script>', text, re.S)[1]
    assert json.loads(inside) == {"schema": "vcost.result/1", "command": ["vcost", "</script><b>\"\\"], "text": "\u2028 a \u2029"}
    assert not set(inside) & {"<", "\n", "\u2028", "\u2029"}, inside
    assert "vcost-result" not in page("empty")


def test_the_same_document_gives_the_same_bytes():
    for form in ("html", "svg"):
        assert write(form) == write(form), form


def test_hostile_text_is_only_text():
    usual, drawn = page("full", "word"), etree.fromstring(write("svg", "full", "word"))
    shape = [(tag, sorted(attrs)) for tag, attrs in Outline(usual).elements]
    for word in HOSTILE:
        text = page("full", word)
        outline = Outline(text)
        # Where a long name leaves no room in a chart texts go, and the legend takes more lines.
        kept = [[each for each in elements if each[0] not in ("path", "text")]
                for elements in (shape, [(tag, sorted(attrs)) for tag, attrs in outline.elements])]
        assert kept[0] == kept[1], word[:40]
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\ufffe\uffff]", text), word[:40]
        picture = etree.fromstring(write("svg", "full", word))
        assert {each.tag for each in picture.iter()} == {each.tag for each in drawn.iter()}, word[:40]
        assert {name for each in picture.iter() for name in each.attrib} == {name for each in drawn.iter() for name in each.attrib}, word[:40]
        clean = "".join(c if c >= " " and not "\x7f" <= c <= "\x9f" else " " for c in word.decode(errors="ignore")
                        if c not in "\ufffe\uffff")
        assert clean[:40] in outline.text["li"], (word[:40], "is not shown")


def test_what_is_wrong_is_stamped():
    text = page("stamped")
    assert "<p class=stamp role=note>incomplete: stopped by the user</p>" in text
    for picture in (text, write("svg", "stamped").decode()):
        stamps = re.findall(r'<g class="stamp"[^>]*><text[^>]*>([^<]*)<', picture)
        assert stamps == ["incomplete: stopped by the user", "too disturbed to tell"] + ["incomplete: stopped by the user"] * 2, stamps
    assert len(re.findall('class="stamp"', page())) == 1


def test_details_are_folded_and_others_are_not():
    text = page()
    folded = re.search("<details>.*</details>", text, re.S)[0]
    assert re.match("<details><summary><h2 id=part-3>How it was measured</h2></summary>", folded)
    assert "592 samples" in folded and '<table aria-label="machine">' in folded and "To change" not in folded


def test_a_picture_says_what_it_shows():
    picture = etree.fromstring(write("svg"))
    said = " ".join(each.text or "" for each in picture.iter(f"{SVG}text"))
    for words in ("Memory access in a guest costs up to 9 % here.", "part of the baseline", "Slowdown over native", "L1d 32K", "L3 32M",
                  "measured", "reported", "+10 %", "64K", "1G", "working set (bytes)", "ns per access", "Bands: 95 % intervals",
                  "What leaving the guest costs", "timer", "10 µs", "too disturbed to tell", "vcost "):
        assert words in said, words
    width, height = (float(each) for each in picture.get("viewBox").split()[2:])
    ends = [float(each.get("y")) + float(each.get("height")) for each in picture.findall(f"{SVG}svg")]
    assert len(ends) == 4 and ends == sorted(ends) and ends[-1] < height and width == 800


def test_an_empty_document_is_a_page():
    outline = Outline(page("empty"))
    assert outline.text["h1"] == "vcost" and not outline.all("table")


def test_ten_thousand_rows_with_their_result_are_less_than_five_megabytes():
    text = write("html", "many")
    assert text.count(b"<tr>") > 10000
    assert len(text) < 5e6, len(text)
    packed = re.search(b'<script type="application/zlib" id="vcost-result">(.*?)</script>', text, re.S)[1]
    inside = json.loads(zlib.decompress(base64.b64decode(packed)))
    assert len(inside["cells"]) == 10000 and inside["cells"][9]["id"] == "chase/kvm/random/4672/64/4096/4096"


tap.main(tap.cases(globals()))
