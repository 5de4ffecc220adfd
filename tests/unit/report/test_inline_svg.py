from molvae.report.inline_svg import COLOURS, inline, page_colour

CHART = (
    '<svg xmlns="http://www.w3.org/2000/svg" class="marks" width="419.4" height="264" viewBox="0 0 419 264">'
    '<defs><clipPath id="clip0"/></defs><path clip-path="url(#clip0)" stroke="#0f62a6" aria-label="Epoch: 1; nats:'
    ' 3.123456789; epoch: 1; KL: 3.12" role="graphics-symbol" aria-roledescription="point"/>'
    '<g aria-label="X-axis" aria-roledescription="axis"/></svg>'
)


def test_a_chart_has_the_colours_of_the_page_ids_of_its_own_and_tips():
    drawing = inline(CHART, 'KL <"nats">', "training-0")
    assert drawing.width == 419
    assert drawing.svg.startswith('<svg role="img" aria-label="KL &lt;&quot;nats&quot;>" viewBox="0 0 419 264">')
    assert 'id="training-0-clip0"' in drawing.svg
    assert "url(#training-0-clip0)" in drawing.svg
    assert 'stroke="var(--accent)"' in drawing.svg
    assert 'data-tip="epoch: 1; KL: 3.12"' in drawing.svg
    assert "X-axis" not in drawing.svg


def test_every_colour_of_the_charts_is_one_of_the_page():
    assert page_colour("#0F62A6") == "var(--accent)"
    assert len(set(COLOURS.values())) == len(COLOURS)
