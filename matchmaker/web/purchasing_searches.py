"""Open searches of suppliers: the list and the page that everybody reads, the buyer's side, questions before all."""

from datetime import date, datetime, time
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import DateField, SelectField, TextAreaField, ValidationError

from matchmaker.extensions import db, limiter, nudge
from matchmaker.models import Frame, Need, SearchQuestion, SupplierSearch
from matchmaker.models.base import PARIS, today
from matchmaker.models.purchasing import LONGEST_QUESTION
from matchmaker.services import purchasing_groups_reading, purchasing_searches
from matchmaker.services.errors import NotAllowedNow
from matchmaker.services.purchasing_searches import NotLater, TooManyQuestions
from matchmaker.web import formats, purchasing_words
from matchmaker.web.access import editor_required, found, member_required, my_need, my_organisation, public
from matchmaker.web.declaration_fields import PERSONAL
from matchmaker.web.declarations import details_of
from matchmaker.web.forms import Form, answer, at_most, next_time, required
from matchmaker.web.purchasing import own_structure
from matchmaker.web.settings import mail_settings
from tasks.outbox import drain

bp = Blueprint("purchasing_searches", __name__)

# The same hour for everybody, when an office may still be called.
HOUR = time(18)
NO_CONTACT = "Ni adresse, ni téléphone ici\u00a0: tout le monde lit cette page."


class DayForm(Form):
    closes_on = DateField("Jusqu’à quel jour\u00a0?", [required("Choisissez un jour.")])
    # Set by the view: the need's own last day.
    last: date | None = None

    def validate_closes_on(self, field: DateField) -> None:
        if field.data <= today():
            raise ValidationError(f"Choisissez un jour à venir. Vouliez-vous écrire {next_time(field.data):%d/%m/%Y}\u00a0?")
        if self.last and field.data > self.last:
            raise ValidationError(f"Votre besoin est publié jusqu’au {self.last:%d/%m/%Y}. Choisissez un jour d’ici là.")

    @property
    def closes_at(self) -> datetime:
        return datetime.combine(self.closes_on.data, HOUR, PARIS)


class SearchForm(DayForm):
    frame = SelectField("Dans quel cadre\u00a0?", choices={frame.value: law.title for frame, law in purchasing_words.LAWS.items()})


class QuestionForm(Form):
    question = TextAreaField("Votre question", [required("Écrivez votre question."), at_most(LONGEST_QUESTION)])

    def validate_question(self, field: TextAreaField) -> None:
        if PERSONAL.search(field.data):
            raise ValidationError(NO_CONTACT)


class ReplyForm(Form):
    answer = TextAreaField("Votre réponse", [required("Écrivez votre réponse."), at_most(LONGEST_QUESTION)])

    def validate_answer(self, field: TextAreaField) -> None:
        if PERSONAL.search(field.data):
            raise ValidationError(NO_CONTACT)


def my_search(search_id: UUID) -> SupplierSearch:
    """One that this structure opened."""
    search: SupplierSearch = found(purchasing_searches.search(search_id))
    return search if search.need.organisation_id == my_organisation().id else abort(404)


def my_question(question_id: UUID) -> SearchQuestion:
    """A question about a search that this structure opened."""
    question: SearchQuestion = found(purchasing_searches.question(question_id))
    return question if question.search.need.organisation_id == my_organisation().id else abort(404)


@bp.get("/achats/recherches")
@public
def all_open() -> ResponseReturnValue:
    own = own_structure()
    mine = purchasing_searches.searches_by(own) if own else []
    counted = purchasing_searches.answers_counted(mine)
    return render_template("purchasing/searches.html", searches=purchasing_searches.open_searches(), mine=mine, counted=counted, words=purchasing_words)


@bp.get("/achats/recherches/<uuid:open_id>")
@public
def show(open_id: UUID) -> ResponseReturnValue:
    """The same page for everybody. The buyer also answers there; a structure also asks, or goes to its answer."""
    return page(found(purchasing_searches.search(open_id)))


def page(
    search: SupplierSearch, *, asking: QuestionForm | None = None, replying: dict[UUID, ReplyForm] | None = None, moving: DayForm | None = None
) -> ResponseReturnValue:
    """The search with its forms, one of them perhaps as it was refused."""
    own = own_structure()
    is_mine = own is not None and own.id == search.need.organisation_id
    group = purchasing_groups_reading.led_by(own, search) if own and not is_mine else None
    replies = {one.id: ReplyForm(formdata=None, prefix=str(one.id), data={"answer": one.answer}) for one in search.questions} if is_mine else {}
    return render_template(
        "purchasing/search.html",
        search=search,
        need=search.need,
        own=own,
        is_mine=is_mine,
        group=group,
        law=purchasing_words.LAWS[search.frame],
        details=details_of(search.need),
        asking=asking or QuestionForm(formdata=None),
        replies=replies | (replying or {}),
        moving=moving or DayForm(formdata=None),
        words=purchasing_words,
    ), 422 if asking or replying or moving else 200


@bp.route("/achats/besoins/<uuid:need_id>/recherche", methods=["GET", "POST"])
@editor_required
def open_search(need_id: UUID) -> ResponseReturnValue:
    """Open a published need of one's own to all."""
    need = my_need(need_id)
    search = purchasing_searches.search_of(need)
    if search is not None and search.is_open:
        return redirect(url_for(".show", open_id=search.id))
    form = SearchForm()
    form.last = need.expires_on
    if not purchasing_searches.can_open(need) or not form.validate_on_submit():
        return answer("purchasing/search_new.html", form, need=need, can_open=purchasing_searches.can_open(need), laws=purchasing_words.LAWS)
    return opened(need, form)


def opened(need: Need, form: SearchForm) -> ResponseReturnValue:
    try:
        search = purchasing_searches.open_search(need, frame=Frame(form.frame.data), closes_at=form.closes_at)
    except NotAllowedNow:
        db.session.rollback()
        abort(409)
    db.session.commit()
    flash(f"La recherche est ouverte. Tout le monde lit la même page jusqu’au {formats.day_and_hour(search.closes_at)}.", "success")
    return redirect(url_for(".show", open_id=search.id))


@bp.post("/achats/recherches/<uuid:search_id>/date")
@member_required
def put_off(search_id: UUID) -> ResponseReturnValue:
    search, form = my_search(search_id), DayForm()
    form.last = search.need.expires_on
    if not form.validate_on_submit():
        return page(search, moving=form)
    try:
        purchasing_searches.put_off(search, form.closes_at, settings=mail_settings())
    except NotLater:
        db.session.rollback()
        form.closes_on.errors = ["La date ne peut qu’être repoussée\u00a0: qui comptait sur elle ne doit pas la perdre."]
        return page(found(purchasing_searches.search(search_id)), moving=form)
    except NotAllowedNow as refused:
        return refusal(str(refused), search_id)
    return done("La date limite est repoussée. Les structures qui prennent part reçoivent toutes le même courriel.", search_id)


@bp.post("/achats/recherches/<uuid:search_id>/arreter")
@member_required
def stop(search_id: UUID) -> ResponseReturnValue:
    try:
        purchasing_searches.stop(my_search(search_id), settings=mail_settings())
    except NotAllowedNow as refused:
        return refusal(str(refused), search_id)
    return done("La recherche est arrêtée. Les structures qui prenaient part sont prévenues.", search_id)


@bp.post("/achats/recherches/<uuid:open_id>/questions")
@limiter.limit("20 per minute")
@member_required
def ask(open_id: UUID) -> ResponseReturnValue:
    search, form = found(purchasing_searches.search(open_id)), QuestionForm()
    if not form.validate_on_submit():
        return page(search, asking=form)
    try:
        purchasing_searches.ask(search, form.question.data, by=my_organisation(), settings=mail_settings())
    except TooManyQuestions:
        db.session.rollback()
        form.question.errors = [f"Vous attendez déjà {purchasing_searches.MOST_QUESTIONS} réponses ici. Posez la suite quand l’acheteur aura répondu."]
        return page(found(purchasing_searches.search(open_id)), asking=form)
    except NotAllowedNow as refused:
        return refusal(str(refused), open_id)
    return done("Votre question est posée. Tout le monde la lit, sans votre nom\u00a0; l’acheteur est prévenu.", open_id)


@bp.post("/achats/questions/<uuid:question_id>/reponse")
@member_required
def reply(question_id: UUID) -> ResponseReturnValue:
    question, form = my_question(question_id), ReplyForm(prefix=str(question_id))
    if not form.validate_on_submit():
        return page(found(purchasing_searches.search(question.search_id)), replying={question_id: form})
    try:
        purchasing_searches.reply(question, form.answer.data, settings=mail_settings())
    except NotAllowedNow as refused:
        return refusal(str(refused), question.search_id)
    return done("Votre réponse est publiée. Tout le monde la lit au même moment.", question.search_id)


@bp.get("/achats/recherches/<uuid:search_id>/reponses")
@member_required
def answers(search_id: UUID) -> ResponseReturnValue:
    """What was handed in, each group as one answer."""
    search = my_search(search_id)
    return render_template("purchasing/answers.html", search=search, groups=purchasing_searches.handed_in(search), words=purchasing_words)


def done(words: str, search_id: UUID) -> ResponseReturnValue:
    db.session.commit()
    nudge(drain)
    flash(words, "success")
    return redirect(url_for(".show", open_id=search_id) + ("#questions" if "question" in request.path else ""))


def refusal(why: str, search_id: UUID) -> ResponseReturnValue:
    db.session.rollback()
    flash(purchasing_words.refusal(why), "warn")
    return redirect(url_for(".show", open_id=search_id))
