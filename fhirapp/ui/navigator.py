"""The routes of the navigators' queue."""

from __future__ import annotations

from flask import Blueprint

from fhirapp.referrals.status import Role
from fhirapp.ui.access import Door
from fhirapp.ui.ehr_conflicts import ConflictsPage
from fhirapp.ui.ehr_questions import QuestionActs
from fhirapp.ui.house import House
from fhirapp.ui.models_page import ModelsPage
from fhirapp.ui.navigator_acts import Acts
from fhirapp.ui.navigator_pages import Queue
from fhirapp.ui.notice_acts import NoticeActs


def create_blueprint(house: House) -> Blueprint:
    """The routes below `/queue`."""
    queue = Queue(house, Door(house, Role.NAVIGATOR))
    acts = Acts(queue)
    bp = Blueprint("navigator", __name__, url_prefix="/queue")
    bp.get("/<sid>/", endpoint="queue")(queue.list_)
    notices = NoticeActs(queue)
    bp.get("/<sid>/outbox", endpoint="outbox")(notices.show)
    bp.get("/<sid>/outbox/<int:notice_id>", endpoint="letter")(notices.letter)
    bp.post("/<sid>/outbox/<int:notice_id>/<act>", endpoint="notice")(notices.act)
    bp.post("/<sid>/answers/<int:reply_id>", endpoint="answered")(notices.answered)
    bp.post("/<sid>/ehr/<int:question_id>", endpoint="ehr_seen")(QuestionActs(house, queue.door).seen)
    conflicts = ConflictsPage(queue)
    bp.get("/<sid>/conflicts", endpoint="conflicts")(conflicts.show)
    bp.post("/<sid>/conflicts/<int:conflict_id>/<resolution>", endpoint="decide")(conflicts.settle)
    bp.get("/<sid>/models", endpoint="models")(ModelsPage(queue).show)
    bp.get("/<sid>/<uuid:referral_id>", endpoint="referral")(queue.referral)
    bp.post("/<sid>/<uuid:referral_id>/<act>", endpoint="act")(acts.do)
    return bp
