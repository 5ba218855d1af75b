//! How many surveys were sent and refused, and which sends were refused.

use actix_web::{HttpRequest, web::ThinData};

use crate::{
    http::{auth, failure::Failure, page::Page, query::Query, responses::Json, state::State},
    store::{
        refusals::list::{Person, RefusalFilter, RefusalRow},
        statistics::{list::Statistics, query::StatisticsQuery},
    },
    survey::{moment::between, phone},
};

/// `GET /admin/stats`: how many surveys were sent and refused, by time, form and channel.
pub(crate) async fn statistics(request: HttpRequest, ThinData(app): State) -> Result<Json<Statistics>, Failure> {
    let admin = auth::admin(&request, &app).await?;
    let query = Query::of(&request, &["from", "to", "by", "zone"])?;
    let times = (query.moment("from")?, query.moment("to")?);
    let (grouping, zone) = (query.value("by")?, query.value("zone")?);
    let query = StatisticsQuery::new(times, grouping, zone, admin.store().now()).map_err(Failure::bad_request)?;
    Ok(Json::ok(admin.store().statistics(query).await?))
}

/// `GET /admin/refusals`: the last refused sends; with `before` the newest first.
pub(crate) async fn refusals(request: HttpRequest, ThinData(app): State) -> Result<Page<RefusalRow>, Failure> {
    let admin = auth::admin(&request, &app).await?;
    let known =
        ["after", "before", "limit", "client", "externalId", "phone", "person", "thread", "form", "rule", "token"];
    let query = Query::of(&request, &[&known[..], &["since", "until"]].concat())?;
    let (since, until) = (query.moment("since")?, query.moment("until")?);
    let [since, until] = between(since, until, admin.store().now()).map_err(Failure::bad_request)?;
    let filter = RefusalFilter {
        after: query.integer("after")?,
        before: query.before()?,
        client: query.integer("client")?,
        external_id: query.search("externalId")?.map(str::to_owned),
        phone: query.search("phone")?.map(phone::notations),
        person: query.search("person")?.map(Person::from),
        thread: query.integer("thread")?,
        form: query.integer("form")?,
        rule: query.value("rule")?,
        token: query.search("token")?.map(str::to_owned),
        since,
        until,
    };
    let limit = query.limit()?;
    Ok(Page::of(&query, limit, admin.store().refusals(filter, limit + 1).await?, |row| row.id))
}
