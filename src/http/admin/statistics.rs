//! How many surveys were sent and refused, and which sends were refused.

use actix_web::{HttpRequest, web::ThinData};

use crate::{
    http::{auth, failure::Failure, query::Query, responses::Json, state::State},
    store::{
        refusals::list::{Person, PhoneDigits, RefusalFilter, RefusalRow},
        statistics::{
            list::Statistics,
            query::{Grouping, StatisticsQuery, Zone},
        },
    },
    survey::rules::Rule,
};

/// `GET /admin/stats`: how many surveys were sent and refused, by time, form and channel.
pub(crate) async fn statistics(request: HttpRequest, ThinData(app): State) -> Result<Json<Statistics>, Failure> {
    let admin = auth::admin(&request, &app).await?;
    let query = Query::of(&request, &["from", "to", "by", "zone"])?;
    let times = (query.moment("from")?, query.moment("to")?);
    let (grouping, zone) = (query.value("by", Grouping::EXPECTED)?, query.value("zone", Zone::EXPECTED)?);
    let query = StatisticsQuery::new(times, grouping, zone, admin.store().now()).map_err(Failure::bad_request)?;
    Ok(Json::ok(admin.store().statistics(query).await?))
}

/// `GET /admin/refusals`: the last refused sends; with `before` the newest first.
pub(crate) async fn refusals(request: HttpRequest, ThinData(app): State) -> Result<Json<Vec<RefusalRow>>, Failure> {
    let admin = auth::admin(&request, &app).await?;
    let known =
        ["after", "before", "limit", "client", "externalId", "phone", "person", "thread", "form", "rule", "token"];
    let query = Query::of(&request, &[&known[..], &["from", "to"]].concat())?;
    let now = admin.store().now();
    let filter = RefusalFilter {
        after: query.integer("after")?,
        before: query.before()?,
        client: query.integer("client")?,
        external_id: query.short_text("externalId")?.map(str::to_owned),
        phone: query.short_text("phone")?.map(PhoneDigits::from),
        person: query.short_text("person")?.map(Person::from),
        thread: query.integer("thread")?,
        form: query.integer("form")?,
        rule: query.value("rule", &Rule::expected())?,
        token: query.short_text("token")?.map(str::to_owned),
        from: query.moment("from")?.map(|from| from.time(now)),
        to: query.moment("to")?.map(|to| to.time(now)),
    };
    Ok(Json::ok(admin.store().refusals(filter, query.limit()?).await?))
}
