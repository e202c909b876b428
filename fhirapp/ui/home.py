"""The landing page, the pages of the problems, and what all pages share: styles, languages, headers."""

from __future__ import annotations

from flask import Blueprint, abort, current_app, render_template, request, url_for
from flask.typing import ResponseReturnValue

from fhirapp.problems import BY_SLUG
from fhirapp.ui import headers, language
from fhirapp.ui.house import House


def create_blueprint(house: House) -> Blueprint:
    """The routes `/` and `/problems/<slug>`, and the files below `/ui`."""
    bp = Blueprint("ui", __name__, template_folder="templates", static_folder="static", static_url_path="/ui")
    bp.record_once(lambda state: language.install(state.app))
    headers.install(bp)

    @bp.get("/", endpoint="home")
    def home() -> ResponseReturnValue:
        language.speak(request.accept_languages.values())
        clock = url_for("demo.show") if "demo.show" in current_app.view_functions else None
        return render_template("home.html", demo=house.config.demo, clock=clock)

    @bp.get("/problems/", endpoint="problems")
    def problems() -> ResponseReturnValue:
        language.speak(request.accept_languages.values())
        return render_template("problems.html", problems=sorted(BY_SLUG.values(), key=lambda one: one.slug))

    @bp.get("/problems/<slug>", endpoint="problem")
    def problem(slug: str) -> ResponseReturnValue:
        language.speak(request.accept_languages.values())
        if slug not in BY_SLUG:
            abort(404)
        return render_template("problem_kind.html", problem=BY_SLUG[slug])

    return bp
