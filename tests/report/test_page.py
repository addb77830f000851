"""The page asks nothing of the network, runs nothing, hides nothing; and what a record lacks is said."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser

import numpy as np
import pytest

from curriculum_bandits import cli
from curriculum_bandits.report import read_record, write_report
from curriculum_bandits.report._figures import figures_of, group_style, group_utility, main_metric
from curriculum_bandits.report._page import headlines, most_and_least
from curriculum_bandits.report._reading import Evaluation

from .conftest import begin, cost, draw, evaluation, regret
from .simulated import simulate, write_large

NASTY = "<script>alert(1)</script> \"'><img src=x onerror=alert(1)> & {{ 7 * 7 }} $x^2$ "
NASTY += "\u202egnp.exe\u2066 \x00\x1b[31m \ud800 ]]>"


class Elements(HTMLParser):
    """Every tag with its attributes, the text, and whether what is opened is closed."""

    VOID = frozenset({"meta", "link", "img", "br", "hr", "input"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    return simulate(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def page(simulated):
    return write_report(simulated.parent).read_text(encoding="utf-8")


def page_about(path):
    return write_report(path).read_text(encoding="utf-8")


def test_a_page_is_one_file_that_loads_and_runs_nothing(page):
    elements = Elements(page)
    assert not elements.open
    assert not {"script", "link", "iframe", "object", "embed", "form", "base"} & {tag for tag, _ in elements.tags}
    for tag, attributes in elements.tags:
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            if name in ("src", "href", "xlink:href", "srcset", "action"):
                assert (value or "").startswith(("data:image/png;base64,", "#")), (tag, name, value)
    assert "@import" not in page
    assert set(re.findall(r"url\(([^)]{1,1})", page)) <= {"#"}
    policy = next(a["content"] for tag, a in elements.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")
    assert len(page) < 1_500_000


def test_every_reference_within_the_page_has_its_target_and_no_id_is_there_twice(page):
    ids = re.findall(r'\bid="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    references = set(re.findall(r'href="#([^"]*)"', page)) | set(re.findall(r"url\(#([^)]*)\)", page))
    assert references
    assert references <= set(ids)


def test_every_figure_has_a_caption_and_words_for_those_who_do_not_see_it(page, simulated):
    elements = Elements(page)
    plots = [attributes for tag, attributes in elements.tags if tag == "svg"]
    figures = figures_of(read_record(simulated))
    assert [figure.key for figure in figures] == [
        "learning",
        "group-accuracy",
        "groups",
        "utility",
        "difficulty",
        "entropy",
        "informative",
        "regret",
        "overhead",
    ]
    assert not any(figure.missing for figure in figures)
    assert len(plots) == 2 * len(figures)  # for a wide and for a narrow screen
    assert all(plot["role"] == "img" and len(plot["aria-label"]) > 10 for plot in plots)
    assert all(len(figure.caption) > 40 for figure in figures)


def test_colours_of_the_page_reach_the_figures(page):
    """In a dark page letters must be light: no black text may be left in a figure."""
    for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        assert "currentColor" in svg or "var(--muted)" in svg
        assert not re.search(r"fill: ?#000000", svg)
        for sentinel in ("#010101", "#020202", "#030303", "#040404"):
            assert sentinel not in svg


def test_what_a_model_wrote_is_shown_and_not_obeyed(write):
    example = {"id": NASTY, "prompt": NASTY, "completion": NASTY, "reward": 1.0}
    lines = [draw(s, items=[NASTY, "b"], group=[NASTY, "y"], examples=[example]) for s in range(1, 5)]
    seconds = {"step": 1.0, NASTY: 0.5}
    measured = [evaluation(4, **{"accuracy": 0.5, f"accuracy/{NASTY}": 0.5})]
    path = write(
        begin(method=NASTY, settings={NASTY: NASTY}, groups=[NASTY, "y"]), *lines, cost(4, seconds=seconds), *measured
    )
    text = page_about(path)
    elements = Elements(text)
    assert not elements.open
    assert not {"script", "img"} & {tag for tag, _ in elements.tags}
    assert not any(name.startswith("on") for _, attributes in elements.tags for name in attributes)
    shown = "".join(elements.words)
    assert "<script>alert(1)</script> \"'><img src=x onerror=alert(1)> & {{ 7 * 7 }} $x^2$" in shown
    assert "⟨U+202E⟩gnp.exe⟨U+2066⟩ ␀␛[31m" in shown
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", text)


def test_more_groups_than_colours_become_a_heat_map(write):
    names = [f"g{i}" for i in range(20)]
    lines = [draw(s, group=[names[s % 20], names[0]]) for s in range(1, 41)]
    record = read_record(write(begin(groups=names), *lines))
    figure = next(figure for figure in figures_of(record) if figure.key == "groups")
    assert figure.alt.startswith("Heat map")
    assert not figure.legend
    assert "data:image/png;base64," in figure.wide


def test_groups_have_styles_of_their_own_as_far_as_areas_are_stacked():
    assert len({group_style(index) for index in range(12)}) == 12


MISSING = {"group": None, "difficulty": None, "reward": [None, None]}


@pytest.mark.parametrize(
    ("changes", "sentences"),
    [
        (
            MISSING,
            {
                "learning": "neither evaluations nor rewards",
                "groups": "no groups",
                "regret": "no groups",
                "utility": "no groups",
                "difficulty": "no difficulty",
                "entropy": "no entropies",
                "informative": "no rewards",
                "overhead": "no times",
            },
        ),
        (
            {"utility": [None, None]},
            {
                "utility": "no utilities",
                "regret": "no estimates of regret",
                "overhead": "no times",
                "entropy": "no entropies",
            },
        ),
    ],
)
def test_what_a_record_lacks_is_left_out_with_a_sentence_why(write, changes, sentences):
    path = write(begin(groups=["x", "y"] if "group" not in changes else None), draw(1, **changes))
    figures = {figure.key: figure for figure in figures_of(read_record(path))}
    assert {key for key, figure in figures.items() if figure.missing} == set(sentences)
    for key, sentence in sentences.items():
        assert sentence in figures[key].missing
        assert not figures[key].wide


def test_the_page_says_what_is_left_out(write):
    page = page_about(write(begin(groups=None), draw(1, **MISSING)))
    assert page.count('<p class="missing">') == 8
    assert "have no difficulty" in page


def test_what_is_unknown_is_said_in_the_captions(write):
    lines = [draw(step, completion_tokens=None) for step in range(1, 6)]
    path = write(begin(), *lines, regret(5, unbiased=False))
    figures = {figure.key: figure for figure in figures_of(read_record(path))}
    assert "does not state for every draw" in figures["utility"].caption
    assert "does not state for every draw" in figures["regret"].caption
    assert "does not say how long completions were" in figures["informative"].caption
    assert "no evaluation" in figures["learning"].caption
    assert "no times" in figures["overhead"].missing


EMPTY = ("items", "group", "difficulty", "inclusion", "reward", "spread", "utility", "trained", "completion_tokens")


@pytest.mark.parametrize(
    "lines",
    [[], [draw(1)], [cost(1)], [evaluation(0, accuracy=0.1)], [regret(1)], [draw(1, **{name: [] for name in EMPTY})]],
    ids=["nothing", "a draw", "a step", "an evaluation", "an estimate", "a draw of nothing"],
)
def test_a_run_of_hardly_anything_has_a_page(write, lines):
    assert "<h1>osmd</h1>" in page_about(write(begin(), *lines))


def test_the_page_shows_the_settings_of_the_method(write):
    assert "arms=groups, floor=0.1" in page_about(write(begin(settings={"arms": "groups", "floor": "0.1"})))
    assert "<h1>osmd</h1>" in page_about(write(begin(settings="lost")))


def test_a_line_cut_short_is_mentioned(write):
    assert "One line of the record could not be read" in page_about(write(begin(), draw(1), tail='{"kind":'))


def test_headlines_are_those_of_the_record(write):
    path = write(
        begin(),
        draw(1),
        cost(1),
        evaluation(1, accuracy=0.75),
        draw(2, trained=[True, False]),
        cost(2),
        evaluation(2, accuracy=0.5),
    )
    found = {one["name"]: (one["value"], one["note"]) for one in headlines(read_record(path))}
    assert found["steps"][0] == "2"
    assert found["tokens"][0] == "200"
    assert found["wall-clock"] == ("4 s", "in steps, 2 s each")
    assert found["last accuracy"][0] == "0.500"
    assert found["best accuracy"] == ("0.750", "at step 1")
    assert found["informative"][0] == "50 %"
    assert found["wasted"][0] == "25 %"
    assert found["rejected"][0] == "25 %"
    assert found["problems met"] == ("2", "of 4 in the bank")
    assert found["overhead"] == ("10 %", "of time, and 15 % re-scoring")


def test_the_estimates_are_those_of_the_record(write):
    path = write(begin(), *(line for step in (1, 2) for line in (draw(step), regret(step))))
    utility, half_width = group_utility(read_record(path))
    np.testing.assert_allclose(utility, [(-0.2 + 0.8) / 4, (0.4 + 0.8) / 4])
    np.testing.assert_allclose(half_width, [1.0 / 4, np.nan])
    figures = {figure.key: figure for figure in figures_of(read_record(path))}
    assert "at the end y is ahead at 0.4" in figures["regret"].alt
    assert "the largest is y at 0.3" in figures["utility"].alt
    assert "no problem is favoured" in figures["utility"].caption


def test_who_taught_most_is_not_who_was_lucky_once(write):
    often = [draw(step, items=["often", "never"], utility=[0.9, 0.0]) for step in range(1, 21)]
    once = draw(21, items=["lucky", "never"], utility=[1.0, 0.0])
    run = read_record(write(begin(), *often, once))
    most, least = most_and_least(run, 10)
    assert [run.problems[row] for row in most] == ["often", "lucky"]
    assert [run.problems[row] for row in least] == ["never"]


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["loss", "reward", "accuracy"], "accuracy"),
        (["reward", "runtime"], "reward"),
        (["loss", "mean_accuracy"], "mean_accuracy"),
        (["accuracy/x", "loss"], None),
        ([], None),
    ],
)
def test_the_metric_shown_is_the_one_that_says_how_good_the_policy_is(names, chosen):
    assert main_metric([Evaluation(1, 1.0, dict.fromkeys(names, 0.5))]) == chosen


def test_a_large_record_gives_a_small_page_in_little_time(tmp_path):
    path = write_large(tmp_path / "curriculum.jsonl", steps=1500, batch=64)
    begun = time.process_time()
    page = write_report(path)
    assert time.process_time() - begun < 30
    assert page.stat().st_size < 2_000_000


def test_the_command_writes_where_it_is_told_and_leaves_nothing_else(write, tmp_path, capsys):
    path = write(begin(), draw(1))
    output = tmp_path / "deep" / "page.html"
    assert cli.main(["report", str(path.parent), "--output", str(output)]) == 0
    assert str(output) in capsys.readouterr().out
    assert [file.name for file in output.parent.iterdir()] == ["page.html"]
    assert not (tmp_path / "report.html").exists()


@pytest.mark.parametrize("text", ["", "hello\n", '{"kind":"run","version":7}\n'])
def test_the_command_answers_bad_input_in_one_line(tmp_path, capsys, text):
    path = tmp_path / "curriculum.jsonl"
    path.write_text(text)
    assert cli.main(["report", str(path)]) == 2
    (message,) = capsys.readouterr().err.splitlines()
    assert message.startswith("curriculum-bandits report: ")
    assert [file.name for file in tmp_path.iterdir()] == ["curriculum.jsonl"]


def test_the_record_itself_is_never_overwritten(write):
    path = write(begin(), draw(1))
    before = path.read_bytes()
    with pytest.raises(ValueError, match="is the record itself"):
        write_report(path, path)
    with pytest.raises(ValueError, match="is a folder"):
        write_report(path, path.parent)
    assert path.read_bytes() == before


def test_a_missing_library_is_named_with_the_command_that_brings_it(write, monkeypatch, capsys):
    import sys

    path = write(begin(), draw(1))
    monkeypatch.setitem(sys.modules, "jinja2", None)
    assert cli.main(["report", str(path)]) == 1
    assert "pip install 'curriculum-bandits[report]'" in capsys.readouterr().err
