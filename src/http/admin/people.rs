//! The lists of clients and of threads, which are searched for a person.

use actix_web::{HttpRequest, web::ThinData};

use crate::{
    http::{auth, failure::Failure, page::Page, query::Query, state::State},
    survey::model::{Client, Thread},
};

/// `GET /admin/clients`: all of them, or with `q` those whose external id, name or phone begins with it.
pub(crate) async fn clients(request: HttpRequest, ThinData(app): State) -> Result<Page<Client>, Failure> {
    let admin = auth::admin(&request, &app).await?;
    let query = Query::of(&request, &["after", "limit", "q"])?;
    let (after, limit) = (query.integer("after")?, query.limit()?);
    let rows = match query.search("q")? {
        Some(text) => admin.store().search_clients(text.to_owned(), after, limit + 1).await?,
        None => admin.store().list(after, limit + 1).await?,
    };
    Ok(Page::of(&query, limit, rows, |client| client.id.0))
}

/// `GET /admin/threads`: all of them, or those of a client.
pub(crate) async fn threads(request: HttpRequest, ThinData(app): State) -> Result<Page<Thread>, Failure> {
    let admin = auth::admin(&request, &app).await?;
    let query = Query::of(&request, &["after", "limit", "client"])?;
    let (after, limit) = (query.integer("after")?, query.limit()?);
    let rows = match query.integer("client")? {
        Some(client) => admin.store().threads_of_client(client, after, limit + 1).await?,
        None => admin.store().list(after, limit + 1).await?,
    };
    Ok(Page::of(&query, limit, rows, |thread| thread.id.0))
}
