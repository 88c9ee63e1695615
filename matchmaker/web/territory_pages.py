"""Territories as places to live in: who answers, what is looked for, where one meets, who follows; and what their animators write."""

from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, SelectField, StringField, TextAreaField

from matchmaker.extensions import db
from matchmaker.models import Level, Need, News, Organisation, Story, StoryStatus, Territory
from matchmaker.models.communities import LONGEST_NEWS, LONGEST_STORY
from matchmaker.services import communities, declarations, news, observatory_places, stories, territory_pages
from matchmaker.services.errors import NotAllowedNow
from matchmaker.services.observatory_places import code_of
from matchmaker.web import maps
from matchmaker.web.access import (
    animator_required,
    editor_required,
    found,
    is_signed_in,
    member_required,
    my_organisation,
    public,
    signed_in,
    territory_in_my_care,
)
from matchmaker.web.forms import Form, answer, at_most, clean, required
from matchmaker.web.place_words import at_place

bp = Blueprint("territory_pages", __name__)


class NewsForm(Form):
    title = StringField("Titre", [required("Donnez-lui un titre."), at_most(120)])
    text = TextAreaField("La nouvelle", [required("Écrivez la nouvelle."), at_most(LONGEST_NEWS)])


class StoryForm(Form):
    territory = SelectField("Pour la page de quel territoire\u00a0?")
    text = TextAreaField("Ce que cela a donné", [required("Écrivez quelques mots."), at_most(LONGEST_STORY)])
    signature = StringField("Signé", [at_most(80)])
    consent = BooleanField(
        "J’accepte que ces mots, et le nom de ma structure, soient lus par tout le monde", [required("Sans cet accord, rien n’est publié. Cochez la case.")]
    )


@bp.get("/territoires")
@public
def all_territories() -> ResponseReturnValue:
    places = observatory_places.places()
    needs = declarations.count_by_epci(Need)
    return render_template(
        "territory_pages/all.html",
        places=places,
        departements=[one for one in places.all.values() if one.level is Level.DEPARTEMENT],
        regions=[one for one in places.all.values() if one.level is Level.REGION],
        needs=needs,
        followers=communities.counts(list(places.all)),
        map=maps.region_map(maps.classes(needs)),
        code_of=code_of,
    )


@bp.get("/territoires/<code>")
@public
def show(code: str) -> ResponseReturnValue:
    territory = named(code)
    mine = signed_in().organisation if is_signed_in() else None
    in_care = is_signed_in() and signed_in().looks_after(territory)
    coming, houses = territory_pages.coming(territory), territory_pages.third_places(territory)
    return render_template(
        "territory_pages/show.html",
        territory=territory,
        code=code_of(territory),
        holder_links=[(one.name, url_for(".show", code=code_of(one))) for one in territory_pages.holders(territory)],
        priorities=territory_pages.priorities(territory),
        contact=territory_pages.answers_for(territory),
        live=territory_pages.live(territory),
        themes=territory_pages.needs_by_theme(territory),
        coming=coming,
        third_places=houses,
        near=territory_pages.near(territory, job_dating=not coming, third_place=not houses),
        at_place=at_place,
        members=communities.members(territory, page=request.args.get("membres", 1, type=int)),
        news=news.newest(territory, page=request.args.get("nouvelles", 1, type=int)),
        told=stories.told(territory, StoryStatus.PUBLISHED),
        waiting=stories.told(territory, StoryStatus.WAITING, limit=20) if in_care else [],
        mine=mine,
        follows=mine is not None and communities.is_member(territory, mine),
        in_care=in_care,
        code_of=code_of,
    )


def named(code: str) -> Territory:
    """The territory of « departement-61 », or a page that says it is not there."""
    level, _, number = clean(code)[:30].partition("-")
    territory: Territory = found(territory_pages.territory(level, number))
    return territory


@bp.post("/territoires/communaute")
@member_required
def join() -> ResponseReturnValue:
    territory = named_in_form()
    joined = communities.join(territory, my_organisation())
    db.session.commit()
    told = f"Vous suivez ce territoire. {territory.name}\u00a0: votre structure est dans la liste, et les nouvelles vous arrivent le lundi."
    flash(told if joined else "Vous suiviez déjà ce territoire.", "success")
    return redirect(url_for(".show", code=code_of(territory)))


@bp.post("/territoires/communaute/depart")
@member_required
def leave() -> ResponseReturnValue:
    territory = named_in_form()
    communities.leave(territory, my_organisation())
    db.session.commit()
    flash(f"Vous ne suivez plus ce territoire. {territory.name}\u00a0: votre structure n’est plus dans la liste.", "success")
    return redirect(url_for(".show", code=code_of(territory)))


def named_in_form() -> Territory:
    level, _, number = clean(request.form.get("territoire"))[:30].partition("-")
    return territory_pages.territory(level, number) or abort(422)


@bp.route("/territoires/<int:territory_id>/nouvelles/nouvelle", methods=["GET", "POST"])
@animator_required
def write_news(territory_id: int) -> ResponseReturnValue:
    territory, form = territory_in_my_care(territory_id), NewsForm()
    if not form.validate_on_submit():
        return answer("territory_pages/news.html", form, territory=territory, one=None, code=code_of(territory), followers=followers(territory))
    news.post(territory, signed_in(), title=form.title.data, text=form.text.data)
    db.session.commit()
    flash("La nouvelle est publiée. Elle est sur la page, et partira lundi à celles qui suivent ce territoire.", "success")
    return redirect(url_for(".show", code=code_of(territory)))


@bp.route("/nouvelles/<uuid:news_id>/modifier", methods=["GET", "POST"])
@animator_required
def edit_news(news_id: UUID) -> ResponseReturnValue:
    one = news_in_my_care(news_id)
    form = NewsForm(obj=one)
    if not form.validate_on_submit():
        return answer("territory_pages/news.html", form, territory=one.territory, one=one, code=code_of(one.territory), followers=followers(one.territory))
    one.title, one.text = form.title.data, form.text.data
    db.session.commit()
    flash("La nouvelle est corrigée.", "success")
    return redirect(url_for(".show", code=code_of(one.territory)))


@bp.post("/nouvelles/<uuid:news_id>/retrait")
@animator_required
def remove_news(news_id: UUID) -> ResponseReturnValue:
    one = news_in_my_care(news_id)
    code = code_of(one.territory)
    db.session.delete(one)
    db.session.commit()
    flash("La nouvelle est retirée.", "success")
    return redirect(url_for(".show", code=code))


def news_in_my_care(news_id: UUID) -> News:
    one: News = found(news.one(news_id))
    return one if signed_in().looks_after(one.territory) else abort(404)


def followers(territory: Territory) -> int:
    return communities.counts([territory.id]).get(territory.id, 0)


@bp.route("/temoignages/nouveau", methods=["GET", "POST"])
@editor_required
def give_story() -> ResponseReturnValue:
    organisation = my_organisation()
    places = {code_of(one): one for one in territory_pages.of_commune(organisation.commune)}
    form = StoryForm(territory=request.args.get("territoire"))
    form.territory.choices = {code: one.name for code, one in places.items()}
    if not places or not form.validate_on_submit():
        return answer("territory_pages/story.html", form, organisation=organisation, places=places)
    stories.give(organisation, places[form.territory.data], text=form.text.data, signature=form.signature.data)
    db.session.commit()
    flash("Merci. L’animation du territoire lit vos mots avant qu’ils soient publiés.", "success")
    return redirect(url_for(".my_stories"))


@bp.get("/temoignages")
@member_required
def my_stories() -> ResponseReturnValue:
    organisation = my_organisation()
    followed, given = communities.followed_by(organisation.id), stories.given_by(organisation.id)
    near = territory_pages.of_commune(organisation.commune)
    return render_template("territory_pages/mine.html", organisation=organisation, given=given, followed=followed, near=near, code_of=code_of)


@bp.post("/temoignages/<uuid:story_id>/retrait")
@member_required
def withdraw_story(story_id: UUID) -> ResponseReturnValue:
    story = my_story(story_id, my_organisation())
    stories.withdraw(story)
    db.session.commit()
    flash("C’est retiré. Vos mots sont effacés, et ne sont plus sur la page.", "success")
    return redirect(url_for(".my_stories"))


def my_story(story_id: UUID, organisation: Organisation) -> Story:
    story: Story = found(stories.story(story_id))
    return story if story.organisation_id == organisation.id else abort(404)


@bp.post("/temoignages/<uuid:story_id>/decision")
@animator_required
def decide_story(story_id: UUID) -> ResponseReturnValue:
    story: Story = found(stories.story(story_id))
    if not signed_in().looks_after(story.territory):
        abort(404)
    is_shown = "publier" in request.form
    code = code_of(story.territory)
    try:
        stories.decide(story, is_shown=is_shown)
    except NotAllowedNow:
        db.session.rollback()
        flash("Rien n’a changé. La structure a repris ces mots, ou en a écrit d’autres.", "message")
        return redirect(url_for(".show", code=code))
    db.session.commit()
    flash("Le témoignage est publié." if is_shown else "Le témoignage n’est pas publié. La structure le voit sur sa page.", "success")
    return redirect(url_for(".show", code=code))
